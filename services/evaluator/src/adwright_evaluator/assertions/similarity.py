"""How near the output is to a reference: rouge-n, bleu, gleu, meteor, chrF, TER, Levenshtein."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from adwright_evaluator.model import Grading, Scorer, Verdict

from .common import holds, text_value, texts_value

__all__ = ["SCORERS"]

_WORD: Final = re.compile(r"\w+")
_THRESHOLDS: Final = {"rouge-n": 0.75, "bleu": 0.5, "gleu": 0.5, "meteor": 0.5, "chrf": 0.5}
"""promptfoo's, where it has the type."""


def _score(measure: Callable[[str, list[str]], float], name: str, grading: Grading) -> Verdict:
    value = grading.assertion.value
    references = [text_value(grading)] if isinstance(value, str) else texts_value(grading)
    score = measure(grading.text, references)
    threshold = grading.assertion.threshold
    least = _THRESHOLDS[name] if threshold is None else threshold
    return holds(score >= least, f"{name} is {score:.2f}, below {least:g}.", score)


def rouge_n(output: str, reference: str, n: int = 1) -> float:
    """ROUGE-N as Lin (2004) defines it, as F1 of the n-grams of lower-case words."""
    ours, theirs = _ngrams(output, n), _ngrams(reference, n)
    shared = sum((ours & theirs).values())
    if not shared:
        return 0.0
    precision, recall = shared / sum(ours.values()), shared / sum(theirs.values())
    return 2 * precision * recall / (precision + recall)


def _ngrams(text: str, n: int) -> Counter[tuple[str, ...]]:
    words = _WORD.findall(text.lower())
    return Counter(zip(*(words[start:] for start in range(n)), strict=False))


def _rouge(output: str, references: list[str]) -> float:
    return max(rouge_n(output, each) for each in references)


def _bleu(output: str, references: list[str]) -> float:
    from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

    smooth = SmoothingFunction().method1
    return float(sentence_bleu([_words(each) for each in references], _words(output), smoothing_function=smooth))


def _gleu(output: str, references: list[str]) -> float:
    from nltk.translate.gleu_score import sentence_gleu

    return float(sentence_gleu([_words(each) for each in references], _words(output)))


def _words(text: str) -> list[str]:
    return text.lower().split()


class _NoSynonyms:
    """METEOR without WordNet, which is not shipped: words match by themselves and by their stems."""

    def synsets(self, word: str) -> list[Any]:
        return []


def _meteor(output: str, references: list[str]) -> float:
    from nltk.translate.meteor_score import meteor_score

    tokens = [_WORD.findall(each.lower()) for each in references]
    return float(meteor_score(tokens, _WORD.findall(output.lower()), wordnet=_NoSynonyms()))


def _chrf(output: str, references: list[str]) -> float:
    from sacrebleu import sentence_chrf

    return float(sentence_chrf(output, references).score) / 100


def _ter(grading: Grading) -> Verdict:
    """Translation edit rate: less is nearer, so the threshold is the most that passes."""
    from sacrebleu import sentence_ter

    value = grading.assertion.value
    references = [text_value(grading)] if isinstance(value, str) else texts_value(grading)
    rate = float(sentence_ter(grading.text, references).score) / 100
    most = 0.5 if grading.assertion.threshold is None else grading.assertion.threshold
    return holds(rate <= most, f"TER is {rate:.2f}, above {most:g}.", max(0.0, 1.0 - rate))


def _levenshtein(grading: Grading) -> Verdict:
    from rapidfuzz.distance import Levenshtein

    distance = Levenshtein.distance(grading.text, text_value(grading))
    most = 5 if grading.assertion.threshold is None else grading.assertion.threshold
    return holds(distance <= most, f"{distance} characters differ, more than {most:g}.")


SCORERS: Final[Mapping[str, Scorer]] = {
    "rouge-n": partial(_score, _rouge, "rouge-n"),
    "bleu": partial(_score, _bleu, "bleu"),
    "gleu": partial(_score, _gleu, "gleu"),
    "meteor": partial(_score, _meteor, "meteor"),
    "chrf": partial(_score, _chrf, "chrf"),
    "ter": _ter,
    "levenshtein": _levenshtein,
}
