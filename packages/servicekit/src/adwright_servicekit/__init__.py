"""What every adwright service is built from: settings, errors, telemetry, server, channels."""
