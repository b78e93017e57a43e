"""`platform-policy`: wording that a platform's editorial rules turn down. The rules, with their sources, are data.

They find what a text alone shows. A platform looks at more, and its people judge: to pass here is not to be approved.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import yaml

from adwright_checks import AdText, Subject
from adwright_evaluator.model import JSON, Grading, Scorer, Verdict

from .common import clipped, wrong

__all__ = ["SCORERS"]


@dataclass(frozen=True, slots=True)
class _Rule:
    id: str
    platforms: frozenset[str]
    fields: frozenset[str]
    pattern: re.Pattern[str]
    message: str
    names: bool
    source: str

    def found(self, text: AdText, names: Collection[str]) -> str:
        """What is wrong with a text of the ad; empty: nothing."""
        if self.fields and text.path.partition("[")[0] not in self.fields:
            return ""
        for match in self.pattern.finditer(text.text):
            if not self.names or match[0] not in names:
                return match[0]
        return ""


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
            bool(each.get("names", False)),
            each["source"],
        )
        for each in loaded
    )


def _platform_policy(grading: Grading) -> Verdict:
    """`value` names the platform (`google-ads`), without one it is the format's; `config.ignore` lists rules to skip.

    The score is the share of the ad's texts with which nothing is wrong.
    """
    subject, value = grading.answer.subject, grading.assertion.value
    platform = str(value) if value else subject.format.platform if subject else ""
    known = sorted({name for rule in _rules() for name in rule.platforms})
    if platform not in known:
        if value:
            raise wrong(grading, f"there are no rules for the platform {platform!r}: there are {', '.join(known)}")
        return Verdict.not_applicable(f"There are no rules for {platform or 'a text without a platform'}.")
    ignored = grading.assertion.config.get("ignore")
    skipped = {str(each) for each in ignored} if isinstance(ignored, list) else set()
    rules = [rule for rule in _rules() if platform in rule.platforms and rule.id not in skipped]
    texts = subject.fields if subject else (AdText("text", grading.text),)
    names = _names(subject)
    wrongs = [(text.path, rule, match) for text in texts for rule in rules if (match := rule.found(text, names))]
    reasons = [f"{path}: {rule.message} (“{clipped(match, 30)}”)" for path, rule, match in wrongs]
    share = 1 - len({path for path, _, _ in wrongs}) / max(1, len(texts))
    about: list[JSON] = [{"path": path, "rule": rule.id, "source": rule.source} for path, rule, _ in wrongs]
    reason = f"{'; '.join(reasons)}." if reasons else "No rule of the platform is broken."
    return Verdict(not wrongs, share, reason, metadata={"findings": about})


def _names(subject: Subject | None) -> frozenset[str]:
    """Words of the names of the brand and its products, which may be written as they are."""
    if subject is None:
        return frozenset()
    named = [name for product in subject.products for name in product.all_names]
    if subject.brand:
        named.append(subject.brand.display_name)
    return frozenset(word for name in named for word in name.split())


SCORERS: Final[Mapping[str, Scorer]] = {"platform-policy": _platform_policy}
