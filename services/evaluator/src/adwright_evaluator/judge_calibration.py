"""Does the judge agree with people? The threshold is fitted on half of the cases, and reported on the other half.

All cells of a case are in the same half: what was seen in one repeat would be known in the others. Both halves have
both kinds of labels, and the intervals are over cases.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Final

from adwright.evaluator.v1 import label_pb2 as pb
from adwright_evaluator.judge_scores import Item, judged
from adwright_evaluator.labels import Label
from adwright_evaluator.messages import estimate
from adwright_evaluator.model import CellResult
from adwright_evaluator.runs.records import EvaluationRecord
from adwright_evaluator.statistics.agreement import Table, agreement, alpha, cohen_kappa, with_interval
from adwright_evaluator.statistics.intervals import bounded_mean, wilson
from adwright_servicekit.errors import FailedPrecondition

__all__ = ["calibrated"]

_FEWEST: Final = 20
_WORDS: Final = ((0.81, "almost perfect"), (0.61, "substantial"), (0.41, "moderate"), (0.21, "fair"), (0.0, "slight"))
"""Landis and Koch (1977)."""


def calibrated(
    record: EvaluationRecord, cells: Iterable[CellResult], labels: Sequence[Label], metric: str
) -> pb.CalibrateJudgeResponse:
    """Raises FailedPrecondition where there are too few labels, or all say the same."""
    items = judged(cells, labels, metric)
    if len(items) < _FEWEST:
        raise FailedPrecondition(
            f"{record.name} has {len(items)} cells with both a label and a score, and {_FEWEST} are needed: label more",
            reason="TOO_FEW_LABELS",
        )
    fitted, held = _halves(items)
    for half in (fitted, held):
        if len({item.person for item in half}) < 2:
            raise FailedPrecondition(
                f"nearly all labels of {record.name} say the same, and both kinds are needed to fit a threshold and to "
                "try it on other cases: label cells of both kinds, in several cases",
                reason="LABELS_ALL_ALIKE",
            )
    threshold = _best(fitted)
    cases = _by_case(held)
    table = _table(held, threshold)
    tables = [_table(case, threshold) for case in cases.values()]
    kappa, alpha_ = (_measured(measure, tables) for measure in (cohen_kappa, alpha))
    return pb.CalibrateJudgeResponse(
        label_count=len(items),
        fitted_on=len(fitted),
        case_count=len({item.case for item in items}),
        fitted_on_cases=len({item.case for item in fitted}),
        threshold=threshold,
        agreement=_share(held, lambda item: (item.score >= threshold) == item.person),
        kappa=kappa,
        alpha=alpha_,
        precision=_share([item for item in held if item.score >= threshold], lambda item: item.person),
        recall=_share([item for item in held if item.person], lambda item: item.score >= threshold),
        summary=(
            f"At a threshold of {threshold:.2f} the judge agrees with people on {agreement(table):.0%} of "
            f"{len(held)} cells of {len(cases)} cases that it was not fitted on ({_in_words(kappa)})."
        ),
    )


def _halves(items: Sequence[Item]) -> tuple[list[Item], list[Item]]:
    """By turns, in an order of the cases' hashes: the same data are split the same way every time."""
    cases = _by_case(items)
    kinds: dict[tuple[bool, ...], list[str]] = defaultdict(list)
    for case in sorted(cases):
        kinds[tuple(sorted({item.person for item in cases[case]}))].append(case)
    halves: tuple[list[Item], list[Item]] = [], []
    turn = 0
    # Cases with both kinds of labels last: they even out what is there once.
    for kind in sorted(kinds, key=len):
        for case in kinds[kind]:
            halves[turn % 2].extend(cases[case])
            turn += 1
    return halves


def _by_case(items: Iterable[Item]) -> Mapping[str, list[Item]]:
    found: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        found[item.case].append(item)
    return found


def _table(items: Iterable[Item], threshold: float) -> Table:
    return Table.of([(item.score >= threshold, item.person) for item in items])


def _best(items: Sequence[Item]) -> float:
    """The score from which a pass agrees best with people, by κ; of several the middle one. One pass over scores."""
    ordered = sorted(items, key=lambda item: item.score)
    good = sum(item.person for item in ordered)
    passed, passed_good = len(ordered), good
    found: list[tuple[float, float]] = []
    before: float | None = None
    for score, group in groupby(ordered, key=lambda item: item.score):
        if before is not None:
            # Of judge and people: both yes, only the judge, only people, both no.
            bad = len(ordered) - good
            only_judge = passed - passed_good
            table = Table(passed_good, only_judge, good - passed_good, bad - only_judge)
            found.append((cohen_kappa(table) or 0.0, (before + score) / 2))
        for item in group:
            passed -= 1
            passed_good -= item.person
        before = score
    if not found:
        return ordered[0].score
    best = max(kappa for kappa, _ in found)
    equal = [each for kappa, each in found if kappa == best]
    return equal[len(equal) // 2]


def _share(items: Sequence[Item], holds: Callable[[Item], bool]) -> pb.Estimate | None:
    """The share of these that it holds of; None where there are none."""
    if not items:
        return None
    values = [float(holds(item)) for item in items]
    cases: list[Hashable] = [item.case for item in items]
    interval = bounded_mean(values, cases) if len(set(cases)) < len(cases) else wilson(int(sum(values)), len(values))
    return estimate(sum(values) / len(values), interval.low if interval else None, interval.high if interval else None)


def _measured(measure: Callable[[Table], float | None], tables: Sequence[Table]) -> pb.Estimate | None:
    value, interval = with_interval(measure, tables)
    if value is None:
        return None
    return estimate(value, interval.low if interval else None, interval.high if interval else None)


def _in_words(kappa: pb.Estimate | None) -> str:
    if kappa is None:
        return "κ is undefined: judge and people say one and the same of all of them"
    word = next((word for least, word in _WORDS if kappa.value >= least), "worse than chance")
    sure = "" if kappa.HasField("low") else "; too few cases to say how sure that is"
    return f"κ {kappa.value:.2f}, {word}{sure}"
