"""Code of suites: what it may give, and what it cannot do to the service."""

import pytest
from grading import FakeTools, said, waited

from adwright_evaluator.assertions import python_code
from adwright_evaluator.model import Outcome
from adwright_servicekit.errors import InvalidInput


async def test_python_is_refused_where_the_setting_does_not_allow_it() -> None:
    verdict = await waited("python", "a", "True", tools=FakeTools(allow_python=False))
    assert verdict.outcome is Outcome.FAILED
    assert "ADWRIGHT_EVALUATOR_ALLOW_PYTHON" in verdict.reason


@pytest.mark.parametrize(
    ("code", "passed", "score"),
    [
        ("len(output) == 4", True, 1.0),
        ("False", False, 0.0),
        ("0.25", True, 0.25),
        ("'0.5'", True, 0.5),
        ('\'{"pass": true, "score": 0.5, "reason": "r"}\'', True, 0.5),
        ("json.loads('[1]') == [1]", True, 1.0),
        ("if output:\n    return context['vars']['n'] > 1\nreturn False", True, 1.0),
    ],
)
async def test_python_gives_verdicts(code: str, passed: bool, score: float) -> None:
    verdict = await waited("python", "text", code, vars={"n": 2})
    assert (verdict.passed, verdict.score) == (passed, score)


async def test_functions_of_files_are_called_by_name() -> None:
    tools = FakeTools({"checks.py": b"def get_assert(o, c):\n    return True\n\ndef no(o, c):\n    return 0\n"})
    assert (await waited("python", "a", "file://checks.py", tools=tools)).passed
    assert not (await waited("python", "a", "file://checks.py:no", tools=tools)).passed


async def test_mappings_give_reason_and_scores_by_name() -> None:
    code = "{'pass': True, 'score': 0.5, 'reason': 'so', 'named_scores': {'wit': 0.2}}"
    verdict = await waited("python", "a", code)
    assert (verdict.reason, dict(verdict.named_scores)) == ("so", {"wit": 0.2})
    below = await waited("python", "a", code, threshold=0.9)
    assert not below.passed
    assert "below 0.9" in below.reason


async def test_not_turns_the_verdict_round_but_not_its_score() -> None:
    verdict = await waited("not-python", "a", "0.25")
    assert (verdict.passed, verdict.score) == (False, 0.25)


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("nothing", "NameError"),
        ("(", "SyntaxError"),
        ("'perhaps'", "no verdict"),
        ("{'pass': True}", "must give"),
        ("object()", "TypeError"),
        ("import os\nos._exit(3)", "ended its process"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", "ended its process"),
        ("import sys\nsys.exit(1)", "SystemExit"),
        ("len(bytearray(4 << 30))", "MemoryError"),
        ("'x' * 3000000", "more than 1000000 bytes"),
    ],
)
async def test_code_that_fails_says_how_and_the_next_one_works(code: str, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        await waited("python", "a", code)
    assert (await waited("python", "a", "True")).passed


async def test_endless_code_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(python_code, "_SECONDS", 0.3)
    with pytest.raises(InvalidInput, match=r"more than 0\.3 s"):
        await waited("python", "a", "while True:\n    pass")
    assert (await waited("python", "a", "True")).passed


async def test_code_sees_nothing_that_code_before_it_left() -> None:
    await waited("python", "a", "import builtins\nbuiltins.left = 1\nreturn True")
    with pytest.raises(InvalidInput, match="NameError"):
        await waited("python", "a", "left == 1")


async def test_code_reads_no_questions_and_writes_no_answers() -> None:
    code = "import os, sys\nfor file in range(3, 6):\n    try:\n        os.write(file, b'{}')\n    except OSError:\n"
    verdict = await waited("python", "a", code + "        pass\nreturn sys.stdin.read() == ''")
    assert verdict.passed
    assert not (await waited("python", "a", "False")).passed


async def test_code_sees_no_environment_and_its_prints_are_no_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADWRIGHT_SECRET", "s")
    assert (
        await waited("python", "a", "print('{}') is None and __import__('os').getenv('ADWRIGHT_SECRET') is None")
    ).passed


def test_javascript_gives_verdicts_and_turns_them_round() -> None:
    assert said("javascript", "text", "output.length === 4").passed
    assert (said("not-javascript", "text", "0.5").passed, said("not-javascript", "text", "0.5").score) == (False, 0.5)
    files = FakeTools({"c.js": b"module.exports = (output, context) => ({pass: true, score: 0.4, reason: 'r'})"})
    assert said("javascript", "text", "file://c.js", tools=files).score == 0.4
    with pytest.raises(InvalidInput, match="must give"):
        said("javascript", "text", "'words'")
