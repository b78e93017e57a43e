"""The JSON schema of an ad, for backends that constrain decoding with it.

Only keywords that llama.cpp, llguidance, TGI and OpenAI's structured outputs know: an object with
all properties required and no others, arrays with minItems = maxItems, strings with minLength and
maxLength.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any

from adwright_checks.formats import Format, FormatField
from adwright_checks.lengths import WIDE_LANGUAGES, Counting

__all__ = ["json_schema", "max_code_points"]

JsonSchema = dict[str, Any]


def max_code_points(field: FormatField, language: str = "") -> int:
    """Most code points a text of `field` may have, 0 when there is no limit.

    Where wide characters count as two, half the limit for languages that are written with them: the
    bound that always holds there. In other languages the limit itself; the odd wide character is
    left to the checks.
    """
    primary = language.split("-")[0].lower()
    if field.counting is Counting.EAST_ASIAN_WIDE_AS_TWO and primary in WIDE_LANGUAGES:
        return field.max_length // 2
    return field.max_length


def json_schema(
    format: Format,
    counts: Mapping[str, int] | None = None,
    *,
    language: str = "",
    allowed_numbers: Collection[str] | None = None,
) -> JsonSchema:
    """JSON schema of one ad of `format` with `counts` texts a field (its default counts where not
    given).

    A repeated field is an array of strings, another a string. `language`, a BCP-47 tag, decides the
    length of double-width texts. `allowed_numbers` are literals such as `1.9`: when given, strings
    get a `pattern` without any other digits. llama.cpp heeds either `pattern` or `maxLength`, so
    lengths are then left to the checks there.

    Raises ValueError as `Format.counts` does.
    """
    pattern = None if allowed_numbers is None else _digits_pattern(allowed_numbers)
    wanted = format.counts(counts)
    properties: JsonSchema = {}
    for field in format.fields:
        count = wanted[field.id]
        if count == 0:
            continue
        text: JsonSchema = {"type": "string", "minLength": 1}
        if limit := max_code_points(field, language):
            text["maxLength"] = limit
        if pattern is not None:
            text["pattern"] = pattern
        properties[field.id] = (
            {"type": "array", "items": text, "minItems": count, "maxItems": count} if field.repeated else text
        )
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _digits_pattern(allowed: Collection[str]) -> str:
    """A regular expression, free of look-around, for texts whose digits stand in allowed literals
    only.
    """
    if not allowed:
        return "^[^0-9]*$"
    # Longest first, for engines that take the first alternative.
    literals = "|".join(re.escape(item) for item in sorted(set(allowed), key=lambda item: (-len(item), item)))
    return f"^[^0-9]*(?:(?:{literals})[^0-9]+)*(?:{literals})?$"
