"""Labels in files: CSV or JSONL, a label a row."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from adwright.evaluator.v1.label_pb2 import CellKey, Label
from adwright_servicekit.errors import InvalidInput

from ..client import AsyncClient
from ._eval_show import resolved
from ._files import written
from ._words import printable

__all__ = ["export_labels", "import_labels"]

_CELL: Final = ("case", "provider", "prompt", "repeat")
_TEXTS: Final = {"labeler": 100, "metric": 100, "comment": 2000}
_COLUMNS: Final = (*_CELL, "labeler", "metric", "pass", "score", "comment")
_WORDS: Final = {
    **dict.fromkeys(("true", "1", "yes", "y", "pass"), True),
    **dict.fromkeys(("false", "0", "no", "n", "fail"), False),
}
_AT_ONCE: Final = 500
_Key = tuple[int, int, int, int]


async def export_labels(client: AsyncClient, name: str, path: str) -> int:
    """All labels of a run as a file, which is there only when it is whole. Raises InvalidInput for its ending."""
    kind = _kind(path)
    full, count = await resolved(client, name), 0
    with written(path) as out:
        text = io.TextIOWrapper(out, encoding="utf-8", newline="")
        table = csv.DictWriter(text, _COLUMNS)
        if kind == "csv":
            table.writeheader()
        async for label in client.evaluations.labels(full):
            row = _row(label)
            if kind == "csv":
                table.writerow(row)
            else:
                text.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
        text.detach()
    print(f"{count} labels written to {path}")
    return 0


async def import_labels(client: AsyncClient, name: str, path: str) -> int:
    """The labels of a file; each bad row is named with its line, and then nothing is written. Raises InvalidInput."""
    kind = _kind(path)
    run = await client.evaluations.get(await resolved(client, name))
    labels: dict[int, Label] = {}
    wrong: dict[int, str] = {}
    for line, row in _rows(path, kind):
        try:
            labels[line] = _label(row, several={"provider": len(run.providers) > 1, "prompt": len(run.prompts) > 1})
        except ValueError as error:
            wrong[line] = str(error)
    there = await _there(client, run.name, {_key(label.cell) for label in labels.values()})
    for line, label in labels.items():
        if _key(label.cell) not in there:
            numbers = ", ".join(f"{name} {getattr(label.cell, name)}" for name in _CELL)
            wrong[line] = f"the run has no cell of {numbers}; they count from 0"
    for line in sorted(wrong):
        print(f"{path}:{line}: {printable(wrong[line])}", file=sys.stderr)
    if wrong:
        rows = "1 row is" if len(wrong) == 1 else f"{len(wrong)} rows are"
        raise InvalidInput(f"{path}: {rows} wrong, nothing was imported", reason="LABEL_INVALID")
    sent = list(labels.values())
    for at in range(0, len(sent), _AT_ONCE):
        await client.evaluations.label(run.name, sent[at : at + _AT_ONCE])
    print(f"{len(labels)} labels imported to {run.name}")
    return 0


async def _there(client: AsyncClient, name: str, wanted: set[_Key]) -> set[_Key]:
    """Those of the cells that the run has; reads no further than to the last of them."""
    found: set[_Key] = set()
    if wanted:
        async for cell in client.evaluations.results(name):
            if (key := _key(cell.cell)) in wanted:
                found.add(key)
                if len(found) == len(wanted):
                    break
    return found


def _kind(path: str) -> str:
    kind = Path(path).suffix.removeprefix(".").lower()
    if kind not in ("csv", "jsonl"):
        raise InvalidInput(f"{path}: labels are kept in .csv or .jsonl files", reason="USAGE")
    return kind


def _rows(path: str, kind: str) -> Iterator[tuple[int, Any]]:
    """What the rows hold, each with the line it begins on; an error as what it is."""
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InvalidInput(f"cannot read {path}: {error.strerror}", reason="FILE_UNREADABLE") from None
    except UnicodeDecodeError:
        raise InvalidInput(f"{path} is not UTF-8 text", reason="FILE_NOT_TEXT") from None
    if kind == "jsonl":
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                try:
                    yield number, json.loads(line)
                except (ValueError, RecursionError):
                    yield number, None
        return
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        heads = [head.strip() for head in next(reader, [])]
        if missing := {"case", "pass"} - set(heads):
            raise InvalidInput(f"{path}:1: there is no column {', '.join(sorted(missing))}", reason="LABEL_INVALID")
        begin = reader.line_num + 1
        for row in reader:
            if row:
                yield begin, dict(zip(heads, row, strict=False))
            begin = reader.line_num + 1
    except csv.Error as error:
        raise InvalidInput(f"{path}:{reader.line_num}: is no CSV: {error}", reason="LABEL_INVALID") from None


def _label(row: Any, several: Mapping[str, bool]) -> Label:
    """`several` are the numbers that must be there. Raises ValueError that names the column."""
    if not isinstance(row, dict):
        raise ValueError("is no JSON object")  # noqa: TRY004
    given = str(row.get("pass", "")).strip().lower()
    if given not in _WORDS:
        raise ValueError(f"pass: '{given}' is neither true nor false")
    cell = CellKey(**{name: _position(row, name, needed=name == "case" or several.get(name, False)) for name in _CELL})
    texts = {name: str(row.get(name) or "") for name in _TEXTS}
    for name, most in _TEXTS.items():
        if len(texts[name]) > most:
            raise ValueError(f"{name}: has {len(texts[name])} characters, and at most {most} are kept")
    label = Label(cell=cell, **texts)  # type: ignore[arg-type]
    setattr(label, "pass", _WORDS[given])
    score = row.get("score")
    if score not in (None, ""):
        try:
            label.score = float(score)
        except (TypeError, ValueError):
            raise ValueError(f"score: '{score}' is no number") from None
        if not 0 <= label.score <= 1:
            raise ValueError(f"score: {score} is not between 0 and 1")
    return label


def _position(row: Mapping[str, Any], name: str, *, needed: bool) -> int:
    given = row.get(name)
    if given in (None, "") and not needed:
        return 0
    try:
        found = int(str(given))
    except ValueError:
        raise ValueError(f"{name}: '{'' if given is None else given}' is no number from 0") from None
    if not 0 <= found < 2**31:
        raise ValueError(f"{name}: {found} is no number from 0")
    return found


def _key(cell: CellKey) -> _Key:
    return (cell.case, cell.provider, cell.prompt, cell.repeat)


def _row(label: Label) -> dict[str, Any]:
    cell = {name: getattr(label.cell, name) for name in _CELL}
    score = label.score if label.HasField("score") else None
    rest = {"labeler": label.labeler, "metric": label.metric, "pass": getattr(label, "pass")}
    return {**cell, **rest, "score": score, "comment": label.comment}
