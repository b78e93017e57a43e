"""Types that need a context, questions made backwards, or vectors."""

import numpy as np
import pytest
from judging_fakes import FakeEmbedder, FakeJudge, grading

from adwright_evaluator.embedding import PackagedEmbedder
from adwright_evaluator.judging import SCORERS
from adwright_evaluator.judging.retrieved import parts_of
from adwright_evaluator.model import JSON, Grading, Outcome, Verdict
from adwright_servicekit.errors import InvalidInput, Unavailable

VARS: dict[str, JSON] = {"query": "How heavy is it?", "context": "The tent weighs 1.9 kg. It is green. It is for two."}


async def score(grading: Grading) -> Verdict:
    said = SCORERS[grading.assertion.type](grading)
    assert not isinstance(said, Verdict)
    return await said


def supports(*holds: bool) -> dict[str, JSON]:
    return {"verdicts": [{"number": at, "reason": "r", "supported": held} for at, held in enumerate(holds, 1)]}


async def test_faithfulness_is_the_share_of_statements_that_the_context_supports() -> None:
    judge = FakeJudge({"statements": ["It weighs 1.9 kg.", "It floats."]}, supports(True, False))
    said = await score(grading("context-faithfulness", None, judge=judge, vars=VARS, threshold=0.6))
    assert (said.passed, said.score) == (False, 0.5)
    assert said.metadata["unsupported"] == ["It floats."]
    assert "2. It floats." in judge.last
    assert "The tent weighs 1.9 kg." in judge.last


async def test_an_output_without_statements_is_not_applicable() -> None:
    said = await score(grading("context-faithfulness", None, judge=FakeJudge({"statements": []}), vars=VARS))
    assert said.outcome is Outcome.NOT_APPLICABLE


@pytest.mark.parametrize(
    "verdicts",
    [
        [(1, True)],
        [(1, True), (2, True), (2, False)],
        [(1, True), (3, True), (7, True)],
    ],
)
async def test_a_statement_left_out_or_judged_both_ways_is_not_supported(verdicts: list[tuple[int, bool]]) -> None:
    answer = {"verdicts": [{"number": n, "reason": "r", "supported": held} for n, held in verdicts]}
    judge = FakeJudge({"statements": ["A.", "B."]}, answer)
    assert (await score(grading("context-faithfulness", None, judge=judge, vars=VARS))).score == 0.5


async def test_recall_is_the_share_of_the_expected_answer_that_the_context_holds() -> None:
    judge = FakeJudge(supports(True, True, False))
    said = await score(grading("context-recall", "It is light. It is green. It floats.", judge=judge, vars=VARS))
    assert said.score == pytest.approx(2 / 3)
    assert said.passed
    assert said.metadata["missing"] == ["It floats."]


async def test_recall_takes_the_prompt_for_a_context_where_there_is_none() -> None:
    judge = FakeJudge(supports(True))
    await score(grading("context-recall", "It is light.", judge=judge, prompt="Say that it is light."))
    assert "Say that it is light." in judge.last


@pytest.mark.parametrize(("numbers", "points"), [([1], 1 / 3), ([1, 1, 3, 9], 2 / 3), ([], 0.0)])
async def test_relevance_is_the_share_of_the_context_that_helps(numbers: list[int], points: float) -> None:
    judge = FakeJudge({"reason": "The weight.", "numbers": numbers})
    said = await score(grading("context-relevance", None, judge=judge, vars=VARS, threshold=0.1))
    assert said.score == pytest.approx(points)
    assert said.passed == (points >= 0.1)
    assert "1. The tent weighs 1.9 kg.\n2. It is green." in judge.last


def test_parts_are_texts_of_a_list_or_lines_or_sentences() -> None:
    assert parts_of(["One. Two.", "Three."]) == ["One. Two.", "Three."]
    assert parts_of(["One, i.e. 1.\nTwo.\n"]) == ["One, i.e. 1.", "Two."]
    assert parts_of(["1. One is 1.9 kg. 2. Two!\n"]) == ["One is 1.9 kg.", "Two!"]
    assert parts_of(["1."]) == ["1."]
    assert parts_of(["軽い。緑です。"]) == ["軽い。", "緑です。"]


@pytest.mark.parametrize("type", ["context-faithfulness", "context-relevance"])
@pytest.mark.parametrize(
    ("vars", "config", "problem"),
    [
        ({"context": "c"}, {}, r"vars\.query: is missing"),
        ({"query": "q"}, {}, r"vars\.context: is missing"),
        ({"query": "q", "context": ["a", 1]}, {}, r"vars\.context: holds something"),
        ({"query": "q", "context": "c"}, {"contextTransform": "output.c"}, "contextTransform: is not supported"),
    ],
)
async def test_what_is_missing_around_a_context_is_named(
    type: str, vars: dict[str, JSON], config: dict[str, JSON], problem: str
) -> None:
    with pytest.raises(InvalidInput, match=rf"{type}\.{problem}"):
        await score(grading(type, None, judge=FakeJudge(""), vars=vars, config=config))


@pytest.mark.parametrize(
    "type", ["context-faithfulness", "context-recall", "context-relevance", "conversation-relevance"]
)
async def test_prose_and_errors_are_no_verdict_and_own_prompts_are_refused(type: str) -> None:
    prose = await score(grading(type, "It is light.", judge=FakeJudge("Looks good."), vars=VARS))
    assert prose.reason == "the judge answered in prose: Looks good."
    assert prose.outcome is Outcome.FAILED
    error = await score(grading(type, "It is light.", judge=FakeJudge(Unavailable("down")), vars=VARS))
    assert error.outcome is Outcome.FAILED
    with pytest.raises(InvalidInput, match=rf"{type}\.rubricPrompt: "):
        await score(grading(type, "It is light.", judge=FakeJudge(""), vars=VARS, rubric_prompt="Mine"))


async def test_a_conversation_is_read_in_windows() -> None:
    turns = [{"input": f"q{n}", "output": f"a{n}"} for n in range(3)]
    judge = FakeJudge({"reason": "fits", "relevant": True}, {"reason": "off", "relevant": False})
    said = await score(
        grading("conversation-relevance", None, judge=judge, vars={"_conversation": turns}, config={"windowSize": 2})
    )
    assert said.score == pytest.approx(1 / 3)
    assert not said.passed
    assert "q0" not in judge.last
    assert "q1" in judge.last
    alone = await score(grading("conversation-relevance", None, judge=FakeJudge({"reason": "fits", "relevant": True})))
    assert (alone.passed, alone.score) == (True, 1.0)


async def test_relevance_of_an_answer_is_the_mean_cosine_of_its_questions() -> None:
    judge = FakeJudge({"question": "near"}, {"question": "far"}, {"question": "near"})
    table = FakeEmbedder({"How heavy is it?": [2, 0], "near": [1, 0], "far": [0, 3]})
    said = await score(grading("answer-relevance", None, judge=judge, embedders={"": table}, vars=VARS, threshold=0.7))
    assert said.score == pytest.approx(2 / 3)
    assert not said.passed
    assert judge.seeds == [0, 1, 2]
    broken = FakeEmbedder(Unavailable("no vectors"))
    failed = await score(grading("answer-relevance", None, judge=FakeJudge({"question": "q"}), embedders={"": broken}))
    assert failed.outcome is Outcome.FAILED


TABLE = FakeEmbedder({"out": [3, 4], "same": [6, 8], "off": [4, -3], "near": [3, 4.5]})


@pytest.mark.parametrize(
    ("type", "value", "threshold", "passed", "points"),
    [
        ("similar", "same", None, True, 1.0),
        ("similar:cosine", "off", None, False, 0.0),
        ("similar", ["off", "same"], None, True, 1.0),
        ("similar:dot", "same", 49, True, 50.0),
        ("similar:dot", "same", 51, False, 50.0),
        ("similar:euclidean", "near", None, True, 1 / 1.5),
        ("similar:euclidean", "same", None, False, 1 / 6),
        ("similar:euclidean", ["same", "near"], 0.5, True, 1 / 1.5),
    ],
)
async def test_similarity_by_the_measure_that_is_named(
    type: str, value: JSON, threshold: float | None, passed: bool, points: float
) -> None:
    said = await score(grading(type, value, "out", embedders={"": TABLE}, threshold=threshold))
    assert (said.passed, said.score) == (passed, pytest.approx(points))


async def test_texts_without_vectors_or_an_expectation_are_said_so() -> None:
    broken = FakeEmbedder(Unavailable("no vectors"))
    said = await score(grading("similar", "same", "out", embedders={"": broken}))
    assert (said.outcome, said.reason) == (Outcome.FAILED, "the texts got no vectors: no vectors")
    ragged = FakeEmbedder({"out": [1, 2], "same": [1]})
    assert (await score(grading("similar", "same", "out", embedders={"": ragged}))).outcome is Outcome.FAILED
    for value in (None, [], [1]):
        with pytest.raises(InvalidInput, match=r"similar\.value: is the expected text"):
            await score(grading("similar", value, "out", embedders={"": TABLE}))


async def test_the_packaged_encoder_tells_meaning_across_languages() -> None:
    embedder = PackagedEmbedder()
    tent, zelt, car, nothing = np.array(
        await embedder.embed(["a light tent", "ein leichtes Zelt", "a car insurance", ""])
    )
    assert np.linalg.norm(tent) == pytest.approx(1, abs=1e-5)
    assert tent @ zelt > 0.6 > 0.35 > tent @ car
    assert not nothing.any()
