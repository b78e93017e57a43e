"""Texts that nobody vouches for, put into prompts so that a judge can tell them from its orders.

An output under test may say "ignore the rubric" or look like a verdict. Each such text stands between two marks whose
name is drawn from the texts themselves: a writer would have to know the name, which changes with every letter written.
The same texts get the same marks, so that a cache of judges' answers stays of use. Marks keep a model's attention, not
its obedience: what a judge answers is checked as well (`answers`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import TypeAlias

__all__ = ["Material", "fenced", "texts_of"]

Material: TypeAlias = str | Sequence[str]
"""One text, or several that a template goes through."""


def fenced(material: Mapping[str, Material]) -> tuple[str, dict[str, str | list[str]]]:
    """The name of the marks, and every text between them. The name stands in none of the texts."""
    texts = texts_of(material)
    name = _name(texts)
    found: dict[str, str | list[str]] = {}
    for key, value in material.items():
        found[key] = _between(name, value) if isinstance(value, str) else [_between(name, text) for text in value]
    return name, found


def texts_of(material: Mapping[str, Material]) -> tuple[str, ...]:
    """All texts, one by one."""
    texts: list[str] = []
    for value in material.values():
        texts += [value] if isinstance(value, str) else value
    return tuple(texts)


def _name(texts: Sequence[str]) -> str:
    digest = blake2b(digest_size=6)
    for text in texts:
        encoded = text.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    name = f"data-{digest.hexdigest()}"
    while any(name in text for text in texts):
        digest.update(b"again")
        name = f"data-{digest.hexdigest()}"
    return name


def _between(name: str, text: str) -> str:
    return f"<{name}>\n{text}\n</{name}>"
