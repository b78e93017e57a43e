"""Standard output: a terminal to paint on, or not; and messages as JSON."""

import os
import sys
from typing import TYPE_CHECKING

from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["json_line", "terminal"]


def terminal() -> "Console | None":
    """A console when standard output is a terminal whose cursor can be moved; NO_COLOR is rich's to respect."""
    if not sys.stdout.isatty() or os.environ.get("TERM", "dumb") in ("dumb", "unknown"):
        return None
    from rich.console import Console

    return Console(highlight=False, markup=False)


def json_line(message: Message, *, all_fields: bool = True) -> bytes:
    """The message as protobuf JSON on one line. With `all_fields` also those that are empty."""
    text = MessageToJson(
        message,
        indent=None,
        ensure_ascii=False,
        always_print_fields_with_no_presence=all_fields,
    )
    return text.encode() + b"\n"
