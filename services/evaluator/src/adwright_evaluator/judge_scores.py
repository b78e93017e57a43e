"""What a judge said of cells, beside what people said of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from adwright_evaluator.labels import Label
from adwright_evaluator.model import Assertion, AssertionSet, CellResult, CellStatus, Outcome, Verdict
from adwright_evaluator.runs.scoring import together

__all__ = ["Item", "judged"]

_HUMAN: Final = "human"


@dataclass(frozen=True, slots=True)
class Item:
    """A cell that both have said something of."""

    case: str
    """What makes its case the same in every run."""
    score: float
    person: bool
    """What most people say."""


def judged(cells: Iterable[CellResult], labels: Iterable[Label], metric: str) -> list[Item]:
    """The cells with a score and with labels that do not stand equal.

    Labels of the metric count; where a cell has none, those about the output as a whole.
    """
    of_metric: dict[tuple[int, int, int, int], list[bool]] = defaultdict(list)
    of_whole: dict[tuple[int, int, int, int], list[bool]] = defaultdict(list)
    for label in labels:
        if label.metric in ("", metric):
            (of_metric if label.metric == metric else of_whole)[label.cell].append(label.passed)
    found = []
    for cell in cells:
        said = of_metric.get(cell.key) or of_whole.get(cell.key)
        if not said or 2 * sum(said) == len(said):
            continue
        score = _score(cell, metric)
        if score is not None:
            found.append(Item(cell.case_key, score, 2 * sum(said) > len(said)))
    return found


def _score(cell: CellResult, metric: str) -> float | None:
    """Without what people said themselves: they would be held against their own word."""
    verdict = cell.verdict
    if cell.status is CellStatus.ERROR or verdict is None:
        return None
    said: Sequence[Verdict] = verdict.components
    if any(map(_by_people, _flat(said))):
        said = _without_people(said)
    elif not metric:
        return cell.score
    elif metric in verdict.named_scores:
        return verdict.named_scores[metric]
    if not metric:
        return together(said, None).score if any(each.outcome is Outcome.SCORED for each in said) else None
    scores = []
    for each in _flat(said):
        if each.outcome is Outcome.SCORED:
            if metric in each.named_scores and isinstance(each.assertion, Assertion):
                scores.append(each.named_scores[metric])
            if each.assertion is not None and metric in (each.assertion.metric, getattr(each.assertion, "type", "")):
                scores.append(each.score)
    return fmean(scores) if scores else None


def _flat(verdicts: Sequence[Verdict]) -> Iterator[Verdict]:
    for each in verdicts:
        yield each
        if isinstance(each.assertion, AssertionSet):
            yield from _flat(each.components)


def _by_people(verdict: Verdict) -> bool:
    return isinstance(verdict.assertion, Assertion) and verdict.assertion.type == _HUMAN


def _without_people(verdicts: Sequence[Verdict]) -> list[Verdict]:
    found = []
    for each in verdicts:
        if isinstance(each.assertion, AssertionSet):
            inner = _without_people(each.components)
            if inner:
                found.append(_again(each.assertion, inner))
        elif not _by_people(each):
            found.append(each)
    return found


def _again(assertion: AssertionSet, inner: Sequence[Verdict]) -> Verdict:
    said = together(inner, assertion.threshold)
    return Verdict(said.passed, said.score, said.reason, said.outcome, components=said.components, assertion=assertion)
