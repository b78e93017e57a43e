"""Judges that compare outputs, and judges beside judges."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from judging_fakes import FakeJudge, Messages, grading, verdict

from adwright_evaluator.judging import SCORERS, SET_SCORERS, JudgeFailed, Preference, compare, translate_back
from adwright_evaluator.judging.self_preference import same_family
from adwright_evaluator.model import Grading, Outcome, Usage, Verdict
from adwright_servicekit.errors import InvalidInput, Unavailable


async def score(grading: Grading) -> Verdict:
    said = SCORERS[grading.assertion.type](grading)
    assert not isinstance(said, Verdict)
    return await said


async def best(*outputs: str, judge: FakeJudge, **options: object) -> list[Verdict]:
    gradings = [grading("select-best", "the shortest", output, judge=judge, **options) for output in outputs]  # type: ignore[arg-type]
    said = SET_SCORERS["select-best"](gradings)
    return list(await said)  # type: ignore[misc]


def prefers(text: str) -> Callable[[Messages], object]:
    """A judge that knows what it likes, wherever it stands."""

    def choose(messages: Messages) -> object:
        asked = messages[-1]["content"]
        if "Second answer:" in asked:
            in_first = text in asked.partition("Second answer:")[0]
            return {"reason": "r", "better": "first" if in_first else "second"}
        parts = asked.split("Text ")
        return {"reason": "r", "best": next(at for at, part in enumerate(parts) if text in part)}

    return choose


@pytest.mark.parametrize(("a", "b", "preference"), [("good", "bad", "WIN"), ("bad", "good", "LOSS")])
async def test_the_better_output_wins_in_both_places(a: str, b: str, preference: str) -> None:
    said = await compare(FakeJudge(prefers("good")), "quality", "Write.", a, b)
    assert (said.preference, said.consistent) == (Preference[preference], True)
    assert said.usage == Usage(200, 20, 2)


@pytest.mark.parametrize("better", ["first", "second"])
async def test_a_judge_that_prefers_a_place_leaves_a_tie(better: str) -> None:
    judge = FakeJudge({"reason": "r", "better": better})
    said = await compare(judge, "quality", "Write.", "one", "other")
    assert (said.preference, said.consistent) == (Preference.TIE, False)
    first, second = (messages[-1]["content"] for messages in judge.asked)
    assert first.index("one") < first.index("other")
    assert second.index("other") < second.index("one")


async def test_ties_and_equal_outputs_are_consistent_and_prose_is_no_comparison() -> None:
    tie = await compare(FakeJudge({"reason": "r", "better": "tie"}), "quality", "Write.", "one", "other")
    assert (tie.preference, tie.consistent) == (Preference.TIE, True)
    judge = FakeJudge("prose")
    assert (await compare(judge, "quality", "Write.", "one", "one")).preference is Preference.TIE
    assert judge.asked == []
    with pytest.raises(JudgeFailed, match="answered in prose"):
        await compare(judge, "quality", "Write.", "one", "other")


@pytest.mark.parametrize("outputs", [("good", "bad", "worse"), ("worse", "bad", "good")])
async def test_the_best_is_found_wherever_it_stands(outputs: tuple[str, ...]) -> None:
    said = await best(*outputs, judge=FakeJudge(prefers("good")))
    assert [each.passed for each in said] == [output == "good" for output in outputs]
    assert [each.score for each in said] == [float(output == "good") for output in outputs]
    assert sum((each.usage for each in said), Usage()) == Usage(200, 20, 2)


async def test_a_judge_that_always_takes_the_first_makes_a_tie_and_says_so() -> None:
    judge = FakeJudge({"reason": "r", "best": 1})
    said = await best("one", "two", "three", judge=judge)
    assert sorted(each.score for each in said) == [0.0, 0.5, 0.5]
    winner = next(each for each in said if each.passed)
    assert "a tie" in winner.reason
    assert winner.metadata["consistent"] is False


async def test_the_order_does_not_hang_on_which_provider_wrote_what() -> None:
    one, other = FakeJudge(prefers("two")), FakeJudge(prefers("two"))
    await best("one", "two", "three", judge=one)
    await best("three", "one", "two", judge=other)
    assert sorted(m[-1]["content"] for m in one.asked) == sorted(m[-1]["content"] for m in other.asked)


async def test_equal_outputs_share_the_place_without_a_question() -> None:
    judge = FakeJudge("prose")
    said = await best("same", "same", judge=judge)
    assert [(each.passed, each.score) for each in said] == [(True, 0.5), (True, 0.5)]
    assert judge.asked == []


async def test_outputs_with_an_error_take_no_part() -> None:
    judge = FakeJudge(prefers("good"))
    gradings = [grading("select-best", "the best", output, judge=judge) for output in ("good", "bad", "")]
    gradings[2] = replace(gradings[2], answer=replace(gradings[2].answer, error="timed out"))
    said = list(await SET_SCORERS["select-best"](gradings))  # type: ignore[misc]
    assert [each.outcome for each in said] == [Outcome.SCORED, Outcome.SCORED, Outcome.NOT_APPLICABLE]
    lone = list(await SET_SCORERS["select-best"](gradings[1:]))  # type: ignore[misc]
    assert {each.outcome for each in lone} == {Outcome.NOT_APPLICABLE}


@pytest.mark.parametrize("answer", ["prose", {"reason": "r", "best": 3}, {"reason": "r", "best": 0}, Unavailable("x")])
async def test_a_choice_that_is_none_is_no_verdict_on_any_output(answer: object) -> None:
    said = await best("one", "two", judge=FakeJudge(answer))
    assert {each.outcome for each in said} == {Outcome.FAILED}


async def test_a_suites_prompt_numbers_the_outputs_from_zero() -> None:
    judge = FakeJudge({"reason": "r", "best": 0})
    template = "{% for output in outputs %}{{ loop.index0 }}{{ output }}{% endfor %} {{ criteria }}"
    said = await best("one", "two", judge=judge, rubric_prompt=template)
    assert {each.outcome for each in said} == {Outcome.SCORED}
    assert judge.last.endswith("the shortest")


def panel(*judges: FakeJudge, **config: object) -> Grading:
    named = {f"backend:{at}": judge for at, judge in enumerate(judges)}
    return grading(judges=named, config={"judges": [*named], **config})  # type: ignore[dict-item]


async def test_most_judges_decide_and_their_spread_is_noted() -> None:
    asked = panel(FakeJudge(verdict(True, 0.9)), FakeJudge(verdict(True, 0.8)), FakeJudge(verdict(False, 0.1)))
    said = await score(asked)
    assert (said.passed, said.score) == (True, pytest.approx(0.6))
    assert said.metadata["spread"] == pytest.approx(0.8)
    assert len(said.components) == 3
    assert said.usage == Usage(300, 30, 3)
    assert said.reason.startswith("2 of 3 judges pass it; their scores lie 0.80 apart.")


async def test_the_median_can_be_the_score_and_a_tie_does_not_pass() -> None:
    three = (FakeJudge(verdict(True, 0.9)), FakeJudge(verdict(True, 0.8)), FakeJudge(verdict(False, 0.1)))
    assert (await score(panel(*three, panelScore="median"))).score == 0.8
    said = await score(panel(FakeJudge(verdict(True, 1)), FakeJudge(verdict(False, 0))))
    assert not said.passed
    assert "a tie, which does not pass" in said.reason
    with pytest.raises(InvalidInput, match="is mean or median"):
        await score(panel(*three, panelScore="best"))


async def test_judges_that_fail_have_no_vote_and_too_few_are_no_verdict() -> None:
    down = FakeJudge(Unavailable("down"))
    said = await score(panel(FakeJudge(verdict(True, 0.9)), FakeJudge(verdict(True, 0.7)), down))
    assert (said.passed, said.score, said.metadata["judges_failed"]) == (True, pytest.approx(0.8), 1)
    said = await score(panel(FakeJudge(verdict(True, 0.9)), FakeJudge("prose"), down))
    assert said.outcome is Outcome.FAILED
    assert said.reason.startswith("only 1 of 3 judges could tell: the judge answered in prose: prose; ")


@pytest.mark.parametrize("judges", [[], "backend:0", [1], [{"label": "x"}], ["backend:0"] * 10])
async def test_a_wrong_list_of_judges_is_named(judges: object) -> None:
    asked = grading(judges={"backend:0": FakeJudge("")}, config={"judges": judges})
    with pytest.raises(InvalidInput, match=r"llm-rubric\.config\.judges"):
        await score(asked)


async def test_a_translation_comes_back_as_text() -> None:
    judge = FakeJudge({"translation": "Light."})
    assert await translate_back(judge, "Lätt.", "sv") == "Light."
    assert "in the language sv" in judge.last
    with pytest.raises(JudgeFailed):
        await translate_back(FakeJudge("Light."), "Lätt.", "sv")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("meta-llama/Meta-Llama-3.1-8B-Instruct", "llama3:8b", True),
        ("mistralai/Mixtral-8x7B", "Mistral-7B-Instruct-v0.3", True),
        ("openai/o3-mini", "gpt-4o", True),
        ("smollm2-135m-instruct.Q4_K_M.gguf", "HuggingFaceTB/SmolLM2-1.7B", True),
        ("Qwen2.5-7B", "Llama-3", False),
        ("", "", False),
        ("42", "42", False),
    ],
)
def test_families_of_models_by_their_names(one: str, other: str, same: bool) -> None:
    assert same_family(one, other) is same
