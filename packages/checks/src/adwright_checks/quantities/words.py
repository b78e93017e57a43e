"""Numbers written as words, and words that multiply a number.

Two to twelve and the tens, in the eight languages below; in other languages number words are not
read. A word counts as a number only right before a unit or a thing that the unit table knows
(`two-person`, `drei Tage`): elsewhere it is mostly idiom (`the two of you`) or another word (French
neuf, Norwegian tre, Finnish kuusi). One is never read. Compounds such as twenty-five are not read
either.
"""

import re
from fractions import Fraction

__all__ = ["MAGNITUDES", "number_words"]

_WORDS = {
    "en": "two three four five six seven eight nine ten eleven twelve",
    "de": "zwei drei vier fünf sechs sieben acht neun zehn elf zwölf",
    "sv": "två tre fyra fem sex sju åtta nio tio elva tolv",
    "nb": "to tre fire fem seks sju åtte ni ti elleve tolv",
    "da": "to tre fire fem seks syv otte ni ti elleve tolv",
    "fr": "deux trois quatre cinq six sept huit neuf dix onze douze",
    "es": "dos tres cuatro cinco seis siete ocho nueve diez once doce",
    "fi": "kaksi kolme neljä viisi kuusi seitsemän kahdeksan yhdeksän kymmenen yksitoista kaksitoista",
}
_TENS = {
    "en": "twenty thirty forty fifty sixty seventy eighty ninety",
    "de": "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig",
    "sv": "tjugo trettio fyrtio femtio sextio sjuttio åttio nittio",
    "nb": "tjue tretti førti femti seksti sytti åtti nitti",
    "da": "tyve tredive fyrre halvtreds tres halvfjerds firs halvfems",
    "fr": "vingt trente quarante cinquante soixante - - -",
    "es": "veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa",
    "fi": "kaksikymmentä kolmekymmentä neljäkymmentä viisikymmentä - - - -",
}
_FINNISH_GENITIVE = {"kahden": 2, "kolmen": 3, "neljän": 4, "viiden": 5, "kuuden": 6}

MAGNITUDES: dict[str, Fraction] = {
    word: Fraction(factor)
    for factor, words in {
        1_000: "k thousand tausend tusen tusind mille tuhatta 千",
        10_000: "万 萬 만",
        1_000_000: "million millions mio mn millionen miljoner miljon millioner mill millones miljoonaa",
        100_000_000: "億 亿 억",
        1_000_000_000: "billion bn milliarde milliarden miljarder milliarder milliard milliards miljardia",
    }.items()
    for word in words.split()
}
"""Factors of words that follow a number, by folded word."""


def _table(language: str) -> dict[str, int]:
    table = {word: value for value, word in enumerate(_WORDS[language].split(), start=2)}
    tens = enumerate(_TENS[language].split(), start=2)
    table |= {word: 10 * value for value, word in tens if word != "-"}
    return table | (_FINNISH_GENITIVE if language == "fi" else {})


_TABLES = {language: _table(language) for language in _WORDS}
_TABLES["nn"] = _TABLES["no"] = _TABLES["nb"]
_ALL = {word: value for table in _TABLES.values() for word, value in table.items()}
# Germanic languages glue: Zweipersonenzelt, tvåmannatält, firesesongs. The unit then follows
# without a gap.
_GLUED = r"(?=[\s-]|person|manna|manns|mann\b|säsong|sesong|sæson)"


def _pattern(table: dict[str, int]) -> re.Pattern[str]:
    words = "|".join(sorted(table, key=len, reverse=True))
    return re.compile(rf"(?<![\w-])(?:{words}){_GLUED}", re.IGNORECASE)


_PATTERNS = {language: (_pattern(table), table) for language, table in _TABLES.items()}
_PATTERN_ALL = (_pattern(_ALL), _ALL)
_NONE = (re.compile(r"(?!)"), dict[str, int]())


def number_words(language: str | None) -> tuple[re.Pattern[str], dict[str, int]]:
    """A pattern of number words of a language (primary subtag; None: all that are known), and their
    values.
    """
    return _PATTERN_ALL if language is None else _PATTERNS.get(language, _NONE)
