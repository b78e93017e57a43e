"""Python that the suite `code` asks."""

from typing import Any


def get_assert(output: str, context: dict[str, Any]) -> dict[str, Any]:
    """Passes for outputs of more than three characters."""
    return {"pass": len(output) > 3, "score": min(1.0, len(output) / 5), "reason": f"{len(output)} characters"}


def short(output: str, context: dict[str, Any]) -> bool:
    """Passes for the others."""
    return len(output) <= 3
