"""The policy: wrappers around backends, and who gets which of them. One idea a file."""
