"""Ctrl-C where something goes on without us."""

from adwright_servicekit.errors import AdwrightError

__all__ = ["Interrupted"]


class Interrupted(AdwrightError):
    """Raised in place of a bare interruption; says what goes on, and how to get back to it. Exit code 130."""

    reason = "INTERRUPTED"
