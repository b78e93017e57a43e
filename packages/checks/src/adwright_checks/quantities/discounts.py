"""Telling `20 % off` from `20 % recycled`."""

import re

__all__ = ["is_discount"]

_AFTER = re.compile(
    r"\s?-?(?:de\s|di\s)?(?:off|discount|cheaper|rabatt|rabat|nachlass|reduziert|günstiger|billiger|billigere|"
    r"reducerat|nedsatt|prissänkning|rea|rabais|remise|réduction|moins\scher|descuento|dto|alennus|alennusta|ale|"
    r"korting|sconto|オフ|割引)(?!\w)|\s?(?:オフ|割引)",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    r"(?:(?:save|saving|spar|spara|spare|sparen|sparen\ssie|économisez|ahorra|säästä|rabatt|rabat|discount|remise|"
    r"descuento|alennus|sale|rea)(?:\sof|\spå|\sde)?(?:\sup\sto|\supp\still|\sopp\stil|\sop\stil|\sbis\szu|"
    r"\sjusqu'à|\shasta|\sjopa)?[:\s]\s?[€£$]?|(?<!\w)-)\Z",
    re.IGNORECASE,
)
_OTHER_WORD = re.compile(r"\s(?!(?:on|off|now|today|at|this|på|nu|nå|idag|auf|jetzt|heute|sur|en|hoy|nyt)\b)[^\W\d]")


def is_discount(text: str, start: int, end: int) -> bool:
    """True when the amount that stands at `start` to `end` of prepared `text`, unit included, is
    taken off a price.

    `Save 30 % on tents` is, `saves 30 % energy` is not.
    """
    if _AFTER.match(text, end):
        return True
    return bool(_BEFORE.search(text, max(0, start - 24), start)) and not _OTHER_WORD.match(text, end)
