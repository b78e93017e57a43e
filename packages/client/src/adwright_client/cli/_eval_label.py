"""What people say of outputs: asked for in the terminal, read from files and written to them."""

from __future__ import annotations

import csv
import getpass
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from adwright.evaluator.v1.label_pb2 import CellKey, Label
from adwright_servicekit.errors import InvalidInput

from ..client import AsyncClient
from ._eval_show import resolved

__all__ = ["export_labels", "import_labels", "label_in_terminal"]

_COLUMNS = ("case", "provider", "prompt", "repeat", "labeler", "metric", "pass", "score", "comment")
_TRUE, _FALSE = ("true", "1", "yes", "y", "pass"), ("false", "0", "no", "n", "fail")
_AT_ONCE = 500


async def label_in_terminal(client: AsyncClient, name: str, labeler: str, metric: str) -> int:
    """One output after the other; those that this person labelled are left out."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise InvalidInput("labelling needs a terminal: read labels from a file with `labels --import`", reason="USAGE")
    full = await resolved(client, name)
    who = labeler or getpass.getuser()
    done = {_key(label.cell) async for label in client.evaluations.labels(full) if label.labeler == who}
    said = 0
    async for cell in client.evaluations.results(full):
        if _key(cell.cell) in done or cell.error:
            continue
        print(f"\n#{cell.cell.case + 1} {cell.description}\n\n{cell.output}\n")
        answer = ""
        while answer not in ("y", "n", "s", "q"):
            answer = _asked("good? [y]es, [n]o, [s]kip, [q]uit: ").strip().lower()[:1]
        if answer == "q":
            break
        if answer == "s":
            continue
        comment = _asked("why (may be empty): ").strip()
        await client.evaluations.label(full, [_label(cell.cell, who, metric, passed=answer == "y", comment=comment)])
        said += 1
    print(f"{said} labels written")
    return 0


async def export_labels(client: AsyncClient, name: str, path: str) -> int:
    """All labels of a run as a file."""
    kind = _kind(path)
    full = await resolved(client, name)
    rows = [_row(label) async for label in client.evaluations.labels(full)]
    _write(path, kind, rows)
    print(f"{len(rows)} labels written to {path}")
    return 0


async def import_labels(client: AsyncClient, name: str, path: str) -> int:
    """The labels of a file; nothing is written where a row is wrong."""
    labels = [_read(row, f"{path}:{line}") for line, row in _rows(path, _kind(path))]
    full = await resolved(client, name)
    for at in range(0, len(labels), _AT_ONCE):
        await client.evaluations.label(full, labels[at : at + _AT_ONCE])
    print(f"{len(labels)} labels read")
    return 0


def _asked(question: str) -> str:
    # Nothing else is done meanwhile.
    return input(question)


def _write(path: str, kind: str, rows: list[dict[str, Any]]) -> None:
    with Path(path).open("w", encoding="utf-8", newline="") as file:
        if kind == "csv":
            writer = csv.DictWriter(file, _COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
        else:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _kind(path: str) -> str:
    kind = Path(path).suffix.removeprefix(".")
    if kind not in ("csv", "jsonl"):
        raise InvalidInput(f"{path}: labels are kept in .csv or .jsonl files", reason="USAGE")
    return kind


def _rows(path: str, kind: str) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            if kind == "csv":
                reader = csv.DictReader(file)
                yield from ((reader.line_num, row) for row in reader)
                return
            for number, line in enumerate(file, 1):
                if line.strip():
                    try:
                        yield number, dict(json.loads(line))
                    except (ValueError, TypeError):
                        raise InvalidInput(f"{path}:{number}: is no JSON object", reason="LABEL_INVALID") from None
    except OSError as error:
        raise InvalidInput(f"cannot read {path}: {error.strerror}", reason="FILE_UNREADABLE") from None


def _read(row: dict[str, Any], where: str) -> Label:
    try:
        said = str(row["pass"]).strip().lower()
        if said not in (*_TRUE, *_FALSE):
            raise ValueError(f"`pass` is {said!r}, not true or false")
        cell = CellKey(**{name: int(row.get(name) or 0) for name in ("case", "provider", "prompt", "repeat")})
        label = _label(
            cell,
            str(row.get("labeler") or ""),
            str(row.get("metric") or ""),
            passed=said in _TRUE,
            comment=str(row.get("comment") or ""),
        )
        if row.get("score") not in (None, ""):
            label.score = float(row["score"])
        return label
    except KeyError:
        raise InvalidInput(f"{where}: there is no column `pass`", reason="LABEL_INVALID") from None
    except (ValueError, TypeError) as error:
        raise InvalidInput(f"{where}: {error}", reason="LABEL_INVALID") from None


def _label(cell: CellKey, labeler: str, metric: str, *, passed: bool, comment: str) -> Label:
    label = Label(cell=cell, labeler=labeler, metric=metric, comment=comment)
    setattr(label, "pass", passed)
    return label


def _row(label: Label) -> dict[str, Any]:
    cell = {name: getattr(label.cell, name) for name in ("case", "provider", "prompt", "repeat")}
    score = label.score if label.HasField("score") else None
    rest = {"labeler": label.labeler, "metric": label.metric, "pass": getattr(label, "pass")}
    return {**cell, **rest, "score": score, "comment": label.comment}


def _key(cell: CellKey) -> tuple[int, int, int, int]:
    return (cell.case, cell.provider, cell.prompt, cell.repeat)
