"""What the services behind the gateway said, as the gateway's own errors."""

from collections.abc import Iterator
from contextlib import contextmanager

import grpc

from adwright_servicekit.errors import DeadlineTooShort, Unavailable
from adwright_servicekit.status import from_rpc_error

__all__ = ["calling"]


@contextmanager
def calling(service: str) -> Iterator[None]:
    """Hands a callee's error on with its code, reason and details; names `service` where it did not even answer."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        said = from_rpc_error(error, error.code(), error.details() or "")
        spoke_itself = said.reason != error.code().name
        if isinstance(said, Unavailable) and not spoke_itself:
            raise Unavailable(
                f"the {service} service does not answer; try again in a moment",
                reason=f"{service.upper()}_UNAVAILABLE",
                retry_after=1.0,
            ) from error
        if isinstance(said, DeadlineTooShort) and not spoke_itself:
            raise DeadlineTooShort(
                f"the deadline passed while the {service} service was at work: give the call a longer timeout"
            ) from error
        raise said from error
