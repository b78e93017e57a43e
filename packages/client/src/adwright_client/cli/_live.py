"""Events painted on a terminal while they come."""

import asyncio
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live

from adwright.type.v1.ad_event_pb2 import AdEvent

from ..fold import AdView
from ._frame import fitted, frame
from ._words import Heading

__all__ = ["LiveScreen"]

_TICK = 0.08
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


class LiveScreen:
    """Paints by the clock, not by the event: a fast stream costs no more than a slow one, and the spinner shows
    that something goes on while the model says nothing."""

    def __init__(self, view: AdView, heading: Heading, console: Console) -> None:
        self._view = view
        self._heading = heading
        self._console = console
        self._live = Live(console=console, auto_refresh=False)
        self._begun = time.monotonic()
        self._ticker: asyncio.Task[None] | None = None

    def show(self, event: AdEvent) -> None:
        pass

    async def _paint(self) -> None:
        while True:
            elapsed = time.monotonic() - self._begun
            doing = "writing" if self._view.texts else "waiting for the first words"
            spinner = _SPINNER[int(elapsed / _TICK) % len(_SPINNER)]
            status = f"{spinner} {doing}, {elapsed:.1f} s"
            self._live.update(fitted(self._console, self._view, self._heading, status), refresh=True)
            await asyncio.sleep(_TICK)

    async def __aenter__(self) -> Self:
        self._live.start()
        self._ticker = asyncio.create_task(self._paint())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._ticker is not None:
            self._ticker.cancel()
        # The last frame stays, however tall it is. It is painted once, by `stop`: a second time would not find the
        # beginning of one that is taller than the terminal.
        self._live.update(frame(self._view, self._heading, ""))
        self._live.stop()
