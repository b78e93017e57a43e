"""`factuality`: how the facts of the output stand to those of a reference, in the five categories of OpenAI's evals.

What a category is worth can be set in `config.factuality` or the case's options, as in promptfoo: `subset`, `superset`,
`agree`, `disagree`, `differButFactual`. Without it a contradiction is worth 0 and everything else 1.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..model import JSON, Grading, Verdict
from .llm_rubric import custom_rubric
from .panel import model_graded
from .verdicts import Session, criterion, setting, wrong

__all__ = ["factuality"]

_CATEGORIES = {
    "A": ("subset", 1.0, "says less than the reference"),
    "B": ("superset", 1.0, "says more than the reference"),
    "C": ("agree", 1.0, "says the same as the reference"),
    "D": ("disagree", 0.0, "contradicts the reference"),
    "E": ("differButFactual", 1.0, "differs in nothing that touches the facts"),
}


async def _factuality(grading: Grading, session: Session) -> Verdict:
    """Passes in every category that is worth more than nothing; the worth is the score."""
    worth = _worth(grading)
    material = {"input": grading.prompt, "ideal": criterion(grading), "completion": grading.text}
    answer = await session.ask("factuality/v1", {}, material, custom=custom_rubric(grading), variables=grading.vars)
    category = str(answer["category"])
    name, _, meaning = _CATEGORIES[category]
    about: dict[str, JSON] = {"category": category, "category_name": name}
    reason = f"{answer['reason']} (Category {category}: the output {meaning}.)"
    return Verdict(worth[category] > 0, worth[category], reason, metadata=about)


def _worth(grading: Grading) -> Mapping[str, float]:
    chosen = setting(grading, "factuality")
    names = {name: category for category, (name, _, _) in _CATEGORIES.items()}
    worth = {category: usual for category, (_, usual, _) in _CATEGORIES.items()}
    if chosen is None:
        return worth
    if not isinstance(chosen, Mapping) or not chosen.keys() <= names.keys():
        raise wrong(grading, "config.factuality", f"is an object with scores for {', '.join(names)}")
    for name, score in chosen.items():
        if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
            raise wrong(grading, f"config.factuality.{name}", "is a number from 0 to 1")
        worth[names[name]] = float(score)
    return worth


factuality = model_graded(_factuality)
