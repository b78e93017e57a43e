"""Gradings for tests of assertions, without a run around them."""

import inspect
from collections.abc import Mapping
from typing import Any

from adwright_evaluator.assertions import SCORERS
from adwright_evaluator.model import Answer, Assertion, Case, Embedder, Grading, Judge, ProviderSpec, Verdict
from adwright_evaluator.suites.transforms import text_of


class FakeTools:
    """Files alone: nobody judges."""

    def __init__(self, files: Mapping[str, bytes] | None = None, *, allow_python: bool = True) -> None:
        self.allow_python = allow_python
        self._files = files or {}

    def judge(self, spec: ProviderSpec | None) -> Judge:
        """None here."""
        raise NotImplementedError

    def embedder(self, spec: ProviderSpec | None) -> Embedder:
        """None here."""
        raise NotImplementedError

    def file(self, name: str) -> bytes:
        """One of those given."""
        return self._files[name]


def grading(kind: str, output: Any, value: Any = None, **more: Any) -> Grading:
    """What a scorer gets; `more` are fields of the assertion, and `answer`, `vars`, `tools`."""
    answer = more.pop("answer", None) or Answer(output=output)
    variables, tools = more.pop("vars", {}), more.pop("tools", None) or FakeTools()
    assertion = Assertion(kind.removeprefix("not-"), value, negated=kind.startswith("not-"), **more)
    return Grading(assertion, output, text_of(output), answer, Case(0), variables, "prompt", tools)


def said(kind: str, output: Any, value: Any = None, **more: Any) -> Verdict:
    """The verdict of a scorer that does not wait for anything; `not-` is left to those that know of it."""
    verdict = SCORERS[kind.removeprefix("not-")](grading(kind, output, value, **more))
    assert isinstance(verdict, Verdict)
    return verdict


async def waited(kind: str, output: Any, value: Any = None, **more: Any) -> Verdict:
    """The same of one that waits."""
    verdict = SCORERS[kind.removeprefix("not-")](grading(kind, output, value, **more))
    assert inspect.isawaitable(verdict)
    return await verdict
