"""The one mapping between the error tree and gRPC: Status with ErrorInfo, BadRequest, QuotaFailure, RetryInfo."""

from collections.abc import Iterable

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import DecodeError, Message
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from . import errors
from .errors import AdwrightError, FieldViolation, QuotaViolation

__all__ = ["DOMAIN", "code_of", "from_rpc_error", "from_status", "to_grpc_status", "to_status"]

DOMAIN = "adwright"

_CODES: dict[type[AdwrightError], grpc.StatusCode] = {
    errors.InvalidInput: grpc.StatusCode.INVALID_ARGUMENT,
    errors.Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    errors.PermissionDenied: grpc.StatusCode.PERMISSION_DENIED,
    errors.NotFound: grpc.StatusCode.NOT_FOUND,
    errors.AlreadyExists: grpc.StatusCode.ALREADY_EXISTS,
    errors.FailedPrecondition: grpc.StatusCode.FAILED_PRECONDITION,
    errors.OutOfRange: grpc.StatusCode.OUT_OF_RANGE,
    errors.Conflict: grpc.StatusCode.ABORTED,
    errors.ResourceExhausted: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.DeadlineTooShort: grpc.StatusCode.DEADLINE_EXCEEDED,
    errors.Unavailable: grpc.StatusCode.UNAVAILABLE,
    errors.Internal: grpc.StatusCode.INTERNAL,
}
_CLASSES = {code: cls for cls, code in _CODES.items()}


def code_of(error: AdwrightError) -> grpc.StatusCode:
    """The canonical code of an error: that of its nearest ancestor in the tree."""
    return next((_CODES[cls] for cls in type(error).__mro__ if cls in _CODES), grpc.StatusCode.INTERNAL)


def to_status(error: AdwrightError) -> status_pb2.Status:
    """The error as google.rpc.Status with its details."""
    details: list[Message] = [error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata)]
    if error.violations:
        details.append(
            error_details_pb2.BadRequest(
                field_violations=[
                    error_details_pb2.BadRequest.FieldViolation(field=v.field, description=v.description)
                    for v in error.violations
                ]
            )
        )
    if error.quotas:
        details.append(
            error_details_pb2.QuotaFailure(
                violations=[
                    error_details_pb2.QuotaFailure.Violation(subject=q.subject, description=q.description)
                    for q in error.quotas
                ]
            )
        )
    if error.retry_after is not None:
        delay = duration_pb2.Duration()
        delay.FromNanoseconds(int(error.retry_after * 1e9))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    status = status_pb2.Status(code=code_pb2.Code.Value(code_of(error).name), message=error.message)
    for detail in details:
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    return status


def to_grpc_status(error: AdwrightError) -> grpc.Status:
    """The error as `context.abort_with_status` wants it."""
    status: grpc.Status = rpc_status.to_status(to_status(error))
    return status


def from_rpc_error(call: grpc.aio.AioRpcError | grpc.Call, code: grpc.StatusCode, details: str) -> AdwrightError:
    """What a callee said, as an error of our tree with the callee's reason and details."""
    return _error(code, details, _details(call))


def from_status(status: status_pb2.Status) -> AdwrightError:
    """A google.rpc.Status inside of a message, such as the error of an operation, as an error of our tree."""
    code = next((code for code in grpc.StatusCode if code.value[0] == status.code), grpc.StatusCode.UNKNOWN)
    return _error(code, status.message, status.details)


def _error(code: grpc.StatusCode, details: str, packed_details: Iterable[any_pb2.Any]) -> AdwrightError:
    error_class = _CLASSES.get(code, errors.Internal)
    quotas: list[QuotaViolation] = []
    info, violations, retry_after = error_details_pb2.ErrorInfo(), [], None
    for packed in packed_details:
        if packed.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
            packed.Unpack(info)
        elif packed.Is(error_details_pb2.BadRequest.DESCRIPTOR):
            bad = error_details_pb2.BadRequest()
            packed.Unpack(bad)
            violations = [FieldViolation(v.field, v.description) for v in bad.field_violations]
        elif packed.Is(error_details_pb2.QuotaFailure.DESCRIPTOR):
            failure = error_details_pb2.QuotaFailure()
            packed.Unpack(failure)
            quotas = [QuotaViolation(v.subject, v.description) for v in failure.violations]
        elif packed.Is(error_details_pb2.RetryInfo.DESCRIPTOR):
            retry = error_details_pb2.RetryInfo()
            packed.Unpack(retry)
            retry_after = retry.retry_delay.ToNanoseconds() / 1e9
    return error_class(
        details or code.name,
        reason=info.reason or code.name,
        metadata=dict(info.metadata),
        violations=tuple(violations),
        retry_after=retry_after,
        quotas=tuple(quotas),
    )


def _details(call: grpc.aio.AioRpcError | grpc.Call) -> list[any_pb2.Any]:
    for key, value in call.trailing_metadata() or ():
        if key == "grpc-status-details-bin" and isinstance(value, bytes):
            try:
                return list(status_pb2.Status.FromString(value).details)
            except DecodeError:
                return []
    return []
