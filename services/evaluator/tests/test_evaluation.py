"""Choosing scorers, running them, and summing up."""

import asyncio
import threading
import time

import pytest

from adwright_checks import AdText, Check, Finding, Outcome, Subject, load_formats
from adwright_evaluator.evaluation import Evaluation, Evaluator
from adwright_evaluator.pool import ScoringPool
from adwright_servicekit.errors import InvalidInput, ResourceExhausted

SUBJECT = Subject((AdText("text", "Hello"),), load_formats()["plain"])


class Fixed:
    """A scorer that gives the scores it was made with."""

    description = "Fixed."

    def __init__(self, name: str, *scores: float | None, required: bool = False, breaks: bool = False) -> None:
        self.name, self.required, self._scores, self._breaks = name, required, scores, breaks

    def __call__(self, subject: Subject) -> list[Finding]:
        if self._breaks:
            raise RuntimeError("broken")
        return [
            Finding(self.name, "", Outcome.NOT_APPLICABLE if score is None else Outcome.PASSED, score)
            for score in self._scores
        ]


class Waiting:
    """A scorer that waits for its gate."""

    name, description, required = "waiting", "Waits.", False

    def __init__(self) -> None:
        self.gate = threading.Event()

    def __call__(self, subject: Subject) -> list[Finding]:
        self.gate.wait(10)
        return [Finding(self.name, "", Outcome.PASSED, 1.0)]


async def evaluate(*scorers: Check, names: tuple[str, ...] = ()) -> Evaluation:
    with ScoringPool(1, 1) as pool:
        return await Evaluator(scorers, pool).evaluate(SUBJECT, names)


async def test_every_scorer_weighs_the_same_in_the_mean() -> None:
    evaluation = await evaluate(Fixed("many", 0.0, 0.0, 0.0), Fixed("one", 1.0), Fixed("none", None))
    assert evaluation.score == 0.5


async def test_a_scorer_that_breaks_is_an_error_and_never_a_zero() -> None:
    evaluation = await evaluate(Fixed("good", 1.0), Fixed("broken", breaks=True))
    assert (evaluation.score, evaluation.passed) == (1.0, True)
    assert [finding.outcome for finding in evaluation.findings] == [Outcome.ERROR, Outcome.PASSED]


async def test_a_required_scorer_that_breaks_is_not_passed() -> None:
    assert not (await evaluate(Fixed("broken", breaks=True, required=True))).passed


async def test_a_name_like_no_other_gets_the_list() -> None:
    with pytest.raises(InvalidInput, match="there are alpha, beta"):
        await evaluate(Fixed("beta", 1.0), Fixed("alpha", 1.0), names=("zzz",))


async def test_scoring_leaves_the_event_loop_free() -> None:
    scorer = Waiting()
    with ScoringPool(1, 1) as pool:
        scoring = asyncio.create_task(Evaluator([scorer], pool).evaluate(SUBJECT))
        begun = time.monotonic()
        await asyncio.sleep(0.01)
        assert time.monotonic() - begun < 1
        assert not scoring.done()
        scorer.gate.set()
        assert (await scoring).passed


async def test_more_than_can_wait_is_refused_with_a_time_to_come_back() -> None:
    scorer = Waiting()
    with ScoringPool(workers=1, max_waiting=1) as pool:
        evaluator = Evaluator([scorer], pool)
        taken = [asyncio.create_task(evaluator.evaluate(SUBJECT)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(ResourceExhausted) as caught:
            await evaluator.evaluate(SUBJECT)
        assert caught.value.retry_after == 1.0
        scorer.gate.set()
        assert all(evaluation.passed for evaluation in await asyncio.gather(*taken))
        assert (await evaluator.evaluate(SUBJECT)).passed
