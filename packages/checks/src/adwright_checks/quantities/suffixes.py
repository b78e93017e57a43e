"""What stands around a number: its currency, its unit, a word that multiplies it."""

import re
from dataclasses import dataclass
from fractions import Fraction

from adwright_checks.quantities.currencies import PREFIX, SUFFIX, codes_of
from adwright_checks.quantities.text import LATIN
from adwright_checks.quantities.units import COUNT, Unit, lookup_prefix, lookup_unit
from adwright_checks.quantities.words import MAGNITUDES

__all__ = ["Measure", "amount_after", "measures_after", "prefix_currency"]

_LETTERS = f"{LATIN}µμ\u0400-\u04ff"
_SIGN = re.compile(r"[\s-]?(°\s?[CF](?![A-Za-z])|[°%‰]|×(?!\s?\d))")
_INCH_SIGN = re.compile(r"(?:\"|'')(?!\d)")
_CROSS = re.compile(r"\s?[xX×]\s?\d")
_WORD = re.compile(rf"[\s-]?([{_LETTERS}]+(?:[23](?![\d{_LETTERS}])|'s)?|[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+)")
_SECOND_WORD = re.compile(rf"[\s-]([{_LETTERS}]+)")
_PER = re.compile(rf"(?:\s?/\s?|\s(?:per|pro|par|por)\s)([{_LETTERS}]+2?)", re.IGNORECASE)
_PERIOD = re.compile(rf"(?:\s?/\s?|\s(?:per|a|an|each|pro|im|i|om|par|por|al|kuussa)\s)([{_LETTERS}]+)", re.IGNORECASE)
# Germanic languages glue what is counted to what it makes: mannatält, Personenzelt, sesongstelt.
_STEMS = (
    (re.compile(r"person(?!al)|manna|manns|hengen", re.IGNORECASE), Unit(f"{COUNT}person")),
    (re.compile(r"säsong|sesong|sæson|saison|jahreszeit", re.IGNORECASE), Unit(f"{COUNT}season")),
)
_INCH = lookup_unit("inch", None)


@dataclass(frozen=True, slots=True)
class Measure:
    """One way to read what follows a number."""

    unit: Unit | None
    codes: frozenset[str] | None = None
    """Currencies of an amount; None when it is none."""
    period: Unit | None = None
    """What an amount is paid for again and again: the month of `€9/month`."""
    counts: bool = False
    """True when a word follows that is no unit."""
    magnitude: Fraction = Fraction(1)

    @property
    def known(self) -> bool:
        """True for a unit or a currency."""
        return self.unit is not None or self.codes is not None


def prefix_currency(text: str, start: int, floor: int) -> frozenset[str] | None:
    """Currencies written right before position `start`, not before `floor`; None when there is
    none.
    """
    match = PREFIX.search(text, max(floor, start - 6), start)
    return codes_of(match.group()) if match else None


def amount_after(text: str, end: int, codes: frozenset[str], factor: Fraction = Fraction(1)) -> tuple[Measure, int]:
    """The measure of an amount of money whose last sign stands before `end`, and where its period ends."""
    if match := _PERIOD.match(text, end):
        for unit in lookup_unit(match.group(1), None):
            if unit.dimension in ("time", "months"):
                return Measure(None, codes, period=unit, magnitude=factor), match.end()
    return Measure(None, codes, magnitude=factor), end


def measures_after(text: str, end: int, language: str | None) -> tuple[list[Measure], int]:
    """Ways to read what follows a number that ends at `end`, the likeliest first, and where the
    unit ends.
    """
    plain, plain_end = _measures(text, end, language, Fraction(1))
    word = _WORD.match(text, end)
    factor = MAGNITUDES.get(_magnitude_of(word.group(1))) if word else None
    if word is None or factor is None:
        return plain, plain_end
    # In scripts without spaces the unit follows at once: `1万円`.
    stop = word.start(1) + 1 if word.group(1)[0] > "\u3000" else word.end()
    scaled, scaled_end = _measures(text, stop, language, factor)
    # `4K` may be a resolution and `5 m` metres: what the word means as a unit stays possible.
    return [*scaled, *(item for item in plain if item.known)], scaled_end


def _magnitude_of(word: str) -> str:
    folded = word.casefold()
    if folded in MAGNITUDES:
        return folded
    return folded[0] if folded[0] > "\u3000" else folded


def _measures(text: str, end: int, language: str | None, factor: Fraction) -> tuple[list[Measure], int]:
    if sign := _SIGN.match(text, end):
        symbol = re.sub(r"\s", "", sign.group(1))
        return [Measure(unit, magnitude=factor) for unit in lookup_unit(symbol, language)], sign.end()
    if inch := _INCH_SIGN.match(text, end):
        # May be a closing quotation mark.
        return [*(Measure(unit) for unit in _INCH), Measure(None, magnitude=factor)], inch.end()
    word = None if _CROSS.match(text, end) else _WORD.match(text, end)
    units, stop = _units(text, word, language) if word else ([], end)
    measures = [Measure(unit, magnitude=factor) for unit in units]
    if amount := SUFFIX.match(text, end):
        measure, amount_end = amount_after(text, amount.end(), codes_of(amount.group()), factor)
        measures.append(measure)
        stop = max(stop, amount_end)
    if not measures:
        return [Measure(None, counts=word is not None, magnitude=factor)], end
    if word is not None and _may_be_word(word.group(1), language):
        measures.append(Measure(None, counts=True, magnitude=factor))
    return measures, stop


def _may_be_word(word: str, language: str | None) -> bool:
    """`2 in 1`, `sleeps 2 in comfort`: in is a unit only sometimes."""
    return word.casefold() in ("in", "x") and language in (None, "en")


def _units(text: str, word: re.Match[str], language: str | None) -> tuple[list[Unit], int]:
    run = word.group(1)
    if run[0] > "\u3000":
        name, units = lookup_prefix(run)
        return units, word.start(1) + len(name)
    end = word.end()
    units = []
    if second := _SECOND_WORD.match(text, end):
        units = lookup_unit(f"{run} {second.group(1)}", language)
        end = second.end() if units else end
    units = units or lookup_unit(run, language) or [unit for stem, unit in _STEMS if stem.match(run)]
    if units and (per := _PER.match(text, end)):
        below = [unit for unit in lookup_unit(per.group(1), language) if not unit.dimension.startswith("count:")]
        if below:
            return [unit.per(lower) for unit in units for lower in below], per.end()
    return units, end
