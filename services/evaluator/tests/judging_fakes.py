"""Fakes for the tests of judging: a judge with a script, an embedder with a table, and gradings that use them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from adwright_evaluator.model import (
    JSON,
    Answer,
    Assertion,
    Case,
    Completion,
    Embedder,
    Grading,
    Judge,
    ProviderSpec,
    Usage,
)
from adwright_servicekit.errors import InvalidInput

Messages = Sequence[Mapping[str, str]]


class FakeJudge:
    """Says what its script says, one entry a call: a text, an object (as JSON), an error, or a function of messages."""

    def __init__(self, *script: Any, id: str = "backend:fake", model: str = "fake-1b") -> None:
        self._script = list(script)
        self._id, self._model = id, model
        self.asked: list[Messages] = []
        self.schemas: list[Mapping[str, JSON] | None] = []
        self.seeds: list[int | None] = []

    @property
    def id(self) -> str:
        return self._id

    @property
    def last(self) -> str:
        """All that was said to it last."""
        return "\n".join(message["content"] for message in self.asked[-1])

    async def complete(
        self,
        messages: Messages,
        *,
        json_schema: Mapping[str, JSON] | None = None,
        max_tokens: int = 1024,
        seed: int | None = None,
    ) -> Completion:
        self.asked.append(messages)
        self.schemas.append(json_schema)
        self.seeds.append(seed)
        said = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        if isinstance(said, BaseException):
            raise said
        if isinstance(said, Callable):  # type: ignore[arg-type]
            said = said(messages)
        text = said if isinstance(said, str) else json.dumps(said)
        return Completion(text, Usage(100, 10, 1), 0.001, self._model)


class FakeEmbedder:
    """Vectors from a table; an error in place of the table is raised."""

    def __init__(self, table: Mapping[str, Sequence[float]] | Exception) -> None:
        self._table = table

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        if isinstance(self._table, Exception):
            raise self._table
        return [self._table[text] for text in texts]


class FakeTools:
    """Judges and embedders by the id of their spec; the empty id is the default."""

    allow_python = False

    def __init__(self, judges: Mapping[str, FakeJudge], embedders: Mapping[str, FakeEmbedder]) -> None:
        self._judges, self._embedders = judges, embedders

    def judge(self, spec: ProviderSpec | None) -> Judge:
        name = spec.id if spec else ""
        if name not in self._judges:
            raise InvalidInput.of("provider", f"{name} is not known", reason="PROVIDER_UNKNOWN")
        return self._judges[name]

    def embedder(self, spec: ProviderSpec | None) -> Embedder:
        return self._embedders[spec.id if spec else ""]

    def file(self, name: str) -> bytes:
        raise InvalidInput.of("file", f"{name} did not come along", reason="FILE_MISSING")


def grading(
    type: str = "llm-rubric",
    value: JSON = "names the product",
    output: str = "Aurora Trail 2: light.",
    *,
    judge: FakeJudge | None = None,
    judges: Mapping[str, FakeJudge] | None = None,
    embedders: Mapping[str, FakeEmbedder] | None = None,
    vars: Mapping[str, JSON] | None = None,
    options: Mapping[str, JSON] | None = None,
    answer: Answer | None = None,
    prompt: str = "Write an ad.",
    **assertion: Any,
) -> Grading:
    """One output to be graded by the judge given."""
    tools = FakeTools({**({"": judge} if judge else {}), **(judges or {})}, embedders or {})
    return Grading(
        Assertion(type, value, **assertion),
        output,
        output,
        answer or Answer(output),
        Case(0, vars=vars or {}, options=options or {}),
        vars or {},
        prompt,
        tools,
    )


def verdict(passed: bool, score: float, reason: str = "because") -> dict[str, JSON]:
    """What a judge of llm-rubric answers."""
    return {"reason": reason, "pass": passed, "score": score}
