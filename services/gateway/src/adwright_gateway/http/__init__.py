"""The HTTP door: the same methods as over gRPC, in JSON, in events, and in OpenAI's words."""
