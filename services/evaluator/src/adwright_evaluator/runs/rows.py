"""One row of a run: a case, answered by every provider to every prompt, and scored."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final, Protocol

from adwright_evaluator.assertions import SET_SCORERS
from adwright_evaluator.model import (
    JSON,
    Answer,
    Case,
    CellResult,
    CellStatus,
    ProviderSpec,
    Suite,
    Tools,
    Verdict,
)
from adwright_evaluator.suites.prompts import render_prompt
from adwright_evaluator.suites.transforms import transform
from adwright_servicekit.errors import AdwrightError
from adwright_servicekit.logs import where

from .aside import Beside
from .asking import OutOfBudget
from .plan import Column, Row
from .scoring import Answered, score, score_together, status_of

__all__ = ["Asking", "Rows"]

_UNANSWERED: Final = Answer(output=None)


class Asking(Protocol):
    """Has providers answer, as many at a time as the run allows."""

    async def answer(
        self, provider: ProviderSpec, prompt: str | Sequence[Mapping[str, JSON]], case: Case, repeat: int
    ) -> Answer:
        """Raises AdwrightError."""
        ...


class Rows:
    """Runs rows of a suite."""

    def __init__(self, suite: Suite, asking: Asking, tools: Tools, aside: Beside) -> None:
        """`aside` does what may take its time."""
        self._suite = suite
        self._asking = asking
        self._tools = tools
        self._aside = aside

    async def run(self, row: Row) -> list[CellResult]:
        """The cells of a row, in the order of its columns; what fails is an ERROR of its cell. Raises OutOfBudget."""
        try:
            return await self._run(row)
        except OutOfBudget:
            raise
        except Exception as error:
            failed = _Failed("", _UNANSWERED, f"it broke: {where(error)}")
            return [self._cell(row, column, failed, None) for column in row.columns]

    async def _run(self, row: Row) -> list[CellResult]:
        if len(row.columns) == 1:
            asked = [await self._answered(row, row.columns[0])]
        else:
            asked = await asyncio.gather(*(self._answered(row, column) for column in row.columns))
        done = [each for each in asked if each is not None]
        if len(done) < len(asked):
            raise OutOfBudget
        scored = [
            (await score(each, self._tools, self._aside) if isinstance(each, Answered) else None) for each in done
        ]
        if any(getattr(each, "type", "") in SET_SCORERS for each in row.case.assertions):
            scored = await self._compared(done, scored)
        return [
            self._cell(row, column, answered, verdict)
            for column, answered, verdict in zip(row.columns, done, scored, strict=True)
        ]

    async def _compared(
        self, done: Sequence[Answered | _Failed], scored: Sequence[Verdict | None]
    ) -> list[Verdict | None]:
        there = [index for index, each in enumerate(done) if isinstance(each, Answered)]
        verdicts = await score_together(
            [each for each in done if isinstance(each, Answered)],
            [verdict for verdict in scored if verdict is not None],
            self._tools,
            self._aside,
        )
        found = list(scored)
        for index, verdict in zip(there, verdicts, strict=True):
            found[index] = verdict
        return found

    async def _answered(self, row: Row, column: Column) -> Answered | _Failed | None:
        """None: there is no money for it."""
        suite, case = self._suite, row.case
        provider = suite.providers[column.provider]
        text, answer = "", _UNANSWERED
        try:
            prompt = render_prompt(suite.prompts[column.prompt], case.vars, case.options)
            text = prompt if isinstance(prompt, str) else json.dumps(prompt, ensure_ascii=False)
            answer = await self._asking.answer(provider, prompt, case, row.repeat)
            if answer.error:
                return _Failed(text, answer, answer.error)
            output = answer.output
            for expression in (provider.transform, str(case.options.get("transform") or "")):
                if expression:
                    output = await self._aside(partial(transform, expression, output, case.vars))
        except OutOfBudget:
            return None
        except AdwrightError as error:
            return _Failed(text, answer, error.message)
        except Exception as error:
            # Whatever a prompt or a transform makes happen is of this cell alone.
            return _Failed(text, answer, f"it broke: {where(error)}")
        return Answered(case, case.vars, text, answer, output)

    def _cell(self, row: Row, column: Column, done: Answered | _Failed, verdict: Verdict | None) -> CellResult:
        if isinstance(done, Answered):
            answer, error = done.answer, ""
            if answer.output is not done.output or answer.subject is not None:
                answer = replace(answer, output=done.output, subject=None)
            text = done.prompt
        else:
            answer, error, text = done.answer, done.error, done.prompt
        status = status_of(verdict)
        if verdict is not None and status is CellStatus.ERROR:
            error = verdict.reason
        return CellResult(
            case=row.case.index,
            prompt=column.prompt,
            provider=column.provider,
            repeat=row.repeat,
            status=status,
            score=verdict.score if verdict is not None and status is not CellStatus.ERROR else 0.0,
            answer=answer,
            prompt_text=text,
            vars=row.case.vars,
            verdict=verdict,
            error=error,
            description=row.case.description,
        )


class _Failed:
    """A cell without an output."""

    __slots__ = ("answer", "error", "prompt")

    def __init__(self, prompt: str, answer: Answer, error: str) -> None:
        self.prompt = prompt
        self.answer = answer
        self.error = error
