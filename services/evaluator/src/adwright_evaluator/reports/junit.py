"""Runs as JUnit's XML, for continuous integration: a suite a column, a test a cell."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from xml.sax.saxutils import escape, quoteattr

from adwright_evaluator.model import Answer, CellResult, CellStatus

from .view import RunView

__all__ = ["junit_xml"]

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(view: RunView) -> Iterator[bytes]:
    """The file."""
    cells = (replace(cell, answer=Answer(None, cell.answer.latency_ms), prompt_text="") for cell in view.cells)
    columns = sorted(cells, key=lambda cell: (cell.provider, cell.prompt, cell.case, cell.repeat))
    yield b'<?xml version="1.0" encoding="UTF-8"?>\n'
    yield f"<testsuites name={_attribute(view.description or view.name)} {_counts(columns)}>\n".encode()
    for _, group in groupby(columns, key=lambda cell: (cell.provider, cell.prompt)):
        tests = list(group)
        column = _attribute(view.column(tests[0]))
        time = view.create_time.isoformat(timespec="seconds")
        yield f'  <testsuite name={column} timestamp="{time}" {_counts(tests)}>\n'.encode()
        for cell in tests:
            yield _test(cell, column)
        yield b"  </testsuite>\n"
    yield b"</testsuites>\n"


def _test(cell: CellResult, column: str) -> bytes:
    repeat = f" (repeat {cell.repeat + 1})" if cell.repeat else ""
    name = _attribute(f"#{cell.case + 1} {cell.title}{repeat}")
    seconds = (cell.answer.latency_ms or 0.0) / 1000
    head = f'    <testcase classname={column} name={name} time="{seconds:.3f}"'
    if cell.status is CellStatus.PASSED:
        return f"{head}/>\n".encode()
    kind = "error" if cell.status is CellStatus.ERROR else "failure"
    components = cell.verdict.components if cell.verdict else ()
    reasons = [each.reason for each in components if not each.passed] or [cell.error]
    reason = _attribute(cell.error or (cell.verdict.reason if cell.verdict else ""))
    body = escape(_NOT_XML.sub("", "\n".join(reasons)))
    return f"{head}>\n      <{kind} message={reason}>{body}</{kind}>\n    </testcase>\n".encode()


def _counts(cells: list[CellResult]) -> str:
    failed = sum(cell.status is CellStatus.FAILED for cell in cells)
    errors = sum(cell.status is CellStatus.ERROR for cell in cells)
    seconds = sum(cell.answer.latency_ms or 0.0 for cell in cells) / 1000
    return f'tests="{len(cells)}" failures="{failed}" errors="{errors}" time="{seconds:.3f}"'


def _attribute(text: str) -> str:
    return quoteattr(_NOT_XML.sub("", text))
