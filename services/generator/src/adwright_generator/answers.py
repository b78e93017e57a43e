"""The texts of an ad as a model writes them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from adwright_checks import Format, Output

__all__ = ["answer", "count_by_field"]


def answer(ad_format: Format, texts: Mapping[str, str]) -> str:
    """What the model should have said to give `texts` (by path): JSON, or the text itself where the format is text."""
    if ad_format.output is Output.TEXT:
        return next(iter(texts.values()), "")
    fields: dict[str, Any] = {}
    for path, text in texts.items():
        field = ad_format.field_for(path)
        if field is None:
            continue
        if field.repeated:
            fields.setdefault(field.id, []).append(text)
        else:
            fields[field.id] = text
    return json.dumps(fields, ensure_ascii=False)


def count_by_field(ad_format: Format, paths: Sequence[str]) -> list[dict[str, Any]]:
    """How many of `paths` belong to each field: `[{"id": "headlines", "count": 2}]`."""
    counts: dict[str, int] = {}
    for path in paths:
        field = ad_format.field_for(path)
        if field is not None:
            counts[field.id] = counts.get(field.id, 0) + 1
    return [{"id": field, "count": count} for field, count in counts.items()]
