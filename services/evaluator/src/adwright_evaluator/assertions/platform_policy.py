"""`platform-policy`: wording that a platform's editorial rules turn down. The rules, with their sources, are data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import yaml

from adwright_checks import AdText
from adwright_evaluator.model import Grading, Scorer, Verdict

from .common import clipped, holds

__all__ = ["SCORERS"]


@dataclass(frozen=True, slots=True)
class _Rule:
    id: str
    platforms: frozenset[str]
    fields: frozenset[str]
    pattern: re.Pattern[str]
    message: str


@cache
def _rules() -> tuple[_Rule, ...]:
    text = files("adwright_evaluator.assertions").joinpath("policies.yaml").read_text(encoding="utf-8")
    loaded: list[dict[str, Any]] = yaml.safe_load(text)
    return tuple(
        _Rule(
            each["id"],
            frozenset(each["platforms"]),
            frozenset(each.get("fields", ())),
            re.compile(each["pattern"]),
            each["message"],
        )
        for each in loaded
    )


def _platform_policy(grading: Grading) -> Verdict:
    """`value` names the platform; without one it is that of the ad's format."""
    subject = grading.answer.subject
    value = grading.assertion.value
    platform = str(value) if value else subject.format.platform if subject else ""
    platform = platform.lower().split()[0] if platform else ""
    rules = [rule for rule in _rules() if platform in rule.platforms]
    if not rules:
        known = ", ".join(sorted({name for rule in _rules() for name in rule.platforms}))
        return Verdict.not_applicable(
            f"There are no rules for {platform or 'a text without platform'}: there are {known}."
        )
    texts = subject.fields if subject else (AdText("text", grading.text),)
    found = [
        f"{text.path}: {rule.message} (“{clipped(match[0], 30)}”)"
        for text in texts
        for rule in rules
        if (not rule.fields or text.path.partition("[")[0] in rule.fields) and (match := rule.pattern.search(text.text))
    ]
    return holds(not found, f"{'; '.join(found)}.", 1 - min(1.0, len(found) / max(1, len(texts))))


SCORERS: Final[Mapping[str, Scorer]] = {"platform-policy": _platform_policy}
