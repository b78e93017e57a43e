"""How hard the words and sentences are, by Björnsson's LIX.

LIX = words / sentences + 100 * long words / words, long meaning more than six letters. C. H. Björnsson, Läsbarhet
(1968), and Readability of Newspapers in 11 Languages, Reading Research Quarterly 18 (1983), 480-497, which is where
the languages below come from. Finnish is among the eleven, but its words are so long that the scale of the others
does not hold for it. No other formula is used, because the others count syllables, and syllables need a pronouncing
dictionary: the libraries that offer them fetch one at run time.
"""

import re

from adwright_checks import Finding, Outcome, Subject

__all__ = ["Readability", "lix"]

_LANGUAGES = frozenset({"da", "de", "en", "es", "fr", "it", "nb", "nn", "no", "pt", "ru", "sv"})
_FEWEST_WORDS = 10
"""Below this one long word moves LIX by more than a class of difficulty."""
_EASY = 30.0
_VERY_HARD = 60.0
"""Björnsson's classes: below 30 very easy, 30 easy, 40 medium, 50 hard, from 60 very hard."""
_CLASSES = ((30.0, "very easy"), (40.0, "easy"), (50.0, "medium"), (60.0, "hard"))

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_SENTENCE_END = re.compile(r"[.!?…:]+(?:\s|$)")


class Readability:
    """The ad as a whole is easy enough to read at a glance."""

    name = "readability"
    description = "The ad is easy to read: Björnsson's LIX is below 60."
    required = False

    def __call__(self, subject: Subject) -> list[Finding]:
        """One finding about the whole ad; NOT_APPLICABLE in other languages and below ten words."""
        language = subject.effective_language.split("-")[0].lower()
        if language not in _LANGUAGES:
            known = "The language is not known" if not language else f"LIX is not defined for {language}"
            return [self._finding(Outcome.NOT_APPLICABLE, None, f"{known}.")]
        texts = [text.text for text in subject.fields]
        words = sum(len(_WORD.findall(text)) for text in texts)
        if words < _FEWEST_WORDS:
            message = f"{words} words are too few to tell; {_FEWEST_WORDS} are needed."
            return [self._finding(Outcome.NOT_APPLICABLE, None, message)]
        value = lix(texts)
        score = min(1.0, max(0.0, (_VERY_HARD - value) / (_VERY_HARD - _EASY)))
        outcome = Outcome.PASSED if value < _VERY_HARD else Outcome.FAILED
        kind = next((name for limit, name in _CLASSES if value < limit), "very hard")
        advice = "" if outcome is Outcome.PASSED else ": use shorter words and sentences"
        return [self._finding(outcome, round(score, 3), f"LIX is {value:.0f}, {kind}{advice}.")]

    def _finding(self, outcome: Outcome, score: float | None, message: str) -> Finding:
        return Finding(self.name, "", outcome, score, message, self.required)


def lix(texts: list[str]) -> float:
    """LIX of texts that each begin a new sentence; 0 without words."""
    words = [word for text in texts for word in _WORD.findall(text)]
    if not words:
        return 0.0
    sentences = sum(_sentences(text) for text in texts)
    long_words = sum(len(word) > 6 for word in words)
    return len(words) / sentences + 100 * long_words / len(words)


def _sentences(text: str) -> int:
    """How many parts of `text` between sentence ends hold a word."""
    return sum(1 for part in _SENTENCE_END.split(text) if _WORD.search(part))
