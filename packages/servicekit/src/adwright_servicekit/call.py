"""What is known of the call being served: who calls, and until when. Set by the server, read by channels."""

import time
from contextvars import ContextVar
from dataclasses import dataclass, field

from .errors import Unauthenticated

__all__ = ["TENANT_METADATA", "Call", "Identity", "current_call", "current_identity", "current_tenant"]

TENANT_METADATA = "x-adwright-tenant"
"""Metadata key by which the gateway names the tenant to the other services."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who calls."""

    tenant: str
    scopes: frozenset[str] = field(default_factory=frozenset)
    key: str = ""
    """The credential they showed, by a name that is no secret: `keys/1f0c…`."""


@dataclass(frozen=True, slots=True)
class Call:
    """The call being served."""

    identity: Identity | None
    deadline: float
    """On the clock of `time.monotonic`, in seconds."""
    headers: dict[str, str] = field(default_factory=dict)
    """What the answer has to say besides, where its transport has headers."""

    def time_remaining(self) -> float:
        """Seconds until the deadline, at least 0."""
        return max(0.0, self.deadline - time.monotonic())


_current: ContextVar[Call | None] = ContextVar("adwright_call", default=None)


def current_call() -> Call | None:
    """The call being served by this task, if any."""
    return _current.get()


def current_identity() -> Identity:
    """Who makes the call being served. Raises Unauthenticated outside of one."""
    call = _current.get()
    if call is None or call.identity is None:
        raise Unauthenticated("this call names no tenant", reason="TENANT_MISSING")
    return call.identity


def current_tenant() -> str:
    """The tenant of the call being served. Raises Unauthenticated outside of one."""
    return current_identity().tenant


def enter(call: Call) -> None:
    """Makes `call` the current one for this task; every RPC is served by a task of its own."""
    _current.set(call)
