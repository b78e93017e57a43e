"""`is-html` and `contains-html`: is the output HTML, or is there some in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Final

from adwright_evaluator.model import Grading, Scorer, Verdict

from .common import holds

__all__ = ["SCORERS"]


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ELEMENTS: Final = _names(
    """
    a abbr address area article aside audio b base bdi bdo blockquote body br button canvas caption cite code
    col colgroup data datalist dd del details dfn dialog div dl dt em embed fieldset figcaption figure footer
    form h1 h2 h3 h4 h5 h6 head header hr html i iframe img input ins kbd label legend li link main map mark
    math menu meta meter nav noscript object ol optgroup option output p param picture pre progress q rp rt ruby
    s samp script section select slot small source span strong style sub summary sup svg table tbody td template
    textarea tfoot th thead time title tr track u ul var video wbr
    """
)
_VOID: Final = _names(
    """
    area base br col embed hr img input link meta param source track wbr
    """
)
_OF_TABLES: Final = _names(
    """
    caption col colgroup tbody td tfoot th thead tr
    """
)
_ENDS_PARAGRAPHS: Final = _names(
    """
    address article aside blockquote details dialog div dl fieldset figcaption figure footer form h1 h2 h3 h4 h5
    h6 header hr main menu nav ol p pre section table ul
    """
)
_WRAPPERS: Final = frozenset({"html", "head"})
_SIGNS: Final[tuple[tuple[re.Pattern[str], int], ...]] = tuple(
    (re.compile(pattern, re.ASCII | flags), points)
    for pattern, flags, points in (
        (r"<[A-Za-z][A-Za-z0-9-]*(?:\s[^>]*)?>", 0, 1),
        (r"</[A-Za-z][A-Za-z0-9-]*\s*>", 0, 1),
        (r"<[A-Za-z][A-Za-z0-9-]*(?:\s[^>]*)?/>", 0, 1),
        (r"&(?:[A-Za-z]+|#[0-9]+|#x[0-9A-Fa-f]+);", 0, 1),
        (r"<!doctype\s+html", re.IGNORECASE, 2),
        (r"<!--(?:(?!-->).)*-->", re.DOTALL, 1),
        (r"\s[A-Za-z-]+=\s*[\"'][^\"']*[\"']", 0, 1),
        (
            r"<(?:html|head|body|div|span|p|a|img|h[1-6]|ul|ol|li|table|tr|td|th|form|input|button|script|style|link"
            r"|meta|br|hr)\b",
            re.IGNORECASE,
            2,
        ),
    )
)
"""What HTML is known by, each with its points; two are enough, as in promptfoo."""


class _Reader(HTMLParser):
    """Elements, and whether words stand outside of them all."""

    def __init__(self) -> None:
        super().__init__()
        self.known = False
        self.has_body = False
        self.loose_text = False
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag in _OF_TABLES and not {"table", "template"} & set(self._open):
            return
        self.known = self.known or tag in _ELEMENTS or "-" in tag
        self.has_body = self.has_body or tag == "body"
        if tag in _ENDS_PARAGRAPHS and "p" in self._open:
            self._close("p")
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        # HTML knows no elements that close themselves, but those of SVG and MathML.
        self.handle_starttag(tag, attrs)
        if {"svg", "math"} & set(self._open) and tag not in _VOID:
            self._close(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            self._close(tag)

    def handle_data(self, data: str) -> None:
        if data.strip() and all(tag in _WRAPPERS for tag in self._open):
            self.loose_text = True

    def _close(self, tag: str) -> None:
        while self._open.pop() != tag:
            pass


def _is_html(grading: Grading) -> Verdict:
    text = grading.text.strip()
    if not text or text[:5].lower() == "<?xml":
        return holds(False, "The output is XML, no HTML." if text else "The output is empty.")
    reader = _Reader()
    reader.feed(text)
    reader.close()
    if reader.loose_text and not reader.has_body:
        return holds(False, "In the output words stand outside of all elements of HTML.")
    return holds(reader.known, "There is no element of HTML in the output.")


def _contains_html(grading: Grading) -> Verdict:
    points = 0
    for pattern, worth in _SIGNS:
        points += worth if pattern.search(grading.text) else 0
        if points >= 2:
            return holds(True, "")
    return holds(False, "There is no HTML in the output.")


SCORERS: Final[Mapping[str, Scorer]] = {"is-html": _is_html, "contains-html": _contains_html}
