"""Days of the year, as dates are written: `24 December`, `24.12.2026`, `12/24/2026`, `2026-12-24`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Date", "find_dates", "possible_dates"]

_MONTHS = (
    "january januar januari janvier enero tammikuuta tammikuu jan",
    "february februar februari février febrero helmikuuta helmikuu feb",
    "march märz mars marts marzo maaliskuuta maaliskuu mar",
    "april avril abril huhtikuuta huhtikuu apr",
    "may mai maj mayo toukokuuta toukokuu",
    "june juni juin junio kesäkuuta kesäkuu jun",
    "july juli juillet julio heinäkuuta heinäkuu jul",
    "august augusti août agosto elokuuta elokuu aug",
    "september septembre septiembre syyskuuta syyskuu sept sep",
    "october oktober octobre octubre lokakuuta lokakuu oct okt",
    "november novembre noviembre marraskuuta marraskuu nov",
    "december dezember desember décembre diciembre joulukuuta joulukuu dec dez",
)
_MONTH = {word: number for number, words in enumerate(_MONTHS, start=1) for word in words.split()}
_NAMES = "|".join(sorted(_MONTH, key=len, reverse=True))
_YEAR = r"(?:\.?,?\s(?:de\s)?(?P<year>\d{4})(?!\d))?"
_PATTERNS = (
    re.compile(r"(?<![\d.])(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})(?!\d)"),
    re.compile(r"(?<![\d.,])(?P<day>\d{1,2})\.\s?(?P<month>\d{1,2})\.(?P<year>\d{4}|\d{2})(?![\d])"),
    re.compile(
        rf"(?<![\d.,])(?P<day>\d{{1,2}})(?:st|nd|rd|th|er|\.|:e|:a)?\s(?:de\s|of\s)?(?P<name>{_NAMES})(?!\w){_YEAR}",
        re.IGNORECASE,
    ),
    re.compile(
        rf"(?<!\w)(?P<name>{_NAMES})\s(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?![\d.,]*\d|\w|\s?%){_YEAR}",
        re.IGNORECASE,
    ),
    re.compile(r"(?:(?P<year>\d{4})年)?(?<!\d)(?P<month>\d{1,2})月(?P<day>\d{1,2})日"),
)
_BARE = re.compile(r"(\d{1,2})([./])(\d{1,2})(?:\2(\d{4}|\d{2}))?")


@dataclass(frozen=True, slots=True)
class Date:
    """A day; `year` is 0 when it was not written."""

    day: int
    month: int
    year: int = 0

    def agrees(self, other: "Date") -> bool:
        """True when both can be the same day."""
        same = (self.day, self.month) == (other.day, other.month)
        return same and (self.year == other.year or 0 in (self.year, other.year))


def find_dates(text: str) -> Iterator[tuple[int, int, Date]]:
    """Dates that cannot be anything else, each with where it begins and ends."""
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            groups = match.groupdict()
            month = _MONTH[groups["name"].casefold()] if groups.get("name") else int(groups["month"])
            if date := _date(groups["day"], month, groups.get("year")):
                yield match.start(), match.end(), date


def possible_dates(literal: str) -> list[Date]:
    """Dates that `24.12` or `12/24` may mean; slashes in either order."""
    match = _BARE.fullmatch(literal)
    if match is None:
        return []
    one, sign, other, year = match.groups()
    orders = [(one, other)] if sign == "." else [(one, other), (other, one)]
    return [date for day, month in orders if (date := _date(day, int(month), year))]


def _date(day: str, month: int, year: str | None) -> Date | None:
    if not (1 <= int(day) <= 31 and 1 <= month <= 12):
        return None
    number = int(year or 0)
    return Date(int(day), month, number + 2000 if year and len(year) == 2 else number)
