"""The errors of adwright, free of gRPC.

::

    AdwrightError                 INTERNAL
    ├── InvalidInput              INVALID_ARGUMENT      the caller must change the request
    ├── Unauthenticated           UNAUTHENTICATED       no key, or one that is not known
    ├── PermissionDenied          PERMISSION_DENIED     a known key without the right to do this
    ├── NotFound                  NOT_FOUND
    ├── AlreadyExists             ALREADY_EXISTS
    ├── FailedPrecondition        FAILED_PRECONDITION   the system's state must change first
    ├── OutOfRange                OUT_OF_RANGE          a position that is not the right one now
    ├── Conflict                  ABORTED               somebody else was faster: read again, then retry
    ├── ResourceExhausted         RESOURCE_EXHAUSTED    busy or over quota
    ├── DeadlineTooShort          DEADLINE_EXCEEDED
    ├── Unavailable               UNAVAILABLE           try again later
    └── Internal                  INTERNAL              a defect of ours

Every error says in one sentence what is wrong and what to do, and carries a `reason`: an UPPER_SNAKE_CASE
identifier that programs can rely on (google.rpc.ErrorInfo). `adwright_servicekit.status` maps the tree to gRPC,
in one place.
"""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = [
    "AdwrightError",
    "AlreadyExists",
    "Conflict",
    "DeadlineTooShort",
    "FailedPrecondition",
    "FieldViolation",
    "Internal",
    "InvalidInput",
    "NotFound",
    "OutOfRange",
    "PermissionDenied",
    "QuotaViolation",
    "ResourceExhausted",
    "Unauthenticated",
    "Unavailable",
]


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """What is wrong with one field of a request."""

    field: str
    """Path of the field in the request: `products[0]`."""
    description: str
    """What is wrong and what would be right."""


@dataclass(frozen=True, slots=True)
class QuotaViolation:
    """Which limit is reached."""

    subject: str
    """Whose limit it is: `tenants/demo`."""
    description: str
    """What the limit is, and when there is room again."""


class AdwrightError(Exception):
    """Root of all errors that adwright raises on purpose."""

    reason = "INTERNAL"

    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        metadata: Mapping[str, str] | None = None,
        violations: tuple[FieldViolation, ...] = (),
        retry_after: float | None = None,
        quotas: tuple[QuotaViolation, ...] = (),
    ) -> None:
        """`retry_after` is in seconds; `metadata` are short facts for programs, never prompt text or secrets."""
        super().__init__(message)
        self.message = message
        self.reason = reason or type(self).reason
        self.metadata = dict(metadata or {})
        self.violations = violations
        self.retry_after = retry_after
        self.quotas = quotas


class InvalidInput(AdwrightError):
    """The request is wrong, whatever the state of the system."""

    reason = "INVALID_INPUT"

    @classmethod
    def of(cls, field: str, description: str, *, reason: str | None = None) -> "InvalidInput":
        """The error of one field, named in the message and in BadRequest."""
        return cls(f"{field}: {description}", reason=reason, violations=(FieldViolation(field, description),))


class Unauthenticated(AdwrightError):
    """Nobody knows who is calling."""

    reason = "UNAUTHENTICATED"


class PermissionDenied(AdwrightError):
    """The caller is known and may not do this."""

    reason = "PERMISSION_DENIED"


class NotFound(AdwrightError):
    """A named thing does not exist."""

    reason = "NOT_FOUND"


class AlreadyExists(AdwrightError):
    """The name is taken."""

    reason = "ALREADY_EXISTS"


class FailedPrecondition(AdwrightError):
    """The request is right, but the state of the system does not allow it."""

    reason = "FAILED_PRECONDITION"


class OutOfRange(AdwrightError):
    """A position in something that is read or written piece by piece is not where that stands."""

    reason = "OUT_OF_RANGE"


class Conflict(AdwrightError):
    """What was read has changed since."""

    reason = "CONFLICT"


class ResourceExhausted(AdwrightError):
    """A limit is reached: busy backends, a quota, a size."""

    reason = "RESOURCE_EXHAUSTED"


class DeadlineTooShort(AdwrightError):
    """The caller's deadline passed, or leaves no time to do the work."""

    reason = "DEADLINE_TOO_SHORT"


class Unavailable(AdwrightError):
    """Something that is needed does not answer."""

    reason = "UNAVAILABLE"


class Internal(AdwrightError):
    """A defect of adwright."""

    reason = "INTERNAL"
