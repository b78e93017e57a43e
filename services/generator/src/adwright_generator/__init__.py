"""The model server's front: prompts, formats, guardrails, backends."""
