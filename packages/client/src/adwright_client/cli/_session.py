"""Around the work of every command: settings, one trace, a client, and an end in bounded time."""

import asyncio
import logging
import os
import threading
from collections.abc import Awaitable, Callable

from opentelemetry.trace import Status, StatusCode

from adwright_servicekit.errors import AdwrightError, InvalidInput, Unauthenticated
from adwright_servicekit.settings import SettingsError
from adwright_servicekit.telemetry import Telemetry

from ..client import AsyncClient
from ..settings import ClientSettings

__all__ = ["run"]

_FLUSH = 1.0


def run(command: str, work: Callable[[AsyncClient], Awaitable[int]], *, timeout: float = 30.0) -> int:
    """Does `work` under one span, so that all its calls are one trace; returns what it returns.

    `timeout` (seconds) is the deadline of every call that brings none.
    """
    try:
        settings = ClientSettings.load(os.environ)
    except SettingsError as error:
        raise InvalidInput(str(error), reason="BAD_SETTING") from None
    if not settings.api_key.strip():
        raise Unauthenticated(
            "ADWRIGHT_API_KEY is not set: set it to your API key (make up prints one)", reason="API_KEY_MISSING"
        )
    # An exporter that finds no collector says so in lines that are not the user's business.
    logging.getLogger("opentelemetry").addHandler(logging.NullHandler())
    logging.getLogger("opentelemetry").propagate = False
    telemetry = Telemetry.from_environ("adwright-client", os.environ)

    async def connected() -> int:
        async with AsyncClient(
            settings.target, settings.api_key, timeout=timeout, telemetry=telemetry, tls=settings
        ) as client:
            return await work(client)

    try:
        with telemetry.tracer.start_as_current_span(
            f"adwright {command}", record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                return asyncio.run(connected())
            except AdwrightError as error:
                span.set_attribute("error.type", error.reason)
                span.set_status(Status(StatusCode.ERROR, error.reason))
                raise
    finally:
        # Spans are worth a moment, not a collector's own idea of a timeout.
        closing = threading.Thread(target=telemetry.close, daemon=True)
        closing.start()
        closing.join(_FLUSH)
