"""Finding the numbers of a text, with their units."""

import re
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from adwright_checks.quantities.dates import find_dates, possible_dates
from adwright_checks.quantities.discounts import is_discount
from adwright_checks.quantities.mention import BARE, CURRENCY, VERSION, Mention, Quantity
from adwright_checks.quantities.numbers import LITERAL, POINT, groups_by_space, readings
from adwright_checks.quantities.suffixes import Measure, amount_after, measures_after, prefix_currency
from adwright_checks.quantities.text import LATIN, prepare
from adwright_checks.quantities.units import COUNT, PERCENT, Unit
from adwright_checks.quantities.words import number_words

__all__ = ["scan"]

# Repetitions are bounded where they could be tried from every position of a long text.
_TOKEN = re.compile(rf"[{LATIN}\d]{{1,64}}(?:[./:-][{LATIN}\d]{{1,64}}){{0,8}}")
_LINK = re.compile(
    r"(?:https?://|www\.)\S+"
    r"|(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}\.[\w.-]{2,190}"
    r"|(?<![\w.-])(?:[a-z][a-z0-9-]{0,62}\.){1,8}[a-z]{2,24}(?!\w)(?:/\S*)?",
    re.IGNORECASE,
)
_DIGIT = re.compile("[0-9]")
_VERSION = re.compile(r"\d{1,2}\.0")
_RATIO = re.compile(r"\d+[/:]\d+")
_HARMLESS = frozenset({"b2b", "b2c", "co2", "h2o"})
"""Words with a digit that claim nothing."""
_RANGE = re.compile(r"\s?(?:-|to|bis|till|til|à|hasta|tot|~|〜)\s?", re.IGNORECASE)
_TIMES = re.compile(r"\s?[xX×/&]\s?")
_MINUS_WORD = re.compile(r"(?:minus|moins|menos|miinus)\s\Z", re.IGNORECASE)
_NEXT_WORD = re.compile(rf"[\s-]?[{LATIN}]+")
_BARE_MEASURE = Measure(None)
_BARE_COUNT = Measure(None, counts=True)


@dataclass(slots=True)
class _Found:
    """A number on its way to becoming a mention."""

    start: int
    number_end: int
    end: int
    literal: str
    measures: list[Measure]
    value: Fraction | None = None
    amount_before: bool = False
    token: str = ""
    date_literal: str = ""


def scan(
    text: str,
    *,
    language: str = "",
    convention: str | None = None,
    names: re.Pattern[str] | None = None,
) -> list[Mention]:
    """The numbers that `text` states, in order.

    `language` is a BCP-47 tag (empty: not known) and decides words; `convention` is the decimal
    sign (None: not known, all readings count). Whatever `names` matches in the prepared text, and
    links, state no numbers.
    """
    text = prepare(text)
    primary = language.split("-")[0].lower() or None
    mentions: list[tuple[int, Mention]] = []
    digits = _DIGIT.search(text) is not None
    for pattern in (_LINK, names):
        if pattern is not None:
            text = pattern.sub(_blank, text)
    for start, end, date in list(find_dates(text)) if digits else ():
        mentions.append((start, Mention(text[start:end], "", dates=(date,))))
        text = f"{text[:start]}{' ' * (end - start)}{text[end:]}"
    found = _find_words(text, primary)
    if digits:
        found += _find_literals(text, primary, mentions)
    found.sort(key=lambda item: item.start)
    _share_units(text, found)
    mentions += [(item.start, _mention(text, item, primary, convention)) for item in found]
    mentions.sort(key=lambda item: item[0])
    return [mention for _, mention in mentions]


def _blank(match: re.Match[str]) -> str:
    # A mark that is neither space nor letter: what stands left and right of a name must not join.
    return "\ufffc" * (match.end() - match.start())


def _find_literals(text: str, language: str | None, codes: list[tuple[int, Mention]]) -> list[_Found]:
    """Numbers in digits; tokens such as `IP67` go to `codes` instead."""
    found: list[_Found] = []
    token_at = {
        position: match
        for match in _TOKEN.finditer(text)
        if not match.group().isalpha()
        for position in range(match.start(), match.end())
    }
    skip_to = 0
    for match in LITERAL.finditer(text):
        start, end = match.span()
        if start < skip_to:
            continue
        token = token_at.get(start)
        floor = found[-1].end if found else 0
        currency = prefix_currency(text, start, floor)
        if currency is None and token is not None and _follows_letter(text, start):
            word = token.group()
            skip_to = token.end()
            if word.casefold() not in _HARMLESS:
                codes.append((token.start(), Mention(word, "", token=word.casefold())))
            continue
        measures, unit_end = measures_after(text, end, language)
        if token is not None and _RATIO.fullmatch(token.group()) and not any(item.known for item in measures):
            word = token.group()
            skip_to = token.end()
            codes.append((start, Mention(word, "", token=word, dates=tuple(possible_dates(word)))))
            continue
        amount_before = False
        if currency is not None and all(item.unit is None for item in measures):
            measure, unit_end = amount_after(text, end, currency)
            measures, amount_before = [measure], True
        elif start and text[start - 1] == "%" and all(item.unit is None for item in measures):
            measures = [Measure(Unit(PERCENT))]
        word = token.group() if token is not None and token.start() <= start else ""
        found.append(
            _Found(
                start=start,
                number_end=end,
                end=unit_end,
                literal=match.group(),
                measures=measures or [_BARE_MEASURE],
                amount_before=amount_before,
                token=_verbatim(word),
                date_literal=word if word[:1].isdigit() else "",
            )
        )
    return found


def _follows_letter(text: str, start: int) -> bool:
    """True for the 67 of `IP67`, false for the 130 of `210x130` and the 2 of `定員2`."""
    before = text[max(0, start - 2) : start]
    if not before or not (before[-1].isalpha() and before[-1] < "\u0250"):
        return False
    return not (before[-1] in "xX" and before[0].isdigit())


def _verbatim(word: str) -> str:
    """`word` folded, when standing in the data as it is would prove it: it says more than a number
    does.
    """
    letters = any(character.isalpha() for character in word)
    decimal = word[:1].isdigit() and ("." in word or "," in word)
    if (letters and not decimal) or "/" in word or ":" in word or word.count(".") > 1:
        return word.casefold()
    return ""


def _find_words(text: str, language: str | None) -> list[_Found]:
    """Number words right before a unit or a thing that is counted."""
    pattern, values = number_words(language)
    found = []
    for match in pattern.finditer(text):
        measures, end = measures_after(text, match.end(), language)
        known = [item for item in measures if item.unit is not None]
        if known:
            value = Fraction(values[match.group().casefold()])
            found.append(_Found(match.start(), match.end(), end, "", known, value=value))
    return found


def _share_units(text: str, found: list[_Found]) -> None:
    """Gives `2` in `2-3 kg` and `210` in `210 x 130 cm` the unit that is written once."""
    for item, following in zip(reversed(found[:-1]), reversed(found[1:]), strict=True):
        if any(measure.known for measure in item.measures) or following.amount_before:
            continue
        between = text[item.number_end : following.start]
        if _RANGE.fullmatch(between):
            item.measures = following.measures
        elif _TIMES.fullmatch(between):
            item.measures = [*(measure for measure in following.measures if measure.known), _BARE_MEASURE]
    for item, following in pairwise(found):
        joined = _RANGE.fullmatch(text[item.end : following.start])
        if item.amount_before and following.measures == [_BARE_MEASURE] and joined:
            following.measures = item.measures


def _mention(text: str, item: _Found, language: str | None, convention: str | None) -> Mention:
    literal = item.literal
    ways: list[tuple[Quantity, ...]] = []
    for measure in item.measures:
        if item.value is not None:
            values: tuple[Fraction, ...] = (item.value,)
        else:
            values = readings(literal, convention, money=measure.codes is not None)
        ways += [(_quantity(text, item, measure, value),) for value in values]
    loose = " " in literal and not (language and groups_by_space(language))
    if loose or (not ways and "," in literal):
        # `2 490 g` may be two numbers, `38,39,40` is three; then each of them must be right.
        ways += _apart(text, item, convention)
    start = item.start
    if item.amount_before:
        start = max(text.rfind(" ", 0, start - 1) + 1, start - 5, 0)
    end = item.end
    if item.measures == [_BARE_COUNT] and (word := _NEXT_WORD.match(text, end)):
        end = word.end()
    snippet = text[start:end].strip("\ufffc -(").replace(POINT, ".")
    dates = tuple(possible_dates(item.date_literal))
    # What is no number to us (`1.2.3`) can still stand in the data as it is.
    token = item.token if ways else literal
    return Mention(snippet, literal.replace(POINT, "."), tuple(ways), token, dates)


def _apart(text: str, item: _Found, convention: str | None) -> list[tuple[Quantity, ...]]:
    parts = [values[0] for part in re.split("[ ,]", item.literal) if (values := readings(part, convention))]
    rest = [Quantity(BARE, part, part, counts=True) for part in parts[:-1]]
    return [(*rest, _quantity(text, item, measure, parts[-1])) for measure in item.measures] if parts else []


def _quantity(text: str, item: _Found, measure: Measure, value: Fraction) -> Quantity:
    if measure.magnitude != 1:
        value *= measure.magnitude
    if measure.codes is not None:
        taken_off = is_discount(text, item.start, item.end)
        dimension = f"{CURRENCY}/{measure.period.dimension}" if measure.period else CURRENCY
        amount = value / measure.period.factor if measure.period else value
        return Quantity(dimension, amount, value, measure.codes, discount=taken_off)
    if measure.unit is None:
        dimension = VERSION if _VERSION.fullmatch(item.literal) else BARE
        return Quantity(dimension, value, value, counts=measure.counts)
    unit = measure.unit
    if unit.dimension == "temperature" and _is_negative(text, item.start):
        value = -value
    taken_off = unit.dimension == PERCENT and is_discount(text, item.start, item.end)
    counts = unit.dimension.startswith(COUNT)
    return Quantity(unit.dimension, unit.base(value), value, discount=taken_off, counts=counts)


def _is_negative(text: str, start: int) -> bool:
    """A dash is a minus when it touches the number and nothing that it could join touches it."""
    if start and text[start - 1] == "-":
        return start == 1 or not (text[start - 2].isalnum() or text[start - 2] == "°")
    return _MINUS_WORD.search(text, max(0, start - 8), start) is not None
