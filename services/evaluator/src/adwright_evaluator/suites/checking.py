"""What can be known of a suite before it is run is told before it is run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from rapidfuzz import process

from adwright_evaluator.model import JSON, Assertion, AssertionSet, Case, Place, Prompt, ProviderSpec, Suite
from adwright_servicekit.errors import InvalidInput

from .prompts import render_prompt
from .templates import is_template, render_value, variables

__all__ = ["checked"]

_NEED_VALUES: Final = frozenset(
    (
        *("contains", "icontains", "contains-all", "contains-any", "icontains-all", "icontains-any", "starts-with"),
        *("regex", "similar", "similar:cosine", "similar:dot", "similar:euclidean", "rouge-n", "bleu", "gleu"),
        *("meteor", "levenshtein", "chrf", "ter", "javascript", "python", "factuality", "closed-qa", "g-eval"),
    )
)
_MOST_EXPRESSIONS: Final = 2000
"""Regular expressions that are tried: each takes some time to compile."""


def checked(suite: Suite) -> Suite:
    """The suite, with names of prompts and providers as those have them. Raises InvalidInput with the place."""
    suite = replace(
        suite,
        providers=tuple(
            replace(each, prompts=_meant(each.prompts, suite.prompts, "prompt", each.place)) if each.prompts else each
            for each in suite.providers
        ),
        cases=tuple(
            replace(
                case,
                providers=_meant(case.providers, suite.providers, "provider", case.place),
                prompts=_meant(case.prompts, suite.prompts, "prompt", case.place),
            )
            if case.providers or case.prompts
            else case
            for case in suite.cases
        ),
    )
    _check_prompts(suite)
    assertions = _Assertions()
    for case in suite.cases:
        for each in case.assertions:
            assertions.check(each, case)
    return suite


def _meant(names: tuple[str, ...], there: Sequence[Prompt | ProviderSpec], what: str, place: Place) -> tuple[str, ...]:
    """The labels that names mean: an id, a label, the part of one before a colon, or its beginning with `*`."""
    found: list[str] = []
    for name in names:
        begin = name.removesuffix("*") if name.endswith("*") else f"{name}:"
        labels = [
            each.label
            for each in there
            if name in (each.id, each.label) or any(known.startswith(begin) for known in (each.id, each.label))
        ]
        if not labels:
            nearest = process.extractOne(name, [each.label for each in there], score_cutoff=60)
            hint = f"did you mean {nearest[0]}?" if nearest else f"there are {', '.join(each.label for each in there)}"
            raise InvalidInput.of(
                str(place), f"the suite has no {what} {name!r}: {hint}"[:500], reason=f"UNKNOWN_{what.upper()}"
            )
        found += labels
    return tuple(dict.fromkeys(found))


def _check_prompts(suite: Suite) -> None:
    """What a prompt asks for and a case does not have is told now, and not by every cell."""
    needed = [(prompt, variables(prompt.template)) for prompt in suite.prompts]
    for case in suite.cases:
        for prompt, names in needed:
            if names <= case.vars.keys() or (case.prompts and not {prompt.id, prompt.label} & set(case.prompts)):
                continue
            try:
                render_prompt(prompt, case.vars, case.options)
            except InvalidInput as error:
                what = error.violations[0].description
                raise InvalidInput.of(
                    str(case.place), f"prompt {prompt.label!r} ({prompt.place}): {what}", reason=error.reason
                ) from None


class _Assertions:
    """Those of many cases are the same ones: each is looked at once, apart from its variables."""

    def __init__(self) -> None:
        self._needed: dict[int, frozenset[str]] = {}
        self._kept: list[Assertion] = []
        self._expressions: set[str] = set()

    def check(self, given: Assertion | AssertionSet, case: Case) -> None:
        """Raises InvalidInput."""
        if isinstance(given, AssertionSet):
            for each in given.assertions:
                self.check(each, case)
            return
        value = given.value
        if isinstance(value, str) and value and "{" not in value and "{" not in given.metric and given.type != "regex":
            # Most are plain texts.
            return
        names = self._needed.get(id(given))
        if names is None:
            names = self._needed[id(given)] = self._looked_at(given)
            # What is alive keeps its identity.
            self._kept.append(given)
        if not names <= case.vars.keys():
            try:
                for text in _texts([given.value, given.metric]):
                    render_value(text, case.vars)
            except InvalidInput as error:
                what = error.violations[0].description
                raise InvalidInput.of(
                    str(case.place), f"assertion {given.name} ({given.place}): {what}", reason=error.reason
                ) from None

    def _looked_at(self, given: Assertion) -> frozenset[str]:
        """The variables that it asks for."""
        if given.value in (None, "", []) and given.type in _NEED_VALUES and not given.rubric_prompt:
            raise InvalidInput.of(str(given.place), f"{given.name} must have a `value`", reason="ASSERTION_INVALID")
        try:
            names = frozenset[str]().union(*(variables(text) for text in _texts([given.value, given.metric])))
        except InvalidInput as error:
            what = error.violations[0].description
            raise InvalidInput.of(str(given.place), f"`value` of {given.name} {what}", reason=error.reason) from None
        if given.type == "regex" and isinstance(given.value, str) and not is_template(given.value):
            self._expression(given.value, given)
        return names

    def _expression(self, text: str, given: Assertion) -> None:
        # Not at the top: assertions run JavaScript, and so need this package.
        from adwright_evaluator.assertions.pattern import problem_of

        if text not in self._expressions and len(self._expressions) < _MOST_EXPRESSIONS:
            self._expressions.add(text)
            if problem := problem_of(text):
                raise InvalidInput.of(
                    str(given.place), f"`value` is no regular expression: {problem}", reason="ASSERTION_INVALID"
                )


def _texts(value: JSON) -> Iterator[str]:
    """The templates in a value."""
    if isinstance(value, str):
        if is_template(value):
            yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)
