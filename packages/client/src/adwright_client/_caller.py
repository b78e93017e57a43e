"""How every call is made: API key, deadline, and errors of the tree whoever noticed them first."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any, TypeVar

import grpc

from adwright_servicekit.errors import (
    AdwrightError,
    DeadlineTooShort,
    Internal,
    ResourceExhausted,
    Unauthenticated,
    Unavailable,
)
from adwright_servicekit.status import from_rpc_error

__all__ = ["Caller"]

Q = TypeVar("Q")
R = TypeVar("R")

# What gRPC says, without an error code of its own, when it never got through to the other side.
_NEVER_THERE = (
    "failed to connect",
    "connection refused",
    "connections to all backends failing",
    "dns resolution",
    "name resolution",
    "errors resolving",
)
# What it says in place of the other side's status, where that came while a message was being sent (grpc/grpc#36066).
_FAILED_WRITE = "Internal error from Core"


class Caller:
    """Makes calls to one target in the name of one API key."""

    def __init__(self, target: str, api_key: str, timeout: float) -> None:
        """`timeout` (seconds) bounds calls that bring none. Raises Unauthenticated for what is no key."""
        api_key = api_key.strip()
        if not api_key:
            raise Unauthenticated("no API key: set ADWRIGHT_API_KEY", reason="API_KEY_MISSING")
        if not (api_key.isascii() and api_key.isprintable()) or " " in api_key:
            # gRPC would refuse the metadata, in words that say nothing of a key.
            raise Unauthenticated(
                "the API key has characters that no key has: copy it again", reason="API_KEY_MALFORMED"
            )
        self._target = target
        self._timeout = timeout
        self._metadata = (("authorization", f"Bearer {api_key}"),)

    async def unary(self, method: grpc.aio.UnaryUnaryMultiCallable[Q, R], request: Q, timeout: float | None) -> R:
        """One request, one answer."""
        seconds = timeout or self._timeout
        try:
            return await method(request, timeout=seconds, metadata=self._metadata)
        except grpc.aio.AioRpcError as error:
            raise self.translate(error, seconds) from None

    def stream(
        self, method: grpc.aio.UnaryStreamMultiCallable[Q, R], request: Q, timeout: float | None
    ) -> grpc.aio.UnaryStreamCall[Q, R]:
        """One request, many answers; whoever reads them calls `translate`."""
        return method(request, timeout=timeout or self._timeout, metadata=self._metadata)

    async def listed(
        self, method: grpc.aio.UnaryUnaryMultiCallable[Q, Any], request: Q, field: str, timeout: float | None = None
    ) -> AsyncIterator[Any]:
        """Everything of a list, page after page; `field` is what the response calls it."""
        paged: Any = request
        while True:
            page = await self.unary(method, request, timeout)
            for item in getattr(page, field):
                yield item
            if not page.next_page_token:
                return
            paged.page_token = page.next_page_token

    async def received(
        self, method: grpc.aio.UnaryStreamMultiCallable[Q, R], request: Q, timeout: float | None = None
    ) -> AsyncIterator[R]:
        """One request, many answers, to be read to the end; leaving them ends the call."""
        call = self.stream(method, request, timeout)
        try:
            async for response in call:
                yield response
        except grpc.aio.AioRpcError as error:
            raise self.translate(error, timeout) from None
        finally:
            call.cancel()

    async def upload(
        self, method: grpc.aio.StreamUnaryMultiCallable[Q, R], requests: Iterable[Q], timeout: float | None
    ) -> R:
        """Many requests, one answer."""
        seconds = timeout or self._timeout
        # Written one by one, and not as an iterator given to gRPC: that would end in a bare cancellation when
        # `requests` raises.
        call = method(timeout=seconds, metadata=self._metadata)
        try:
            try:
                for request in requests:
                    await call.write(request)
                await call.done_writing()
            except (asyncio.InvalidStateError, grpc.aio.AioRpcError):
                # The other side has answered already. Awaiting the call says what; the error of a write that came
                # before that answer says only that it failed.
                pass
            return await call
        except grpc.aio.AioRpcError as error:
            raise self.translate(error, seconds) from None
        except BaseException:
            call.cancel()
            raise

    def translate(self, error: grpc.aio.AioRpcError, timeout: float | None) -> AdwrightError:
        """The error of the tree: the gateway's own words, or ours where gRPC gave up locally."""
        code, details = error.code(), error.details() or ""
        if any(key == "grpc-status-details-bin" for key, _ in error.trailing_metadata() or ()):
            return from_rpc_error(error, code, details)
        target = self._target
        if code is grpc.StatusCode.INTERNAL and details == _FAILED_WRITE:
            return Unavailable(f"{target} ended the call while it was sent to: try again", reason="CONNECTION_LOST")
        if code is grpc.StatusCode.UNAVAILABLE:
            if any(words in details.lower() for words in _NEVER_THERE):
                return Unavailable(
                    f"cannot reach {target}: is the gateway running? (make up)", reason="GATEWAY_UNREACHABLE"
                )
            return Unavailable(
                f"the connection to {target} broke off ({details or 'no reason given'}): try again",
                reason="CONNECTION_LOST",
            )
        if code is grpc.StatusCode.DEADLINE_EXCEEDED:
            return DeadlineTooShort(
                f"{target} was not done within {timeout or self._timeout:g} s: give the call a longer timeout"
            )
        if code is grpc.StatusCode.RESOURCE_EXHAUSTED and "larger than max" in details:
            return ResourceExhausted(
                f"a message is too large ({details}): ask for less or send less at once",
                reason="MESSAGE_TOO_LARGE",
            )
        if code is grpc.StatusCode.UNIMPLEMENTED:
            return Internal(
                f"{target} does not know this call: is it an adwright gateway, and as new as this client?",
                reason="UNIMPLEMENTED",
            )
        return from_rpc_error(error, code, details)
