"""Asking a judge and making a verdict of what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from adwright_servicekit.errors import AdwrightError, InvalidInput

from ..model import JSON, Completion, Grading, Judge, Usage, Verdict
from .answers import Unreadable, clipped, read_answer
from .custom_prompts import custom_prompt
from .material import Material
from .prompt_files import Asked, prompt_file

__all__ = ["JudgeFailed", "Session", "compared", "criterion", "setting", "wrong"]

_ROUNDING = 2.0**-40
"""Means of fractions may fall this far below a threshold that they reach."""


class JudgeFailed(Exception):
    """A judge gave no verdict; the message is the reason of `Verdict.failed`."""


class Session:
    """Asks one judge for one verdict and adds up what that takes."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.usage = Usage()
        self.cost_usd = 0.0
        self.model = ""
        """The model that answered last; empty where the judge does not tell."""
        self.prompts: list[str] = []
        """Names of the prompts asked, each once."""

    async def ask(
        self,
        name: str,
        trusted: Mapping[str, JSON],
        material: Mapping[str, Material],
        *,
        custom: JSON = None,
        variables: Mapping[str, JSON] | None = None,
        max_tokens: int = 1024,
        seed: int | None = None,
    ) -> Mapping[str, JSON]:
        """The judge's answer to the prompt file `name`, an object that fits the file's schema.

        `custom` are messages of a suite to be sent in place of the file's, filled in with `variables` too. An answer
        that cannot be read is sent back once, with what is wrong. Raises JudgeFailed; InvalidInput for a wrong
        `custom`.
        """
        file = prompt_file(name)
        if custom is None:
            asked = file.fill(trusted, material)
        else:
            asked = custom_prompt(custom, {**(variables or {}), **trusted}, material, file.schema)
        if asked.name not in self.prompts:
            self.prompts.append(asked.name)
        first = await self._complete(asked, asked.messages, max_tokens, seed)
        try:
            return read_answer(first.text, asked.schema, asked.material)
        except Unreadable as error:
            again = _repair(asked, first.text, error)
        second = await self._complete(asked, again, max_tokens, seed)
        try:
            return read_answer(second.text, asked.schema, asked.material)
        except Unreadable as error:
            raise JudgeFailed(_complaint(second.text, error)) from None

    def conclude(self, verdict: Verdict) -> Verdict:
        """`verdict` with what judging took, and who judged with which prompts."""
        about: dict[str, JSON] = {"judge": self.judge.id, "judge_model": self.model, "rubric_prompts": self.prompts}
        return replace(verdict, usage=self.usage, cost_usd=self.cost_usd, metadata={**about, **verdict.metadata})

    async def _complete(
        self, asked: Asked, messages: tuple[Mapping[str, str], ...], max_tokens: int, seed: int | None
    ) -> Completion:
        try:
            completion = await self.judge.complete(messages, json_schema=asked.schema, max_tokens=max_tokens, seed=seed)
        except AdwrightError as error:
            raise JudgeFailed(f"the judge {self.judge.id} did not answer: {error.message}") from error
        self.usage += completion.usage
        self.cost_usd += completion.cost_usd
        self.model = completion.model or self.model
        return completion


def compared(score: float, threshold: float, what: str) -> Verdict:
    """Passed when `score` reaches `threshold`; `what` begins the reason: `Context recall`."""
    passed = score >= threshold - _ROUNDING
    sign = "at least" if passed else "less than"
    return Verdict(passed, score, f"{what} is {score:.2f}, {sign} {threshold:g}.")


def criterion(grading: Grading) -> str:
    """The value of an assertion that has to be a text. Raises InvalidInput."""
    value = grading.assertion.value
    if not isinstance(value, str) or not value.strip():
        raise wrong(grading, "value", "is empty or no text; write what is expected of the output")
    return value


def setting(grading: Grading, key: str) -> JSON:
    """What the assertion's `config` says of `key`, else the `options` of its case; None where neither does."""
    own = grading.assertion.config.get(key)
    return own if own is not None else grading.case.options.get(key)


def wrong(grading: Grading, key: str, message: str, reason: str = "ASSERTION_INVALID") -> InvalidInput:
    """An error of the suite: the assertion's place and name, the key, what to do."""
    place = str(grading.assertion.place)
    where = f"{place + ': ' if place else ''}{grading.assertion.name}.{key}"
    return InvalidInput.of(where, message, reason=reason)


def _repair(asked: Asked, answer: str, error: Unreadable) -> tuple[Mapping[str, str], ...]:
    properties = asked.schema.get("properties")
    keys = ", ".join(f'"{key}"' for key in properties) if isinstance(properties, Mapping) else ""
    order = (
        f"That answer cannot be used: {error}. Answer once more, with nothing but one JSON object "
        f"that has {keys}. No code fences, no words around it."
    )
    return (
        *asked.messages,
        {"role": "assistant", "content": clipped(answer, 2000) or "…"},
        {"role": "user", "content": order},
    )


def _complaint(answer: str, error: Unreadable) -> str:
    if not answer.strip():
        return "the judge answered with nothing"
    if error.prose:
        return f"the judge answered in prose: {clipped(answer)}"
    return f"the judge's answer cannot be used: {error}; it said: {clipped(answer)}"
