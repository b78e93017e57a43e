"""What people say becomes part of the verdicts that waited for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from adwright_docstore import ConditionFailed, Key, Put, TransactionConflict, Version
from adwright_evaluator.judging.human import said_by_people
from adwright_evaluator.labels import Label, Labels
from adwright_evaluator.model import Assertion, AssertionSet, Case, CellResult, Verdict
from adwright_resources.store_errors import translated
from adwright_servicekit.errors import Conflict, InvalidInput

from .evaluations import Evaluations
from .packing import pack_row, unpack_row
from .records import EvaluationRecord, State, part
from .scoring import counted, status_of, together
from .session import Sessions
from .settling import settle

__all__ = ["Hearing"]

_HUMAN: Final = "human"
_ATTEMPTS: Final = 8


class Hearing:
    """Methods raise AdwrightError: Unavailable (store), Conflict."""

    def __init__(self, evaluations: Evaluations, sessions: Sessions, labels: Labels) -> None:
        self._evaluations = evaluations
        self._sessions = sessions
        self._labels = labels

    async def labelled(self, record: EvaluationRecord, labels: Iterable[Label]) -> None:
        """The cells of these labels, which are kept already, are judged with them; so is a run that has ended."""
        cases = await self._waiting(record)
        rows = {(label.case, label.repeat) for label in labels if label.case in cases}
        changed = [await self._row(record, cases[case], repeat) for case, repeat in sorted(rows)]
        if any(changed) and record.state is not State.RUNNING:
            await settle(self._evaluations, record)

    async def _waiting(self, record: EvaluationRecord) -> dict[int, Case]:
        """The cases that want a person's word, by position."""
        files = await self._evaluations.files(record)
        try:
            plan = await self._sessions.plan(files, record.main, record.choices)
        except InvalidInput:
            # Another version read suites otherwise: what it wrote stays as it is.
            return {}
        return {case.index: case for case in plan.cases if any(map(_wants_people, case.assertions))}

    async def _row(self, record: EvaluationRecord, case: Case, repeat: int) -> bool:
        store = self._evaluations.store
        key = Key(part(record.tenant, record.id, "rows"), f"{case.index:06d}#{repeat:04d}")
        for _ in range(_ATTEMPTS):
            with translated():
                item = await store.get(key)
            if item is None:
                return False
            before = unpack_row(item.data)
            said = [label async for label in self._labels.of_case(record, case.index)]
            after = [_heard(cell, case, [label for label in said if label.cell == cell.key]) for cell in before]
            if after == before:
                return False
            put = Put(key, pack_row(after), Version(item.version), expires_at=record.expire_time)
            try:
                with translated():
                    await store.transact([put])
            except (ConditionFailed, TransactionConflict, Conflict):
                continue
            return True
        raise Conflict(f"case {case.index} of {record.name} is changed by others all the time: try again")


def _wants_people(assertion: Assertion | AssertionSet) -> bool:
    if isinstance(assertion, AssertionSet):
        return any(map(_wants_people, assertion.assertions))
    return assertion.type == _HUMAN


def _heard(cell: CellResult, case: Case, labels: Sequence[Label]) -> CellResult:
    if cell.verdict is None:
        return cell
    components = [_with_people(each, labels) for each in cell.verdict.components]
    verdict = together(components, case.threshold)
    status = status_of(verdict)
    return replace(cell, verdict=verdict, status=status, score=verdict.score if status is not status.ERROR else 0.0)


def _with_people(verdict: Verdict, labels: Sequence[Label]) -> Verdict:
    assertion = verdict.assertion
    if isinstance(assertion, AssertionSet):
        inner = [_with_people(each, labels) for each in verdict.components]
        return replace(together(inner, assertion.threshold), assertion=assertion)
    if assertion is None or assertion.type != _HUMAN:
        return verdict
    return counted(said_by_people(assertion, verdict, labels), assertion)
