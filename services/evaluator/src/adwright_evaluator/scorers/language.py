"""Is the ad in the language that was asked for?

The detector is py3langid. On 49 ad texts of two to eight words in en, de, sv, nb, da, fi, fr, es, it, nl and ja it
knew 47 single texts and all 11 ads, loaded in 0.6 s and took 95 MB and 0.04 ms a text. lingua knew 48 and 11, but
took 1.7 s at the first call, 280 MB, 96 MB of disk, and more for every further language; its low-accuracy mode took
20 MB, but missed 4 and did not know kanji. Loaded at the first call that needs it.
"""

import re
from collections.abc import Callable
from copy import copy
from functools import lru_cache
from threading import Lock
from typing import Protocol

from adwright_checks import AdText, Finding, Outcome, Subject
from adwright_checks.normalise import phrase_pattern

__all__ = ["Detector", "Language", "load_detector"]

_CANDIDATES = """
ar bg ca cs da de el en es et fi fr he hi hr hu id it ja ko lt lv ms nl no pl pt ro ru sk sl sr sv th tr uk vi zh
"""
"""Languages that ads are likely to be in: a short text is easily taken for Luganda when Luganda is an option."""
_SAME = {"nb": "no", "nn": "no", "iw": "he", "in": "id", "cmn": "zh", "yue": "zh"}
"""Tags that the detector calls by another name. It tells Bokmål and Nynorsk apart too poorly on short texts."""

_SURE = 0.6
"""Probability from which another language is said to be the one of the whole ad."""
_STILL_POSSIBLE = 0.2
"""Probability from which the language asked for is not ruled out: Danish and Norwegian share half of their words."""
_VERY_SURE = 0.9
_RULED_OUT = 0.05
"""The same for one text of the ad, which is shorter."""
_FEWEST_LETTERS = 12
_FEWEST_LETTERS_OF_ONE_TEXT = 20
_UNSPACED = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_LETTER = re.compile(r"[^\W\d_]")


class Detector(Protocol):
    """Probabilities of languages for a text."""

    @property
    def labels(self) -> list[str]:
        """Languages it knows, ISO 639 codes."""
        ...

    def set_languages(self, langs: list[str] | None = None) -> None:
        """Restricts it to `langs`."""
        ...

    def rank(self, text: str) -> list[tuple[str, float]]:
        """Languages and their probabilities, which sum to 1, the likeliest first."""
        ...


def load_detector() -> Detector:
    """py3langid with the model that it ships; takes 0.6 s and 95 MB, numpy included."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # type: ignore[import-untyped]

    detector: Detector = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    return detector


class Language:
    """The ad as a whole, and each longer text of it, is in the language asked for.

    Not required: a detector can be wrong about a few words, and an ad must not be refused for that.
    """

    name = "language"
    description = "The ad is in the language that was asked for."
    required = False

    def __init__(self, load: Callable[[], Detector] = load_detector) -> None:
        """`load` is called once, by the first ad that needs it."""
        self._load = load
        self._lock = Lock()
        self._model: Detector | None = None
        self._restricted: dict[str, Detector] = {}
        self._names = lru_cache(maxsize=256)(_names_pattern)

    def __call__(self, subject: Subject) -> list[Finding]:
        """One FAILED finding for each text in another language, or one about the whole ad.

        NOT_APPLICABLE when no language is asked for, when the detector does not know it, or when the ad is too short
        to tell.
        """
        tag = subject.effective_language
        if not tag:
            return [self._finding("", Outcome.NOT_APPLICABLE, None, "No language was asked for.")]
        wanted = _SAME.get(primary := tag.split("-")[0].lower(), primary)
        detector = self._detector(wanted)
        if detector is None:
            message = f"The detector does not know {tag}."
            return [self._finding("", Outcome.NOT_APPLICABLE, None, message)]
        texts = [AdText(text.path, self._without_names(text.text, subject)) for text in subject.fields]
        whole = "\n".join(text.text for text in texts)
        if _letters(whole) < _FEWEST_LETTERS:
            message = "The ad has too few words, names left out, to tell its language."
            return [self._finding("", Outcome.NOT_APPLICABLE, None, message)]
        return self._of_texts(texts, tag, wanted, detector) or [self._of_whole(whole, tag, wanted, detector)]

    def _of_texts(self, texts: list[AdText], tag: str, wanted: str, detector: Detector) -> list[Finding]:
        findings = []
        for text in texts:
            if _letters(text.text) < _FEWEST_LETTERS_OF_ONE_TEXT:
                continue
            found, probability, wanted_probability = _rank(detector, text.text, wanted)
            if found != wanted and probability >= _VERY_SURE and wanted_probability < _RULED_OUT:
                message = f"{text.path} is in {found}, not in {tag}."
                score = round(wanted_probability, 3)
                findings.append(self._finding(text.path, Outcome.FAILED, score, message))
        return findings

    def _of_whole(self, whole: str, tag: str, wanted: str, detector: Detector) -> Finding:
        found, probability, wanted_probability = _rank(detector, whole, wanted)
        if wanted_probability >= _STILL_POSSIBLE or found == wanted:
            score = round(wanted_probability / probability, 3)
            return self._finding("", Outcome.PASSED, score, f"The ad reads like {tag}.")
        if probability < _SURE:
            return self._finding("", Outcome.NOT_APPLICABLE, None, "The ad is too short to tell its language.")
        message = f"The ad is in {found}, not in {tag}."
        return self._finding("", Outcome.FAILED, round(wanted_probability, 3), message)

    def _without_names(self, text: str, subject: Subject) -> str:
        """An English brand name makes no Swedish ad English."""
        names = [subject.brand.display_name] if subject.brand else []
        names += [name for product in subject.products for name in product.all_names]
        return self._names(tuple(names)).sub(" ", text)

    def _detector(self, wanted: str) -> Detector | None:
        """A detector for which `wanted` is an option, None when it knows no such language."""
        candidates = _CANDIDATES.split()
        key = "" if wanted in candidates else wanted
        with self._lock:
            if self._model is None:
                self._model = self._load()
            if key and key not in self._model.labels:
                return None
            if key not in self._restricted:
                # A shallow copy: the tables of the model are shared, and never written to.
                detector = copy(self._model)
                detector.set_languages([*candidates, key] if key else candidates)
                self._restricted[key] = detector
            return self._restricted[key]

    def _finding(self, path: str, outcome: Outcome, score: float | None, message: str) -> Finding:
        return Finding(self.name, path, outcome, score, message, self.required)


def _rank(detector: Detector, text: str, wanted: str) -> tuple[str, float, float]:
    """The likeliest language, its probability, and that of `wanted`."""
    ranked = detector.rank(text)
    return *ranked[0], dict(ranked)[wanted]


def _letters(text: str) -> int:
    """Letters, three for each of a script that writes a syllable or a word with one."""
    return len(_LETTER.findall(text)) + 2 * len(_UNSPACED.findall(text))


def _names_pattern(names: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(phrase_pattern(name) for name in names) or "(?!)", re.IGNORECASE)
