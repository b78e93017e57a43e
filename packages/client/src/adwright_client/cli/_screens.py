"""Where events go: painted live on a terminal, as plain lines elsewhere, or as JSON lines."""

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from adwright.type.v1.ad_event_pb2 import AdEvent

from ..fold import AdView
from ._output import json_line
from ._plain import PlainScreen
from ._words import Heading

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Screen", "open_screen"]


class Screen(Protocol):
    """Shows events while it is entered; the view has taken in an event when it is shown."""

    def show(self, event: AdEvent) -> None: ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def open_screen(view: AdView, heading: Heading, console: "Console | None", *, as_json: bool) -> Screen:
    """The screen that suits standard output; `console` is None where that is no terminal."""
    if as_json:
        return _JsonScreen()
    if console is None:
        return PlainScreen(view, sys.stdout)
    from ._live import LiveScreen

    return LiveScreen(view, heading, console)


class _JsonScreen:
    def show(self, event: AdEvent) -> None:
        sys.stdout.buffer.write(json_line(event))
        # One event, one write: the reader is a program that wants it now.
        sys.stdout.buffer.flush()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass
