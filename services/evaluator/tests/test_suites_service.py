"""Suites as the service takes them: faults are told at the begin, and nobody waits for another's reading."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest
from evaluating import TENANT, Evaluating, source

from adwright.evaluator.v1 import suite_pb2 as pb
from adwright.generator.v1 import generator_service_pb2 as generator_pb
from adwright_evaluator.model import Assertion, AssertionSet, Case, ProviderSpec
from adwright_evaluator.tools import RunTools
from adwright_servicekit.errors import InvalidInput

HEAD = "prompts: ['{{x}}']\nproviders: [echo]\n"


async def test_others_are_served_while_a_large_suite_is_read(evaluating: Evaluating) -> None:
    rows = "x,__expected\n" + "".join(f"a{n},contains: a\n" for n in range(20_000))
    large = pb.CreateSuiteRequest(
        suite_id="large", suite=pb.Suite(source=source({"promptfooconfig.yaml": HEAD + "tests: t.csv", "t.csv": rows}))
    )
    creating = asyncio.ensure_future(evaluating.stub.CreateSuite(large, metadata=TENANT))
    served = 0
    while not creating.done() and served < 5:
        await evaluating.stub.ListSuites(pb.ListSuitesRequest(), metadata=TENANT)
        served += not creating.done()
    assert served == 5
    assert (await creating).case_count == 20_000


@pytest.mark.parametrize(
    ("files", "what"),
    [
        ({"promptfooconfig.yaml": HEAD + "tests: " + "[" * 60_000}, "nested too deeply"),
        ({"promptfooconfig.yaml": HEAD + "tests: t.jsonl", "t.jsonl": '{"vars": {"x": "\\ud800"}}'}, "half of a pair"),
        ({"promptfooconfig.yaml": HEAD + "tests: t.jsonl", "t.jsonl": "[" * 100_000}, "nested too deeply"),
        ({"promptfooconfig.yaml": HEAD + "tests: [{vars: {x: 1}, assert: [{type: regex, value: '('}]}]"}, "expression"),
        ({"promptfooconfig.yaml": HEAD + "tests: [{vars: {x: 1}, assert: [{type: is-json, weight: .inf}]}]"}, "finite"),
        ({"promptfooconfig.yaml": HEAD + "tests: [{vars: {x: 1}, providers: [ecoh]}]"}, "did you mean echo"),
    ],
)
async def test_what_cannot_be_run_is_told_when_it_begins(
    evaluating: Evaluating, files: dict[str, str], what: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError, match=what) as caught:
        await evaluating.begin(files)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def tools(judge: str = "") -> RunTools:
    backends = [generator_pb.BackendStatus(name="small")]
    nobody: Any = None
    return RunTools(nobody, "demo", backends, {}, None, lambda: datetime.now(UTC), judge=judge)


@pytest.mark.parametrize("judge", ["", "backend:small"])
def test_judges_that_are_there_are_let_through(judge: str) -> None:
    own = Assertion("llm-rubric", "a", provider=ProviderSpec("backend:small", "s"))
    tools(judge).check_judges([Case(0, assertions=(own, Assertion("llm-rubric", "b"), Assertion("contains", "c")))])


def test_a_judge_that_is_not_there_is_named() -> None:
    other = Assertion("llm-rubric", "a", provider=ProviderSpec("openai:gpt-9", "o"))
    with pytest.raises(InvalidInput, match="judge 'openai:gpt-9': there are backend:small"):
        tools().check_judges([Case(0), Case(1, assertions=(AssertionSet((other,)),))])
    with pytest.raises(InvalidInput, match="judge 'backend:nope'"):
        tools("backend:nope").check_judges([Case(0, assertions=(Assertion("llm-rubric", "a"),))])
