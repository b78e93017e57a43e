"""How values are printed and counted with in templates: as JavaScript does it, where Python would say it otherwise."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from adwright_evaluator.model import JSON

__all__ = ["json_text", "number_of", "number_text", "shown"]

_EXACT: Final = 2**53
"""From here on JavaScript rounds whole numbers."""


def shown(value: JSON) -> str:
    """What `{{ value }}` prints: `3` for 3.0, `1,2` for a list, nothing for null.

    A mapping is its JSON; JavaScript says `[object Object]`, which is of no use to anyone.
    """
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number_text(value)
    if isinstance(value, Mapping):
        return json_text(value)
    return ",".join([shown(each) for each in value]) if isinstance(value, list | tuple) else str(value)


def json_text(value: JSON, indent: int | str | None = None) -> str:
    """JSON as `JSON.stringify` writes it. Raises TypeError for what is no data."""
    between = (",", ":") if not indent else (",", ": ")
    return json.dumps(_rounded(value), ensure_ascii=False, indent=indent or None, separators=between)


def number_text(number: float) -> str:
    """A number as JavaScript writes it; NaN and infinities by their names there."""
    if isinstance(number, int):
        if -_EXACT <= number <= _EXACT:
            return str(number)
        number = float(number)
    if not math.isfinite(number):
        return "NaN" if number != number else "Infinity" if number > 0 else "-Infinity"
    plain = repr(number)
    if "e" not in plain:
        return ("0" if number == 0 else plain[:-2]) if plain.endswith(".0") else plain
    # ECMA-262, Number::toString: the same shortest digits, with other bounds for the exponent.
    sign, digits, exponent = Decimal(plain).normalize().as_tuple()
    said = "".join(map(str, digits))
    point = len(said) + int(exponent)
    if len(said) <= point <= 21:
        said += "0" * (point - len(said))
    elif 0 < point <= 21:
        said = f"{said[:point]}.{said[point:]}"
    elif -6 < point <= 0:
        said = f"0.{'0' * -point}{said}"
    else:
        said = f"{said[0]}{'.' if said[1:] else ''}{said[1:]}e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return f"-{said}" if sign else said


def number_of(value: Any) -> float:
    """A number as JavaScript's arithmetic takes it: also from `"5"` and true. Raises ValueError."""
    if isinstance(value, int | float):
        return value
    if value is None:
        return 0
    if isinstance(value, str):
        text = value.strip()
        if not text:
            return 0
        try:
            found = float(text) if text.isascii() and "_" not in text else math.nan
        except ValueError:
            found = math.nan
        if math.isfinite(found):
            return int(found) if found.is_integer() and abs(found) <= _EXACT else found
    said = shown(value)
    raise ValueError(f"{said[:40]!r} is no number")


def _rounded(value: JSON) -> JSON:
    """The same with numbers that Python writes as JavaScript would."""
    if isinstance(value, Mapping):
        return {shown(key) if not isinstance(key, str) else key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return int(value)
    if isinstance(value, int) and not -_EXACT <= value <= _EXACT:
        return float(value)
    return value
