"""One frame of the live view: a pure function of what is known, so that it can be looked at in a test."""

from collections.abc import Iterable
from typing import NamedTuple

from rich import box
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from adwright.type.v1.ad_event_pb2 import AdWithheld
from adwright.type.v1.ad_pb2 import Check

from ..fold import AdView
from ._words import MARKS, Heading, Row, facts, notice, printable, rows, scored, verdict

__all__ = ["Crop", "checks_table", "fitted", "frame"]

_STYLES = {
    Check.OUTCOME_PASSED: "green",
    Check.OUTCOME_FAILED: "red",
    Check.OUTCOME_NOT_APPLICABLE: "dim",
    Check.OUTCOME_ERROR: "yellow",
    Check.OUTCOME_UNSPECIFIED: "yellow",
}
_METER = 10
_NEAR = 0.9
_SHOWN_NOTICES = 4
_LEAST_LINES = 8
_TAIL = 1600


class Crop(NamedTuple):
    """What of a frame is left out, for a terminal that is not tall enough."""

    only: int | None = None
    """The one variant that is shown in full."""
    keep: int | None = None
    """How many rows of it, around where the text grows."""
    tail: int | None = None
    """How many characters of a row, counted from its end."""


_WHOLE = Crop()


def fitted(console: Console, view: AdView, heading: Heading, status: str) -> RenderableType:
    """A frame no taller than the terminal, so that it can be painted over, and where the text grows is in sight.

    First the quiet variants are folded away, then rows, then the beginning of the text.
    """
    limit = max(console.height - 1, _LEAST_LINES)
    focus = view.active[0] if view.active else 0
    crop = _WHOLE
    while True:
        painted = frame(view, heading, status, crop)
        over = len(console.render_lines(painted, pad=False)) - limit
        if over <= 0 or crop.tail == 0:
            return painted
        if crop.only is None:
            crop = Crop(only=focus)
        elif crop.keep is None:
            crop = crop._replace(keep=len(rows(view, focus)))
        elif crop.keep > 1:
            crop = crop._replace(keep=max(1, crop.keep - over))
        else:
            crop = crop._replace(tail=crop.tail // 2 if crop.tail is not None else _TAIL)


def frame(view: AdView, heading: Heading, status: str, crop: Crop = _WHOLE) -> RenderableType:
    """Everything that is known. `status` is the line below while the ad is written."""
    parts: list[RenderableType] = [_headline(view, heading)]
    for variant in view.variants:
        if crop.only is None or variant == crop.only:
            # What was to come is of no interest any more when nothing is being written.
            if status or view.completed or view.fields(variant):
                parts.append(_variant(view, variant, crop, live=bool(status)))
        elif crop.keep is None:
            parts.append(_folded(view, variant))
    if crop.keep is not None and len(view.variants) > 1:
        parts.append(Text(f"  and {len(view.variants) - 1} more variants", style="dim"))
    for event in view.notices[-_SHOWN_NOTICES:]:
        mark = "⊘" if isinstance(event, AdWithheld) else "↻"
        parts.append(Text(f"  {mark} {notice(event)}", style="yellow"))
    if view.completed is not None:
        if view.completed.checks:
            parts.append(checks_table("checks", view.completed.checks, variants=len(view.completed.ads) > 1))
        parts.append(_summary(view))
    elif status:
        parts.append(Text(f"  {status}", style="cyan"))
    return Group(*parts)


def _headline(view: AdView, heading: Heading) -> RenderableType:
    started = view.started
    grid = Table.grid(expand=True, padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(justify="right", style="dim", no_wrap=True)
    left = [heading.brand, heading.format.removeprefix("formats/")]
    if started is not None and started.language:
        left.append(started.language)
    right = f"{started.model} on {started.backend}" if started else heading.target
    grid.add_row(Text(f"  {printable(' · '.join(left))}", style="bold"), Text(f"{printable(right)} "))
    return grid


def _folded(view: AdView, variant: int) -> RenderableType:
    texts = " · ".join(row.text.replace("\n", " ") for row in rows(view, variant) if not row.pending)
    return Text(f"  variant {variant}: {texts or 'to come'}", style="dim", no_wrap=True, overflow="ellipsis")


def _variant(view: AdView, variant: int, crop: Crop, *, live: bool) -> RenderableType:
    shown, above = _window(view, variant, crop.keep)
    if not live:
        shown = [row for row in shown if not row.pending]
    valid = verdict(view, variant)
    grid = Table.grid(expand=True, padding=(0, 1))
    grid.add_column(style="cyan", no_wrap=True)
    grid.add_column(ratio=1, overflow="fold")
    grid.add_column(no_wrap=True)
    digits = max((len(_count(row)) for row in shown), default=0)
    if above:
        grid.add_row("", Text(f"… {above} above", style="dim"), "")
    for row in shown:
        cut = crop.tail is not None and len(row.text) > crop.tail
        words = "…" if row.pending else f"…{row.text[len(row.text) - (crop.tail or 0) :]}" if cut else row.text
        text = Text(words, style="dim" if row.pending else "")
        if live and view.active == (variant, row.path):
            text.append("▌", style="cyan")
        grid.add_row(Text(row.path, style="dim" if row.pending else "cyan"), text, _meter(row, digits))
    title = {
        None: Text(f"variant {variant}", style="bold"),
        True: Text.assemble((f"variant {variant} ", "bold"), ("✓ valid", "green")),
        False: Text.assemble((f"variant {variant} ", "bold"), ("✗ not valid", "red")),
    }[valid]
    border = {None: "bright_black", True: "green", False: "red"}[valid]
    return Panel(grid, title=title, title_align="left", border_style=border, box=box.ROUNDED)


def _window(view: AdView, variant: int, keep: int | None) -> tuple[list[Row], int]:
    found = rows(view, variant)
    if keep is None or keep >= len(found):
        return found, 0
    paths = [row.path for row in found]
    writing = view.active is not None and view.active[0] == variant and view.active[1] in paths
    end = max(keep, paths.index(view.active[1]) + 1) if view.active and writing else len(found)
    return found[end - keep : end], end - keep


def _count(row: Row) -> str:
    if not row.limit:
        return "" if row.pending else str(row.length)
    return str(row.limit) if row.pending else f"{row.length}/{row.limit}"


def _meter(row: Row, digits: int) -> Text:
    count = f"{_count(row):>{digits}}"
    if row.pending or not row.limit:
        return Text(" " * (_METER + 1) + count, style="dim")
    share = row.length / row.limit
    style = "red" if share > 1 else "yellow" if share >= _NEAR else "green"
    filled = min(_METER, round(share * _METER))
    # The mark says it also where there is no colour.
    over = " ✗" if share > 1 else ""
    return Text.assemble(("━" * filled, style), ("─" * (_METER - filled), "bright_black"), (f" {count}{over}", style))


def checks_table(title: str, checks: Iterable[Check], *, variants: bool) -> RenderableType:
    """What the checks said; `variants` adds a column that says of which ad."""
    table = Table(box=box.SIMPLE_HEAD, expand=True, show_edge=False, header_style="dim", pad_edge=True)
    table.add_column("")
    if variants:
        table.add_column("ad", justify="right")
    table.add_column("check", no_wrap=True)
    table.add_column("where", no_wrap=True, style="cyan")
    table.add_column("finding", ratio=1, overflow="fold")
    table.add_column("score", justify="right", no_wrap=True)
    for check in checks:
        style = _STYLES.get(check.outcome, "yellow")
        quiet = "dim" if check.outcome == Check.OUTCOME_NOT_APPLICABLE else ""
        table.add_row(
            Text(MARKS.get(check.outcome, "?"), style=f"bold {style}"),
            *([str(check.variant)] if variants else []),
            Text(printable(check.name), style=quiet),
            Text(printable(check.path)),
            Text(printable(check.message), style=style if check.outcome == Check.OUTCOME_FAILED else quiet),
            Text(scored(check), style=quiet),
        )
    return Group(Text(""), Text(f"  {title}", style="bold"), table, Text(""))


def _summary(view: AdView) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, value in facts(view):
        grid.add_row(f"  {label}", Text(value))
    return grid
