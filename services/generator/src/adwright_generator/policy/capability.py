"""Which backends can do what is asked: a LoRA adapter they must have, a schema they had better hold."""

from collections.abc import Sequence
from typing import TypeVar

from adwright_servicekit.errors import NotFound

from ..backends.base import Backend

__all__ = ["able", "named"]

B = TypeVar("B", bound=Backend)


def named(backends: Sequence[B], name: str) -> list[B]:
    """The one backend called `name`; all when it is empty. Raises NotFound."""
    found = [backend for backend in backends if not name or backend.info.name == name]
    if not found:
        known = ", ".join(backend.info.name for backend in backends)
        raise NotFound(f"there is no backend '{name}'; there are {known}", reason="BACKEND_NOT_FOUND")
    return found


def able(backends: Sequence[B], *, adapter: str, constrained: bool) -> list[B]:
    """Those that have `adapter`; for `constrained` output those that can hold a schema, if any of them can.

    Without the schema an ad is asked for in words, and checked and repaired afterwards. Raises NotFound.
    """
    fit = [backend for backend in backends if not adapter or adapter in backend.info.adapters]
    if not fit:
        known = ", ".join(sorted({name for backend in backends for name in backend.info.adapters})) or "none"
        raise NotFound(
            f"no backend that may take this has the adapter '{adapter}'; there are: {known}", reason="ADAPTER_NOT_FOUND"
        )
    holding = [backend for backend in fit if backend.info.constrained_output]
    return holding if constrained and holding else fit
