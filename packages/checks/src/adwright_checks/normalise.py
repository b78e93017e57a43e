"""Text brought into one form before it is compared."""

import re
import unicodedata

__all__ = ["fold", "phrase_pattern", "strip_invisible"]

# Zero-width and formatting characters that hide a word from a comparison but not from a reader:
# soft hyphen, combining grapheme joiner, zero-width space and joiners, bidi marks, word joiner,
# variation selectors, BOM, tags.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]"
)
# Scripts written without spaces between words: a phrase may begin and end anywhere.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_UNSPACED_CHARACTER = re.compile(f"[{_UNSPACED}]")
_SPACES = re.compile(r"\s+")


def strip_invisible(text: str) -> str:
    """`text` without zero-width and formatting characters."""
    return text if text.isascii() else _INVISIBLE.sub("", text)


def fold(text: str) -> str:
    """`text` without invisible characters, compatibility forms, case and runs of white space."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", strip_invisible(text)).casefold()
        # Casefolding may leave text that is no longer normalised (Unicode, default caseless
        # matching).
        text = unicodedata.normalize("NFKC", text)
    else:
        text = text.casefold()
    return _SPACES.sub(" ", text).strip()


def phrase_pattern(phrase: str) -> str:
    """A regular expression that finds the folded `phrase` as whole words in folded text, any space
    between words.

    An edge that is a letter or digit must not touch another one, unless the script does without
    spaces. An apostrophe or hyphen ends a word: `Fjord` is found in `Fjord's` and in `Fjord-like`.
    """
    folded = fold(phrase)
    if not folded:
        return r"(?!)"
    body = r"\s+".join(re.escape(word) for word in folded.split(" "))
    return f"{_edge(folded[0], r'(?<!{})')}{body}{_edge(folded[-1], r'(?!{})')}"


def _edge(character: str, template: str) -> str:
    if not character.isalnum() or _UNSPACED_CHARACTER.match(character):
        return ""
    # Next to an unspaced script a Latin word is whole: `Fjordのテント`.
    return template.format(f"[^\\W_{_UNSPACED}]")
