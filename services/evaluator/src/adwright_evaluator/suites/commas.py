"""Lists written as one text: `a, "b, c"`."""

from __future__ import annotations

from functools import lru_cache

__all__ = ["comma_separated"]


@lru_cache(maxsize=1024)
def comma_separated(text: str) -> tuple[str, ...]:
    """Parts between commas, without empty ones; in double quotes commas count as text, `""` and `\\"` as a quote.

    Raises ValueError.
    """
    found: list[str] = []
    at = 0
    while at < len(text):
        if text[at].isspace() or text[at] == ",":
            at += 1
        elif text[at] == '"':
            part, at = _quoted(text, at + 1)
            found.append(part)
            rest = text[at:].lstrip()
            if rest and not rest.startswith(","):
                raise ValueError("has text after a closing quote: a comma is needed there")
        else:
            end = text.find(",", at)
            end = len(text) if end < 0 else end
            found.append(text[at:end].strip())
            at = end
    return tuple(found)


def _quoted(text: str, at: int) -> tuple[str, int]:
    said: list[str] = []
    while at < len(text):
        pair = text[at : at + 2]
        if pair in ('""', '\\"', "\\\\"):
            said.append(pair[1])
            at += 2
        elif text[at] == '"':
            return "".join(said), at + 1
        else:
            said.append(text[at])
            at += 1
    raise ValueError("has a quote that is never closed")
