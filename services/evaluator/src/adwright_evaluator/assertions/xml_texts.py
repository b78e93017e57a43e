"""`is-xml` and `contains-xml`: is the output, or a part of it, XML with the elements that are asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from xml.etree import ElementTree
from xml.parsers import expat

from adwright_evaluator.model import Grading, Scorer, Verdict

from .common import clipped, holds, wrong

__all__ = ["SCORERS"]

_SUBSET: Final = re.compile(r"<!DOCTYPE[^>\[]*\[|<!ENTITY", re.IGNORECASE)
"""Entities are declared there, which can blow a short text up to any size."""
_TAG: Final = re.compile(
    r"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>"
    r"|<(?P<close>/?)(?P<name>[A-Za-z_:][\w:.-]*)(?:[^<>\"']|\"[^\"]*\"|'[^']*')*?(?P<alone>/?)\s*>",
    re.DOTALL,
)
_WRAP: Final = "adwright"


def _is_xml(grading: Grading) -> Verdict:
    wanted = _required(grading)
    if _SUBSET.search(grading.text):
        return holds(False, "The output is XML that declares entities of its own, which is not read.")
    try:
        ElementTree.fromstring(grading.text)  # noqa: S314 - entities are turned down above
    except (ElementTree.ParseError, ValueError) as error:
        return holds(False, f"The output is no XML: {error}.")
    missing = _missing(wanted, _tree(grading.text)) if wanted else []
    return holds(not missing, f"The XML has no {clipped(', '.join(missing))}.")


def _contains_xml(grading: Grading) -> Verdict:
    wanted = _required(grading)
    problem = "There is no XML in the output."
    for text in _candidates(grading.text):
        try:
            found = _tree(f"<{_WRAP}>{text}</{_WRAP}>")[_WRAP]
        except expat.ExpatError:
            continue
        missing = _missing(wanted, found)
        if not missing:
            return holds(True, "")
        problem = f"The XML has no {clipped(', '.join(missing))}."
    return holds(False, problem)


def _required(grading: Grading) -> list[str]:
    value = grading.assertion.value
    if isinstance(value, str) and value:
        return [part.strip() for part in value.split(",")]
    if isinstance(value, Mapping) and value:
        value = value.get("requiredElements")
        if not isinstance(value, list):
            raise wrong(grading, "`value` must have `requiredElements`, a list of paths like root.item")
    return [str(each) for each in value] if isinstance(value, list | tuple) else []


def _candidates(text: str) -> list[str]:
    """Elements that stand in no other: from the first to the last of them, then each."""
    opened: list[tuple[str, int]] = []
    found: list[tuple[int, int]] = []
    for tag in _TAG.finditer(text):
        if tag["name"] is None:
            continue
        start = tag.start()
        if tag["close"]:
            if opened and opened[-1][0] == tag["name"]:
                _, start = opened.pop()
            else:
                opened.clear()
                continue
        elif not tag["alone"]:
            opened.append((tag["name"], start))
            continue
        found = [each for each in found if each[0] < start]
        found.append((start, tag.end()))
    parts = [text[start:end] for start, end in found]
    return [text[found[0][0] : found[-1][1]], *parts] if len(found) > 1 else parts


def _tree(text: str) -> dict[str, Any]:
    """Elements by name: mappings, texts where they hold nothing else, lists where several have one name."""
    root: dict[str, Any] = {}
    open_ones: list[tuple[str, dict[str, Any]]] = [("", root)]
    parser = expat.ParserCreate()

    def start(name: str, attributes: dict[str, str]) -> None:
        open_ones.append((name, {f"@_{key}": value for key, value in attributes.items()}))

    def end(name: str) -> None:
        _, element = open_ones.pop()
        above = open_ones[-1][1]
        value: Any = element or ""
        if name in above:
            known = above[name]
            above[name] = [*known, value] if isinstance(known, list) else [known, value]
        else:
            above[name] = value

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.Parse(text, True)
    return root


def _missing(wanted: list[str], tree: Any) -> list[str]:
    return [path for path in wanted if not _there(tree, path.split("."))]


def _there(tree: Any, path: list[str]) -> bool:
    """Of several elements with one name one is meant by its number, from 0: `items.item.0`."""
    for key in path:
        if isinstance(tree, list):
            if not key.isdecimal() or int(key) >= len(tree):
                return False
            tree = tree[int(key)]
        elif isinstance(tree, dict) and key in tree:
            tree = tree[key]
        else:
            return False
    return True


SCORERS: Final[Mapping[str, Scorer]] = {"is-xml": _is_xml, "contains-xml": _contains_xml}
