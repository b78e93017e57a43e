"""Lines for where no cursor can be moved: logs, pipes, files. Text still appears as it is written."""

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self, TextIO

from adwright.type.v1.ad_event_pb2 import AdDelta, AdEvent
from adwright.type.v1.ad_pb2 import Check

from ..fold import AdView
from ._words import MARKS, facts, notice, printable, rows, scored, verdict

__all__ = ["PlainScreen", "check_lines"]


class PlainScreen:
    """`headlines[0]: Light as…`, growing on its line until another text is written to; then the whole ad."""

    def __init__(self, view: AdView, out: TextIO) -> None:
        self._view = view
        self._out = out
        self._open: tuple[int, str] | None = None
        self._seen: set[tuple[int, str]] = set()

    def show(self, event: AdEvent) -> None:
        """Writes what is new."""
        match event.WhichOneof("event"):
            case "started":
                started = event.started
                self._line(
                    printable(f"-- {started.format} {started.language}: {started.model} on {started.backend} --")
                )
            case "delta":
                self._delta(event.delta)
            case "switched":
                self._line(f"-- {notice(event.switched)} --")
                self._seen = {key for key in self._seen if key in self._view.texts}
            case "withheld":
                self._line(f"-- {notice(event.withheld)} --")
            case "completed":
                for line in self._result():
                    self._line(line)
        self._out.flush()

    def _delta(self, delta: AdDelta) -> None:
        key = (delta.variant, delta.path)
        if key != self._open:
            self._end_line()
            variant = f"{delta.variant} " if len(self._view.variants) > 1 else ""
            self._out.write(f"{variant}{delta.path}: {'…' if key in self._seen else ''}")
            self._open = key
            self._seen.add(key)
        self._out.write(printable(delta.text).replace("\n", "\n  "))

    def _result(self) -> Iterator[str]:
        completed = self._view.completed
        assert completed is not None
        for ad in completed.ads:
            yield ""
            said = "valid" if verdict(self._view, ad.variant) else "not valid"
            yield f"-- variant {ad.variant}: {said} --"
            shown = rows(self._view, ad.variant)
            path = max((len(row.path) for row in shown), default=0)
            for row in shown:
                length = f"{row.length}/{row.limit}" if row.limit else str(row.length)
                text = row.text.replace("\n", "\n  ")
                yield f"{row.path:<{path}}  {length:>7}  {text}"
        if completed.checks:
            yield ""
            yield "-- checks --"
            yield from check_lines(completed.checks, variants=len(completed.ads) > 1)
        yield ""
        for label, value in facts(self._view):
            yield f"{label + ':':<11} {value}"

    def _end_line(self) -> None:
        if self._open is not None:
            self._out.write("\n")
            self._open = None

    def _line(self, text: str) -> None:
        self._end_line()
        self._out.write(f"{text}\n")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not isinstance(error, BrokenPipeError):
            self._end_line()
            self._out.flush()


def check_lines(checks: Iterable[Check], *, variants: bool) -> Iterator[str]:
    """`✗ facts headlines[1]: "2 kg" stands nowhere (0.50)`."""
    for check in checks:
        where = " ".join(filter(None, [str(check.variant) if variants else "", check.name, check.path]))
        message = f": {check.message}" if check.message else ""
        score = f" ({scored(check)})" if scored(check) else ""
        yield printable(f"{MARKS.get(check.outcome, '?')} {where}{message}{score}".replace("\n", " "))
