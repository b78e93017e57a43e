"""The judge that `options.provider` names for all of a case's assertions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from adwright_evaluator.model import Assertion, AssertionSet, Case, Place, ProviderSpec

from .values import provider_of

__all__ = ["judge_of", "with_judge"]


def judge_of(given: Any, place: Place) -> tuple[ProviderSpec | None, ProviderSpec | None]:
    """The model that grades, and the one that makes vectors, of `id`, `{id: …}` or `{text: …, embedding: …}`."""
    if isinstance(given, Mapping) and "id" not in given and ("text" in given or "embedding" in given):
        text, embedding = given.get("text"), given.get("embedding")
        return (
            None if text is None else provider_of(text, place),
            None if embedding is None else provider_of(embedding, place),
        )
    return provider_of(given, place), None


def with_judge(case: Case) -> Case:
    """The case with the judge of its options where an assertion names none."""
    # Not at the top: assertions run JavaScript, and so need this package.
    from adwright_evaluator.assertions import JUDGED

    judge, embedder = judge_of(case.options["provider"], case.place)

    def judged(assertion: Assertion) -> Assertion:
        spec = judge if assertion.type in JUDGED else embedder if assertion.type.startswith("similar") else None
        return assertion if spec is None or assertion.provider is not None else replace(assertion, provider=spec)

    return replace(
        case,
        assertions=tuple(
            replace(each, assertions=tuple(map(judged, each.assertions)))
            if isinstance(each, AssertionSet)
            else judged(each)
            for each in case.assertions
        ),
    )
