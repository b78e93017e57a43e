"""How near the output is to a reference: rouge-n, bleu, gleu, meteor, chrF, TER, Levenshtein.

rouge-n and bleu are own code, because promptfoo counts otherwise than the libraries do: ROUGE over words as the Penn
Treebank cuts them (rouge-score keeps letters and digits only), BLEU without the lengths of runs that a short output
cannot have (nltk calls them 0), and with 1e-7 in place of 0.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, Final

from adwright_evaluator.model import Grading, Scorer, Verdict

from .common import holds, wrong

__all__ = ["SCORERS", "bleu", "rouge_n"]

_THRESHOLDS: Final = {"rouge-n": 0.75, "bleu": 0.5, "gleu": 0.5, "meteor": 0.5, "chrf": 0.5}
"""promptfoo's, where it has the type."""
_LONGEST_RUN: Final = 4
_NO_MATCH: Final = 1e-7


def _score(measure: Callable[[str, Sequence[str]], float], name: str, grading: Grading) -> Verdict:
    score = measure(grading.text, _references(grading))
    threshold = grading.assertion.threshold
    least = _THRESHOLDS[name] if threshold is None else threshold
    return holds(score >= least, f"{name} is {score:.2f}, below {least:g}.", score)


def _references(grading: Grading) -> Sequence[str]:
    value = grading.assertion.value
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list | tuple) and value and all(isinstance(each, str) for each in value):
        return tuple(str(each) for each in value)
    raise wrong(grading, "`value` must be the expected text, or a list of them")


def rouge_n(output: str, reference: str, n: int = 1) -> float:
    """ROUGE-N as Lin (2004) defines it, as F1 of the runs of `n` lower-case words."""
    ours, theirs = _runs(_treebank(output.lower()), n), _runs(_treebank(reference.lower()), n)
    shared = (ours & theirs).total()
    return 2 * shared / (ours.total() + theirs.total()) if shared else 0.0


def bleu(output: str, references: Sequence[str]) -> float:
    """BLEU of Papineni et al. (2002), 0 to 1, over runs of one to four lower-case words."""
    words = _words(output)
    lists = [_words(each) for each in references]
    if not words:
        return 0.0
    logs: list[float] = []
    for n in range(1, min(_LONGEST_RUN, len(words)) + 1):
        ours = _runs(words, n)
        matched = max((ours & _runs(each, n)).total() for each in lists)
        logs.append(math.log(matched / ours.total() or _NO_MATCH))
    nearest = min((len(each) for each in lists), key=lambda length: (abs(length - len(words)), length))
    penalty = 1.0 if len(words) > nearest else math.exp(1 - nearest / len(words))
    return penalty * math.exp(sum(logs) / len(logs))


def _runs(words: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(zip(*(words[start:] for start in range(n)), strict=False))


@lru_cache(maxsize=4096)
def _treebank(text: str) -> tuple[str, ...]:
    from nltk.tokenize.treebank import TreebankWordTokenizer

    return tuple(TreebankWordTokenizer().tokenize(text))


def _words(text: str) -> list[str]:
    return text.lower().split()


def _undotted(text: str) -> list[str]:
    return [word.rstrip(".") for word in _words(text)]


def _rouge(grading: Grading) -> Verdict:
    if not isinstance(grading.assertion.value, str):
        raise wrong(grading, "`value` must be the expected text")
    return _score(lambda output, references: rouge_n(output, references[0]), "rouge-n", grading)


def _gleu(output: str, references: Sequence[str]) -> float:
    from nltk.translate.gleu_score import sentence_gleu

    words = _undotted(output)
    return max(float(sentence_gleu([_undotted(each)], words)) for each in references) if any(words) else 0.0


class _NoSynonyms:
    """METEOR without WordNet, which is not shipped: words match by themselves and by their stems."""

    def synsets(self, word: str) -> list[Any]:
        return []


def _meteor(output: str, references: Sequence[str]) -> float:
    from nltk.translate.meteor_score import meteor_score

    words = _undotted(output)
    return float(meteor_score([_undotted(each) for each in references], words, wordnet=_NoSynonyms())) if words else 0.0


def _chrf(output: str, references: Sequence[str]) -> float:
    from sacrebleu import sentence_chrf

    return float(sentence_chrf(output, list(references)).score) / 100


def _ter(grading: Grading) -> Verdict:
    """Translation edit rate: less is nearer, so the threshold is the most that passes; the score is 1 minus it."""
    from sacrebleu import sentence_ter

    rate = float(sentence_ter(grading.text, list(_references(grading))).score) / 100
    most = 0.5 if grading.assertion.threshold is None else grading.assertion.threshold
    return holds(rate <= most, f"TER is {rate:.2f}, above {most:g}.", max(0.0, 1.0 - rate))


def _levenshtein(grading: Grading) -> Verdict:
    from rapidfuzz.distance import Levenshtein

    expected = grading.assertion.value
    if not isinstance(expected, str):
        raise wrong(grading, "`value` must be the expected text")
    distance = Levenshtein.distance(grading.text, expected)
    most = 5 if grading.assertion.threshold is None else grading.assertion.threshold
    return holds(distance <= most, f"{distance} characters differ, more than {most:g}.")


SCORERS: Final[Mapping[str, Scorer]] = {
    "rouge-n": _rouge,
    "bleu": partial(_score, bleu, "bleu"),
    "gleu": partial(_score, _gleu, "gleu"),
    "meteor": partial(_score, _meteor, "meteor"),
    "chrf": partial(_score, _chrf, "chrf"),
    "ter": _ter,
    "levenshtein": _levenshtein,
}
