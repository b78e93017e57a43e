"""Does the judge agree with people? The threshold is fitted on half of the labels, and reported on the other half."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from typing import Final

from adwright.evaluator.v1 import label_pb2 as pb
from adwright_evaluator.comparison import case_key
from adwright_evaluator.labels import Label
from adwright_evaluator.messages import estimate
from adwright_evaluator.model import Assertion, CellResult, CellStatus, Outcome
from adwright_evaluator.runs.records import EvaluationRecord
from adwright_evaluator.statistics.agreement import Table, agreement, alpha, cohen_kappa, with_interval
from adwright_evaluator.statistics.intervals import wilson
from adwright_servicekit.errors import FailedPrecondition

__all__ = ["calibrated"]

_FEWEST: Final = 20
_WORDS: Final = ((0.81, "almost perfect"), (0.61, "substantial"), (0.41, "moderate"), (0.21, "fair"), (0.0, "slight"))


@dataclass(frozen=True, slots=True)
class _Item:
    key: str
    score: float
    person: bool


def calibrated(
    record: EvaluationRecord, cells: Sequence[CellResult], labels: Sequence[Label], metric: str
) -> pb.CalibrateJudgeResponse:
    """Raises FailedPrecondition where there are too few labels, or all say the same."""
    items = _items(cells, labels, metric)
    if len(items) < _FEWEST:
        raise FailedPrecondition(
            f"{record.name} has {len(items)} cells with both a label and a score, and {_FEWEST} are needed: label more",
            reason="TOO_FEW_LABELS",
        )
    if len({item.person for item in items}) == 1:
        raise FailedPrecondition(
            f"all labels of {record.name} say the same, so nothing can be told: label cells of both kinds",
            reason="LABELS_ALL_ALIKE",
        )
    # By a hash of what was labelled: the same data are split the same way every time.
    fitted = [item for item in items if int(hashlib.sha256(item.key.encode()).hexdigest(), 16) % 2]
    held = [item for item in items if item not in fitted]
    if not fitted or not held:
        fitted, held = items[::2], items[1::2]
    threshold = _best(fitted)
    table = _table(held, threshold)
    passed_by_judge, passed_by_people = int(table.both + table.first), int(table.both + table.second)
    kappa = with_interval(cohen_kappa, table)
    return pb.CalibrateJudgeResponse(
        label_count=len(items),
        fitted_on=len(fitted),
        threshold=threshold,
        agreement=_share(int(table.both + table.neither), len(held)),
        kappa=_measure(kappa),
        alpha=_measure(with_interval(alpha, table)),
        precision=_share(int(table.both), passed_by_judge),
        recall=_share(int(table.both), passed_by_people),
        summary=(
            f"At a threshold of {threshold:.2f} the judge agrees with people on {agreement(table):.0%} of "
            f"{len(held)} cells that it was not fitted on (κ {kappa[0]:.2f}, {_in_words(kappa[0])})."
        ),
    )


def _items(cells: Sequence[CellResult], labels: Sequence[Label], metric: str) -> list[_Item]:
    votes: dict[tuple[int, int, int, int], list[bool]] = defaultdict(list)
    for label in labels:
        if label.metric in ("", metric):
            votes[label.cell].append(label.passed)
    found = []
    for cell in cells:
        said, score = votes.get(cell.key), _score(cell, metric)
        if said and score is not None and sum(said) * 2 != len(said):
            key = f"{case_key(cell)}#{cell.provider}#{cell.prompt}#{cell.repeat}"
            found.append(_Item(key, score, sum(said) * 2 > len(said)))
    return found


def _score(cell: CellResult, metric: str) -> float | None:
    if cell.status is CellStatus.ERROR or cell.verdict is None:
        return None
    if not metric:
        return cell.score
    if metric in cell.verdict.named_scores:
        return cell.verdict.named_scores[metric]
    scores = [
        each.score
        for each in cell.verdict.components
        if isinstance(each.assertion, Assertion) and each.assertion.type == metric and each.outcome is Outcome.SCORED
    ]
    return fmean(scores) if scores else None


def _table(items: Sequence[_Item], threshold: float) -> Table:
    return Table.of([(item.score >= threshold, item.person) for item in items])


def _best(items: Sequence[_Item]) -> float:
    """The score from which a pass agrees best with people, by κ; of several the middle one."""
    scores = sorted({item.score for item in items})
    between = [(a + b) / 2 for a, b in pairwise(scores)] or [scores[0]]
    by_kappa = [(cohen_kappa(_table(items, each)), each) for each in between]
    best = max(kappa for kappa, _ in by_kappa)
    equal = [each for kappa, each in by_kappa if kappa == best]
    return equal[len(equal) // 2]


def _share(part: int, of: int) -> pb.Estimate:
    interval = wilson(part, of)
    return estimate(part / of if of else 0.0, interval.low if interval else None, interval.high if interval else None)


def _measure(found: tuple[float, object]) -> pb.Estimate:
    value, interval = found
    return estimate(value, getattr(interval, "low", None), getattr(interval, "high", None))


def _in_words(kappa: float) -> str:
    """Landis and Koch (1977)."""
    for least, word in (
        (0.81, "almost perfect"),
        (0.61, "substantial"),
        (0.41, "moderate"),
        (0.21, "fair"),
        (0.0, "slight"),
    ):
        if kappa >= least:
            return word
    return "worse than chance"
