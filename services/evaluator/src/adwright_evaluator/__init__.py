"""The evaluator service: holds ads, or any text, against scorers."""
