"""gRPC's way into a service: calls in their scope, requests decoded and held to the rules, errors with details.

Response streams are written by this interceptor and not by gRPC's own loop over the handler, so that a handler is
closed at once when its caller leaves, and not when the garbage collector comes by.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from .errors import AdwrightError, InvalidInput, ResourceExhausted
from .rpc_types import Context, Handler
from .scope import CallScope
from .status import to_grpc_status
from .validation import validate

__all__ = ["CallInterceptor", "slow_reader"]

Decode = Callable[[bytes], Any] | None
"""What turns bytes into a request message; None where bytes are wanted."""

_TAKEN_IN = 16 * 1024 * 1024
_PAUSE = 0.2


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Wraps every handler but those of health and reflection, which are open to all.

    Requests are decoded in here, so that nothing of a caller who is not known is ever parsed.
    """

    def __init__(self, scope: CallScope, *, max_request_bytes: int, slow_reader: float) -> None:
        """`slow_reader` are the seconds in which a reader has to take something."""
        self._scope = scope
        self._max_request_bytes = max_request_bytes
        self._slow_reader = slow_reader

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        handler = await continuation(handler_call_details)
        method: str = handler_call_details.method
        if handler is None or method.startswith("/grpc."):
            return handler
        unary = handler.unary_unary or handler.stream_unary
        stream = handler.unary_stream or handler.stream_stream
        kind = f"{'stream' if handler.request_streaming else 'unary'}_{'stream' if stream else 'unary'}"
        make = getattr(grpc, f"{kind}_rpc_method_handler")
        wrapped: Handler = make(
            self._answer_stream(method, stream, handler.request_deserializer)
            if stream
            else self._answer(method, unary, handler.request_deserializer),
            response_serializer=handler.response_serializer,
        )
        return wrapped

    def _answer(self, method: str, behaviour: Any, decode: Decode) -> Any:
        async def answer(request: Any, context: Context) -> Any:
            async with self._around(method, context), _taken_in(request):
                return await behaviour(self._request(request, decode), context)

        return answer

    def _answer_stream(self, method: str, behaviour: Any, decode: Decode) -> Any:
        async def answer(request: Any, context: Context) -> None:
            async with self._around(method, context), _taken_in(request):
                responses: AsyncGenerator[Any] = behaviour(self._request(request, decode), context)
                async with aclosing(responses):
                    async for response in responses:
                        await self._write(context, response)

        return answer

    async def _write(self, context: Context, response: Any) -> None:
        try:
            async with asyncio.timeout(self._slow_reader) as timer:
                await context.write(response)
        except TimeoutError:
            if not timer.expired():
                raise
            raise slow_reader(self._slow_reader) from None

    @asynccontextmanager
    async def _around(self, method: str, context: Context) -> AsyncIterator[None]:
        metadata = context.invocation_metadata() or ()
        try:
            async with self._scope.around(method.lstrip("/"), metadata, context.time_remaining()):
                yield
        except AdwrightError as error:
            await context.abort_with_status(to_grpc_status(error))

    def _request(self, raw: Any, decode: Decode) -> Any:
        """Bytes from the wire as the handler wants them: one message, or a stream of them."""
        if not isinstance(raw, bytes):
            return self._request_stream(raw, decode)
        self._check_size(len(raw))
        if decode is None:
            return raw
        try:
            request = decode(raw)
        except DecodeError:
            raise InvalidInput("the request is not a message of this method", reason="MALFORMED_REQUEST") from None
        validate(request)
        return request

    async def _request_stream(self, raw: AsyncIterator[bytes], decode: Decode) -> AsyncIterator[Any]:
        async for message in raw:
            yield self._request(message, decode)

    def _check_size(self, size: int) -> None:
        if size > self._max_request_bytes:
            raise ResourceExhausted(
                f"the request has {size} bytes; at most {self._max_request_bytes} are taken: send less in one message",
                reason="REQUEST_TOO_LARGE",
            )


def slow_reader(seconds: float) -> ResourceExhausted:
    """The error of a stream whose reader took nothing for so long."""
    return ResourceExhausted(
        f"the reader took nothing for {seconds:.0f} s, so the call was ended: read faster, or ask for less",
        reason="SLOW_READER",
    )


@asynccontextmanager
async def _taken_in(request: Any) -> AsyncIterator[None]:
    """Where a call fails while its caller is sending, takes in what comes, for a while, before the error goes out.

    A caller in Python that writes to a call which has ended may see INTERNAL in place of our error (grpc/grpc#36066).
    """
    try:
        yield
    except Exception:
        if not isinstance(request, bytes):
            taken = 0
            # Who sends nothing for a moment waits for the answer.
            with suppress(TimeoutError, StopAsyncIteration, RuntimeError):
                while taken < _TAKEN_IN:
                    taken += len(await asyncio.wait_for(anext(request), _PAUSE))
        raise
