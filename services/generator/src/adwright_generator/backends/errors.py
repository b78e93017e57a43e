"""What can go wrong with a backend. Another backend may do better with all of these; never with InvalidInput."""

from adwright_servicekit.errors import FailedPrecondition, Internal, ResourceExhausted, Unavailable

__all__ = [
    "BackendBusy",
    "BackendDeclined",
    "BackendFailed",
    "BackendMisconfigured",
    "BackendStalled",
    "BackendUnavailable",
]


class BackendUnavailable(Unavailable):
    """It cannot be reached, or the connection ended before the generation did."""

    reason = "BACKEND_UNAVAILABLE"


class BackendStalled(BackendUnavailable):
    """It sends nothing any more, or has not begun in time."""

    reason = "BACKEND_STALLED"


class BackendBusy(ResourceExhausted):
    """It is full right now. `retry_after` is in seconds, where it said so."""

    reason = "BACKENDS_BUSY"


class BackendFailed(Internal):
    """It answered with something that is not a generation."""

    reason = "BACKEND_FAILED"


class BackendDeclined(BackendFailed):
    """It works, but will not or cannot do this: a content filter, a grammar beyond it. It is not ill."""

    reason = "BACKEND_REFUSED"


class BackendMisconfigured(FailedPrecondition):
    """It cannot work as configured: a model file that is missing, a wrong URL, a key that nobody has."""

    reason = "BACKEND_MISCONFIGURED"
