"""Data stays where the brand wants it: which backends may see it at all."""

from collections.abc import Collection, Sequence
from typing import TypeVar

from adwright_servicekit.errors import FailedPrecondition

from ..backends.base import Backend

__all__ = ["may_see"]

B = TypeVar("B", bound=Backend)


def may_see(backends: Sequence[B], residencies: Collection[str]) -> list[B]:
    """Those that process data in one of `residencies`; all when it is empty. Raises FailedPrecondition for none."""
    allowed = [backend for backend in backends if not residencies or backend.info.residency in residencies]
    if not allowed:
        raise FailedPrecondition(
            f"the brand's data may be processed in {', '.join(sorted(residencies))} only, and no backend is there: "
            "add one to the generator's configuration, or change the brand's data policy",
            reason="RESIDENCY_NOT_AVAILABLE",
        )
    return allowed
