"""What the TGI double says: words derived from the prompt, and any text that a grammar asks for."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import cycle
from re import _constants, _parser
from typing import Any

import regex

from .fake_text import made_up

__all__ = ["fitting", "matches", "rest_of", "said", "split_prompt", "tokens_of"]

# Where the answer begins in the templates of `chat_templates/`.
_GENERATION_PROMPTS = (
    "<|start_header_id|>assistant<|end_header_id|>\n\n",
    "<|im_start|>assistant\n",
    "<start_of_turn>model\n",
    "[/INST]",
)
_LETTERS = "etaoinshrdlucmfwypvbgkjqxz 0123456789"


def split_prompt(prompt: str) -> tuple[str, str]:
    """The conversation, and what of the answer is there already."""
    ends = [at + len(marker) for marker in _GENERATION_PROMPTS if (at := prompt.rfind(marker)) >= 0]
    end = max(ends, default=len(prompt))
    return prompt[:end], prompt[end:]


def said(conversation: str, seed: int | None, schema: Mapping[str, Any] | None, length: int) -> str:
    """The whole answer. Depends on nothing else, so every double says the same."""
    return made_up(json.dumps([conversation, seed]), schema, length=length)


def rest_of(text: str, prefix: str) -> str:
    """What of the answer is still to be said; all of it when it does not begin like that."""
    return text.removeprefix(prefix)


def matches(pattern: str, text: str) -> bool:
    """Whether the whole text matches. Raises ValueError when the pattern is none."""
    try:
        return regex.fullmatch(pattern, text, timeout=5) is not None
    except regex.error as error:
        raise ValueError(str(error)) from error


def fitting(pattern: str) -> str:
    """Some text that matches the pattern: the first branch, the middle length, letters where they fit.

    Raises ValueError for patterns with more than the grammars of model servers have.
    """
    try:
        return "".join(_some(_parser.parse(pattern)))
    except re.error as error:
        raise ValueError(str(error)) from error


def _some(parsed: Iterable[tuple[Any, Any]]) -> Iterable[str]:
    for kind, value in parsed:
        match str(kind):
            case "LITERAL":
                yield chr(value)
            case "NOT_LITERAL":
                yield next(letter for letter in _LETTERS if ord(letter) != value)
            case "ANY":
                yield _LETTERS[0]
            case "IN":
                yield _member(value)
            case "BRANCH":
                yield from _some(value[1][0])
            case "SUBPATTERN":
                yield from _some(value[-1])
            case "MAX_REPEAT" | "MIN_REPEAT":
                least, most, what = value
                most = least + 8 if most == _constants.MAXREPEAT else most
                for _ in range((least + most + 1) // 2 if most > 1 else least):
                    yield from _some(what)
            case "AT":
                pass
            case other:
                raise ValueError(f"{other} in a pattern is not supported")


def _member(options: Sequence[tuple[Any, Any]]) -> str:
    negated = str(options[0][0]) == "NEGATE"
    pattern_options = options[1:] if negated else options

    def within(letter: str) -> bool:
        for kind, value in pattern_options:
            match str(kind):
                case "LITERAL" if ord(letter) == value:
                    return True
                case "RANGE" if value[0] <= ord(letter) <= value[1]:
                    return True
                case "CATEGORY" if _in_category(letter, str(value)):
                    return True
        return False

    every = _LETTERS + "".join(map(chr, range(32, 127)))
    for letter in every:
        if within(letter) != negated:
            return letter
    raise ValueError("a class in a pattern has no printable member")


def _in_category(letter: str, category: str) -> bool:
    name = category.removeprefix("CATEGORY_").removeprefix("NOT_")
    found = {"DIGIT": letter.isdigit(), "SPACE": letter.isspace(), "WORD": letter.isalnum() or letter == "_"}[name]
    return found != ("_NOT_" in category)


@lru_cache(maxsize=256)
def tokens_of(text: str, sizes: tuple[int, ...]) -> tuple[str, ...]:
    """The text in pieces of so many characters, over and over.

    Before a piece that ends with a character of three bytes or more comes an empty one, as when TGI has only half of
    the character yet.
    """
    if not any(size > 0 for size in sizes):
        raise ValueError("sizes of tokens need one above 0")
    tokens: list[str] = []
    start = 0
    for size in cycle(sizes):
        if start >= len(text):
            return tuple(tokens)
        piece = text[start : start + size]
        if piece and piece[-1] > "\u07ff":
            tokens.append("")
        tokens.append(piece)
        start += size
    raise AssertionError("cycle ends only when sizes is empty")
