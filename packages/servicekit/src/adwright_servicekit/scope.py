"""What surrounds every call that a service answers, whatever it came in by: trace, deadline, identity, errors."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager

import grpc
from opentelemetry import trace
from opentelemetry.trace import SpanKind

from . import call as calls
from .call import Call, Identity
from .errors import AdwrightError, DeadlineTooShort, Internal
from .logs import where
from .status import code_of
from .telemetry import Telemetry, end_rpc_span, trace_id

__all__ = ["CallScope", "Identify", "Metadata"]

_log = logging.getLogger(__name__)

Metadata = Iterable[tuple[str, str | bytes]]

Identify = Callable[[str, Metadata], Awaitable[Identity]]
"""Says from a call's method (`package.Service/Method`) and metadata who calls.

Raises Unauthenticated, or PermissionDenied when the caller may not use the method.
"""

_MIN_TIME = 0.02
_MARGIN = 0.05
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Source: OpenTelemetry's semantic conventions for RPC metrics, 1.45; with a few more for streams."""


class CallScope:
    """Makes the surroundings of calls."""

    def __init__(self, telemetry: Telemetry, identify: Identify, *, max_deadline: float) -> None:
        """`max_deadline` is in seconds, and is the deadline of calls that name none."""
        self._telemetry = telemetry
        self.identify = identify
        """Who calls, for those who need nothing else."""
        self._max_deadline = max_deadline
        self._duration = telemetry.meter.create_histogram(
            "rpc.server.call.duration",
            "s",
            "Duration of the calls that this process answered, streams until their end.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )

    @asynccontextmanager
    async def around(self, method: str, metadata: Metadata, remaining: float | None) -> AsyncIterator[str]:
        """Gives the id of the call's trace. Only an AdwrightError or a cancellation leaves it.

        `method` is `package.Service/Method`; `remaining` are the seconds the caller still waits, None: for ever.
        """
        metadata = tuple(metadata)
        span = self._telemetry.start_rpc_span(method, SpanKind.SERVER, metadata)
        code, reason = grpc.StatusCode.OK, ""
        allowed = self._max_deadline if remaining is None else min(remaining, self._max_deadline)
        begun = time.monotonic()
        ends = None if remaining is None else begun + remaining
        try:
            with trace.use_span(span, end_on_exit=False, record_exception=False, set_status_on_exception=False):
                try:
                    if allowed < _MIN_TIME:
                        raise _too_short(allowed)
                    # Ends a little before the caller's own clock, so that the caller gets our words and not its own.
                    allowed -= min(_MARGIN, allowed / 2)
                    calls.enter(Call(identity=None, deadline=time.monotonic() + allowed))
                    async with asyncio.timeout(allowed) as timer:
                        identity = await self.identify(method, metadata)
                        calls.enter(Call(identity=identity, deadline=time.monotonic() + _left(timer)))
                        span.set_attribute("adwright.tenant", identity.tenant)
                        yield trace_id(span)
                except TimeoutError as error:
                    if not timer.expired():
                        raise
                    raise _too_short(allowed) from error
        except AdwrightError as error:
            code, reason = code_of(error), error.reason
            if isinstance(error, Internal):
                _log.error("%s failed: %s", method, where(error.__cause__ or error))
            raise
        except asyncio.CancelledError:
            over = ends is not None and time.monotonic() >= ends
            code = grpc.StatusCode.DEADLINE_EXCEEDED if over else grpc.StatusCode.CANCELLED
            raise
        except GeneratorExit:
            code = grpc.StatusCode.CANCELLED
            raise
        except Exception as error:
            code, reason = grpc.StatusCode.INTERNAL, "INTERNAL"
            _log.exception("%s failed: %s", method, where(error), exc_info=False)
            raise Internal(f"internal error; the service's log has it under trace {trace_id(span)}") from error
        finally:
            end_rpc_span(span, SpanKind.SERVER, code, reason)
            self._duration.record(
                time.monotonic() - begun,
                {"rpc.system.name": "grpc", "rpc.method": method, "rpc.response.status_code": code.name},
            )


def _left(timer: asyncio.Timeout) -> float:
    when = timer.when()
    return 0.0 if when is None else when - asyncio.get_running_loop().time()


def _too_short(allowed: float) -> DeadlineTooShort:
    return DeadlineTooShort(
        f"the deadline of {allowed:.2f} s passed before the work was done: give the call a longer timeout"
    )
