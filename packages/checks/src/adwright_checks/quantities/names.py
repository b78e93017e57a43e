"""Names with numbers in them: the 2 of `Aurora Trail 2` says nothing of the product."""

import re
from collections.abc import Iterable

from adwright_checks.quantities.text import LATIN, prepare

__all__ = ["names_pattern"]

_LETTERS = f"{LATIN}0-9"
_WORD = re.compile(r"[^\s-]+")


def names_pattern(names: Iterable[str]) -> re.Pattern[str] | None:
    """Finds the names, and parts of them that hold a number and a word: `Trail 2`; None when no
    name has a number.

    Searches prepared text. A name that ends in a number is not found before a decimal or a per cent
    sign.
    """
    parts = {part for name in names for part in _parts(prepare(name))}
    if not parts:
        return None
    ordered = sorted(parts, key=lambda words: (-sum(map(len, words)), words))
    alternatives = "|".join(r"[\s-]+".join(map(re.escape, words)) for words in ordered)
    return re.compile(rf"(?<![{_LETTERS}])(?:{alternatives})(?![{_LETTERS}]|[.,]\d|\s?[%‰°])", re.IGNORECASE)


def _parts(name: str) -> Iterable[tuple[str, ...]]:
    words = _WORD.findall(name)
    if not any(map(_has_digit, words)):
        return
    yield tuple(words)
    for start in range(len(words)):
        for end in range(start + 2, len(words) + 1):
            part = words[start:end]
            # `2 490` is a number even where a name has both words.
            if any(map(_has_digit, part)) and any(word[0].isalpha() for word in part):
                yield tuple(part)


def _has_digit(word: str) -> bool:
    return any(character.isdigit() for character in word)
