"""A product as the index knows it."""

from __future__ import annotations

from typing import Final

from ..kinds import Content
from ..ranking import own_texts
from .model import Document

__all__ = ["embedding_text", "product_document"]

_FEATURES: Final = 6
"""So many features go into a vector; the more it says, the less each tells."""


def product_document(content: Content, language: str) -> Document:
    """What a product says, with the languages it says it in; `language` is its brand's default."""
    localizations = content.get("localizations", {})
    names = (content.get("display_name", ""), *(local.get("display_name", "") for local in localizations.values()))
    texts = [(language, text) for text in own_texts(content)]
    for tag, local in localizations.items():
        own = (local.get("display_name", ""), local.get("description", ""), *local.get("features", ()))
        texts += [(tag, text) for text in own]
    return Document(tuple(filter(None, dict.fromkeys(names))), [(tag, text) for tag, text in texts if text])


def embedding_text(content: Content) -> str:
    """The text that a product's vector is made of: what it is, not what it costs; names, often made up, come last."""
    parts = (content.get("category", ""), content.get("description", ""), *content.get("features", ())[:_FEATURES])
    return ". ".join(part.strip(" .") for part in (*parts, content.get("display_name", "")) if part)
