"""A span around every generation of a backend, after the OpenTelemetry semantic conventions for GenAI clients.

No prompt and no output is recorded.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from opentelemetry.trace import SpanKind, Status, StatusCode

from adwright_servicekit.errors import AdwrightError
from adwright_servicekit.telemetry import Telemetry, inject

from ..backends.base import Backend, BackendEvent, BackendRequest, Chunk, Finish
from .wrapper import Wrapper

__all__ = ["Traced"]


class Traced(Wrapper):
    """The backend inside, seen from outside."""

    def __init__(self, inner: Backend, telemetry: Telemetry) -> None:
        super().__init__(inner)
        self._tracer = telemetry.tracer

    async def generate(self, request: BackendRequest) -> AsyncGenerator[BackendEvent]:
        info = self._inner.info
        span = self._tracer.start_span(
            f"chat {info.model}",
            kind=SpanKind.CLIENT,
            attributes={
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": info.kind,
                "gen_ai.request.model": info.model,
                "gen_ai.request.max_tokens": request.max_tokens,
                "gen_ai.request.temperature": request.temperature,
                "gen_ai.request.top_p": request.top_p,
                "gen_ai.output.type": "json" if request.json_schema is not None else "text",
                "adwright.backend": info.name,
            },
        )
        if info.endpoint:
            span.set_attribute("server.address", info.endpoint)
        tokens = 0
        try:
            async with aclosing(self._inner.generate(replace(request, headers=inject(span)))) as events:
                async for event in events:
                    if isinstance(event, Finish):
                        span.set_attribute("gen_ai.response.finish_reasons", [event.reason.value])
                        if event.input_tokens is not None:
                            span.set_attribute("gen_ai.usage.input_tokens", event.input_tokens)
                        if event.output_tokens is not None:
                            tokens = event.output_tokens
                    elif isinstance(event, Chunk):
                        if not tokens and event.data:
                            span.add_event("first token")
                        tokens += event.tokens
                    yield event
        except AdwrightError as error:
            span.set_attribute("error.type", error.reason)
            span.set_status(Status(StatusCode.ERROR, error.reason))
            raise
        except (GeneratorExit, asyncio.CancelledError):
            span.set_attribute("adwright.cancelled", True)
            raise
        finally:
            span.set_attribute("gen_ai.usage.output_tokens", tokens)
            span.end()
