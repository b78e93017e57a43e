"""Currencies by code, symbol and word."""

import re

from adwright_checks.quantities.text import LATIN

__all__ = ["ANY_CURRENCY", "PREFIX", "SUFFIX", "codes_of"]

ANY_CURRENCY: frozenset[str] = frozenset()
"""Codes of `249,-`: an amount in whichever currency the product has."""

_CODES_TEXT = """
AED ARS AUD BDT BGN BHD BRL CAD CHF CLP CNY COP CZK DKK EGP EUR GBP GEL HKD HUF IDR ILS
INR ISK JOD JPY KES KRW KWD KZT LKR MAD MXN MYR NGN NOK NZD OMR PEN PHP PKR PLN QAR RON
RSD RUB SAR SEK SGD THB TND TRY TWD UAH USD UYU VND ZAR
"""
_CODES = frozenset(_CODES_TEXT.split())
_DOLLARS = frozenset(["USD", "AUD", "CAD", "HKD", "NZD", "SGD", "TWD", "MXN", "ARS", "CLP", "COP", "UYU"])
"""Currencies whose sign is $."""
_KRONER = frozenset({"SEK", "NOK", "DKK", "ISK"})
_SIGNS = {
    "$": _DOLLARS,
    "us$": {"USD"},
    "ca$": {"CAD"},
    "c$": {"CAD"},
    "a$": {"AUD"},
    "au$": {"AUD"},
    "nz$": {"NZD"},
    "hk$": {"HKD"},
    "s$": {"SGD"},
    "nt$": {"TWD"},
    "mx$": {"MXN"},
    "r$": {"BRL"},
    "€": {"EUR"},
    "£": {"GBP"},
    "¥": {"JPY", "CNY"},
    "₹": {"INR"},
    "rs": {"INR", "PKR", "LKR"},
    "₩": {"KRW"},
    "₺": {"TRY"},
    "₽": {"RUB"},
    "₴": {"UAH"},
    "₪": {"ILS"},
    "₫": {"VND"},
    "₱": {"PHP"},
    "฿": {"THB"},
    "zł": {"PLN"},
    "kč": {"CZK"},
    "ft": {"HUF"},
    "lei": {"RON"},
    "kr": _KRONER,
    "skr": {"SEK"},
    "nkr": {"NOK"},
    "dkr": {"DKK"},
    "fr": {"CHF"},
    "sfr": {"CHF"},
    "円": {"JPY"},
    "元": {"CNY"},
    "원": {"KRW"},
    "euro": {"EUR"},
    "euros": {"EUR"},
    "euroa": {"EUR"},
    "dollar": _DOLLARS,
    "dollars": _DOLLARS,
    "dólares": _DOLLARS,
    "dollaria": _DOLLARS,
    "pound": {"GBP"},
    "pounds": {"GBP"},
    "pfund": {"GBP"},
    "kronor": {"SEK"},
    "kroner": {"NOK", "DKK"},
    "kronen": _KRONER,
    "kruunua": _KRONER,
    "franken": {"CHF"},
    "francs": {"CHF"},
    "yen": {"JPY"},
    "yuan": {"CNY"},
    ":-": ANY_CURRENCY,
    ",-": ANY_CURRENCY,
    ".-": ANY_CURRENCY,
}
_CURRENCIES = {sign: frozenset(codes) for sign, codes in _SIGNS.items()}
_GLYPHS = r"(?:US|CA|AU|NZ|HK|NT|MX|[CASR])?\$|[€£¥₹₩₺₽₴₪₫₱฿]"
_WORDS = "|".join(sorted((sign for sign in _SIGNS if sign.isalpha() and len(sign) > 1), key=len, reverse=True))
# Upper case alone: `try`, `pen` and `mad` are words. The commonest are written small as well.
_CODE_WORDS = "|".join(sorted(_CODES)) + "|" + "|".join(["eur", "usd", "gbp", "sek", "nok", "dkk", "chf"])
_CODE_PREFIXES = "|".join(sorted(_CODES - {"COP", "MAD", "PEN", "TRY"})) + "|eur|usd|gbp|sek|nok|dkk|chf"

PREFIX = re.compile(rf"(?<![{LATIN}])(?:{_GLYPHS}|{_CODE_PREFIXES}|(?i:[snd]?kr|rs|s?fr)\.?)\s?\Z")
"""A currency at the end of the text before a number."""
SUFFIX = re.compile(
    rf"\s?(?:(?:{_GLYPHS})(?!\d)|[円元원]|(?:[:,.]-)(?!\d)"
    rf"|-?(?:{_CODE_WORDS}|(?i:{_WORDS}))(?![{LATIN}\d]))"
)
"""A currency right after a number."""


def codes_of(match: str) -> frozenset[str]:
    """ISO 4217 codes that a match of PREFIX or SUFFIX can stand for."""
    sign = match.strip()
    if sign not in _CURRENCIES:
        sign = sign.strip("- ").rstrip(".")
    if sign.upper() in _CODES:
        return frozenset({sign.upper()})
    return _CURRENCIES[sign.lower()]
