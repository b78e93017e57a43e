"""Lists and single resources: a table on a terminal, tab-separated lines elsewhere, JSON where asked for."""

import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money

from adwright_servicekit.names import short_id

from ._output import json_line, terminal
from ._words import money, printable

__all__ = ["show_list", "show_one"]

_Column = tuple[str, Callable[[Any], str]]


async def show_list(kind: str, resources: AsyncIterator[Any], *, as_json: bool) -> int:
    """One resource a line, as it comes; a table is printed when all are there."""
    columns = _COLUMNS[kind]
    console = None if as_json else terminal()
    table: list[list[str]] = []
    async for resource in resources:
        if as_json:
            sys.stdout.buffer.write(json_line(resource, all_fields=False))
            sys.stdout.buffer.flush()
            continue
        cells = [printable(value(resource).replace("\n", " ").replace("\t", " ")) for _, value in columns]
        if console is None:
            print("\t".join(cells), flush=True)
        table.append(cells)
    if console is None:
        return 0
    from rich import box
    from rich.table import Table
    from rich.text import Text

    painted = Table(box=box.SIMPLE_HEAD)
    for place, (title, _) in enumerate(columns):
        painted.add_column(title, style="cyan" if place == 0 else "", no_wrap=place == 0, overflow="fold")
    for cells in table:
        painted.add_row(*(Text(cell) for cell in cells))
    console.print(painted if table else f"no {kind}")
    return 0


async def show_one(asked: Awaitable[Message], *, as_json: bool) -> int:
    """Field by field, as the proto names them."""
    message = await asked
    if as_json:
        sys.stdout.buffer.write(json_line(message, all_fields=False))
        sys.stdout.buffer.flush()
        return 0
    console = terminal()
    if console is None:
        for label, value in _lines(message):
            print(f"{label}: {printable(value)}")
        return 0
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="cyan", no_wrap=True)
    grid.add_column(overflow="fold")
    last = ""
    for label, value in _lines(message):
        grid.add_row("" if label == last else label, Text(printable(value)))
        last = label
    console.print(grid)
    return 0


def _lines(message: Message, prefix: str = "") -> Iterator[tuple[str, str]]:
    for field, value in message.ListFields():
        label = f"{prefix}{field.name}"
        if hasattr(value, "items"):
            for key, item in sorted(value.items()):
                yield from _lines(item, f"{label}.{key}.")
        elif field.is_repeated:
            for item in value:
                yield from _value(label, item)
        else:
            yield from _value(label, value)


def _value(label: str, value: Any) -> Iterator[tuple[str, str]]:
    match value:
        case Timestamp():
            yield label, value.ToJsonString()
        case Money():
            yield label, money(value)
        case Message():
            names = [field.name for field, _ in value.ListFields()]
            if names[:1] in (["label"], ["path"]):
                # A spec or a text of an ad: two strings that belong together.
                first, second = (content for _, content in value.ListFields()[:2])
                yield label, f"{first}: {second}"
            else:
                yield from _lines(value, f"{label}.")
        case _:
            yield label, str(value)


def _day(value: Timestamp) -> str:
    return value.ToJsonString()[:10] if value.seconds else ""


def _expiry(value: Timestamp) -> str:
    if not value.seconds:
        return "for good"
    until = value.ToJsonString()[:10]
    return f"until {until}" if value.seconds > time.time() else f"expired {until}"


def _fields(format: Any) -> str:
    def one(field: Any) -> str:
        low, high = field.min_count, field.max_count
        count = f"{high}" if low == high else f"{low} to {high}"
        limit = f" of {field.max_length}" if field.max_length else ""
        return f"{field.field} {count}{limit}" if field.repeated else f"{field.field}{limit}"

    return ", ".join(one(field) for field in format.fields)


_COLUMNS: dict[str, tuple[_Column, ...]] = {
    "brands": (
        ("brand", lambda b: short_id(b.name)),
        ("name", lambda b: b.display_name),
        ("languages", lambda b: ", ".join(b.languages)),
        ("data may go to", lambda b: ", ".join(b.data_policy.allowed_residencies) or "anywhere"),
        ("changed", lambda b: _day(b.update_time)),
    ),
    "products": (
        ("product", lambda p: short_id(p.name)),
        ("name", lambda p: p.display_name),
        ("category", lambda p: p.category),
        ("price", lambda p: money(p.price) if p.HasField("price") else ""),
        ("texts in", lambda p: ", ".join(sorted(p.localizations))),
        ("changed", lambda p: _day(p.update_time)),
    ),
    "exemplars": (
        ("exemplar", lambda e: short_id(e.name)),
        ("format", lambda e: short_id(e.format)),
        ("language", lambda e: e.language),
        ("rating", lambda e: f"{e.rating}/5" if e.rating else ""),
        ("first text", lambda e: e.fields[0].text if e.fields else ""),
    ),
    "keys": (
        ("key", lambda k: short_id(k.name)),
        ("secret", lambda k: f"{k.hint}…"),
        ("for", lambda k: k.display_name),
        ("scopes", lambda k: ", ".join(k.scopes)),
        ("made", lambda k: _day(k.create_time)),
        ("opens", lambda k: "revoked" if k.HasField("revoke_time") else _expiry(k.expire_time)),
    ),
    "formats": (
        ("format", lambda f: short_id(f.name)),
        ("name", lambda f: f.display_name),
        ("platform", lambda f: f.platform),
        ("fields: how many, of what length", _fields),
    ),
}
