"""What happens around every call that a service answers: identity, trace, deadline, validation, errors.

Response streams are written by this interceptor and not by gRPC's own loop over the handler, so that a handler is
closed at once when its caller leaves, and not when the garbage collector comes by.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any, NoReturn

import grpc
from google.protobuf.message import DecodeError
from opentelemetry import trace
from opentelemetry.trace import SpanKind

from . import call as calls
from .call import Call, Identity
from .errors import AdwrightError, DeadlineTooShort, Internal, InvalidInput, ResourceExhausted
from .logs import where
from .rpc_types import Context, Handler
from .status import code_of, to_grpc_status
from .telemetry import Telemetry, end_rpc_span, trace_id
from .validation import validate

__all__ = ["CallInterceptor", "Identify"]

_log = logging.getLogger(__name__)

Identify = Callable[[str, Iterable[tuple[str, str | bytes]]], Awaitable[Identity]]
"""Says from a call's method (`package.Service/Method`) and metadata who calls.

Raises Unauthenticated, or PermissionDenied when the caller may not use the method.
"""

Decode = Callable[[bytes], Any] | None
"""What turns bytes into a request message; None where bytes are wanted."""

_MIN_TIME = 0.02
_MARGIN = 0.05
_TAKEN_IN = 16 * 1024 * 1024
_PAUSE = 0.2


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Wraps every handler but those of health and reflection, which are open to all.

    Requests are decoded in here, so that nothing of a caller who is not known is ever parsed.
    """

    def __init__(
        self, telemetry: Telemetry, identify: Identify, *, max_request_bytes: int, max_deadline: float
    ) -> None:
        """`max_deadline` is in seconds, and is the deadline of calls that name none."""
        self._telemetry = telemetry
        self._identify = identify
        self._max_request_bytes = max_request_bytes
        self._max_deadline = max_deadline

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
                        await context.write(response)

        return answer

    @asynccontextmanager
    async def _around(self, method: str, context: Context) -> AsyncIterator[None]:
        metadata = tuple(context.invocation_metadata() or ())
        span = self._telemetry.start_rpc_span(method, SpanKind.SERVER, metadata)
        code, reason = grpc.StatusCode.OK, ""
        remaining = context.time_remaining()
        allowed = self._max_deadline if remaining is None else min(remaining, self._max_deadline)
        try:
            with trace.use_span(span, end_on_exit=False, record_exception=False, set_status_on_exception=False):
                try:
                    if allowed < _MIN_TIME:
                        raise _too_short(allowed)
                    # Ends a little before the caller's own clock, so that the caller gets our words and not its own.
                    allowed -= min(_MARGIN, allowed / 2)
                    calls.enter(Call(identity=None, deadline=time.monotonic() + allowed))
                    async with asyncio.timeout(allowed) as timer:
                        identity = await self._identify(method.lstrip("/"), metadata)
                        calls.enter(Call(identity=identity, deadline=time.monotonic() + _left(timer)))
                        span.set_attribute("adwright.tenant", identity.tenant)
                        yield
                except TimeoutError as error:
                    if not timer.expired():
                        raise
                    raise _too_short(allowed) from error
        except AdwrightError as error:
            code, reason = code_of(error), error.reason
            if isinstance(error, Internal):
                _log.error("%s failed: %s", method, where(error.__cause__ or error))
            await _abort(context, error)
        except asyncio.CancelledError:
            left = context.time_remaining()
            code = grpc.StatusCode.DEADLINE_EXCEEDED if left == 0 else grpc.StatusCode.CANCELLED
            raise
        except grpc.aio.AbortError:
            code = context.code()
            raise
        except Exception as error:
            code, reason = grpc.StatusCode.INTERNAL, "INTERNAL"
            _log.exception("%s failed: %s", method, where(error), exc_info=False)
            await _abort(context, Internal(f"internal error; the service's log has it under trace {trace_id(span)}"))
        finally:
            end_rpc_span(span, SpanKind.SERVER, code, reason)

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


def _left(timer: asyncio.Timeout) -> float:
    when = timer.when()
    return 0.0 if when is None else when - asyncio.get_running_loop().time()


def _too_short(allowed: float) -> DeadlineTooShort:
    return DeadlineTooShort(
        f"the deadline of {allowed:.2f} s passed before the work was done: give the call a longer timeout"
    )


async def _abort(context: Context, error: AdwrightError) -> NoReturn:
    await context.abort_with_status(to_grpc_status(error))
    raise AssertionError("abort_with_status always raises")
