"""What a tenant has used and set aside: plain data and plain rules, without a clock and without a store.

A generation is admitted with a reservation, and settled with what it really used. In between, what it set aside counts
as used. Windows are those of the clock: minutes, days and months of UTC; what is settled counts where it is settled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from adwright_servicekit.errors import QuotaViolation, ResourceExhausted

__all__ = ["NO_LIMITS", "Ledger", "Limits", "Reservation", "Room", "Use"]

_A_STREAM_ENDS: Final = 1.0
"""When to ask again where too many streams run. Units: seconds."""
_DAY: Final = 86_400
_FIRST_GUESS: Final = 1000.0
_WEIGHT: Final = 0.2


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may be generated; zero: no limit."""

    requests_per_minute: int = 0
    concurrent_streams: int = 0
    tokens_per_day: int = 0
    usd_micros_per_month: int = 0


NO_LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True)
class Use:
    """What somebody has used, or set aside."""

    requests: int = 0
    """Of this minute."""
    tokens: int = 0
    """Of this day."""
    usd_micros: int = 0
    """Of this month."""

    def plus(self, other: Use) -> Use:
        """Both together."""
        return Use(self.requests + other.requests, self.tokens + other.tokens, self.usd_micros + other.usd_micros)


@dataclass(frozen=True, slots=True)
class Reservation:
    """What a running generation set aside."""

    subjects: tuple[str, ...]
    """Who pays: the tenant and the key."""
    expires: float
    """When nobody can be at work on it any more. Units: seconds since 1970."""
    tokens: int
    usd_micros: int
    variants: int = 1


@dataclass(frozen=True, slots=True)
class Room:
    """What is left of one limit."""

    name: str
    """`requests`, `streams`, `tokens` or `usd-micros`."""
    limit: int
    left: int
    resets_in: float
    """When its window closes. Units: seconds."""
    window: int
    """How long the window is. Units: seconds; 0: it has none."""


@dataclass(slots=True)
class Ledger:
    """The book of one tenant. Methods take the time, and first close the windows that are over."""

    minute: str = ""
    day: str = ""
    month: str = ""
    used: dict[str, Use] = field(default_factory=dict)
    """By subject."""
    reserved: dict[str, Reservation] = field(default_factory=dict)
    """By generation."""
    tokens_a_variant: float = _FIRST_GUESS
    """What a variant took lately, on average: the next one's guess."""
    usd_micros_a_variant: float = 0.0

    def admit(
        self, now: datetime, generation: str, limits: Mapping[str, Limits], variants: int, expires: datetime
    ) -> Reservation:
        """Sets aside what the generation is likely to use. Raises ResourceExhausted, and then nothing has changed.

        `limits` are by subject, of all who pay.
        """
        self.roll(now)
        wanted = Use(1, round(self.tokens_a_variant * variants), round(self.usd_micros_a_variant * variants))
        for subject, limit in limits.items():
            self._check(now, subject, limit, wanted)
        for subject in limits:
            self.used[subject] = self.used.get(subject, Use()).plus(Use(requests=1))
        made = Reservation(tuple(limits), expires.timestamp(), wanted.tokens, wanted.usd_micros, variants)
        self.reserved[generation] = made
        return made

    def settle(self, now: datetime, generation: str, tokens: int, usd_micros: int) -> bool:
        """Replaces a reservation by what was used; False where it was settled before."""
        self.roll(now)
        reservation = self.reserved.pop(generation, None)
        if reservation is None:
            return False
        for subject in reservation.subjects:
            self.used[subject] = self.used.get(subject, Use()).plus(Use(0, tokens, usd_micros))
        if tokens:
            variants = max(1, reservation.variants)
            self.tokens_a_variant += _WEIGHT * (tokens / variants - self.tokens_a_variant)
            self.usd_micros_a_variant += _WEIGHT * (usd_micros / variants - self.usd_micros_a_variant)
        return True

    def expired(self, now: datetime) -> list[str]:
        """Generations whose gateway has not settled them in time."""
        return [name for name, each in self.reserved.items() if each.expires < now.timestamp()]

    def room(self, now: datetime, limits: Mapping[str, Limits]) -> list[Room]:
        """What is left of the limits there are; of several subjects, the least."""
        least: dict[str, Room] = {}
        for subject, limit in limits.items():
            for name, most, taken, _, wait, window in self._measures(now, subject, limit):
                room = Room(name, most, max(0, most - taken), wait, window)
                if most and (name not in least or room.left < least[name].left):
                    least[name] = room
        return list(least.values())

    def set_aside(self, subject: str) -> tuple[int, Use]:
        """How many generations of a subject run, and what they have set aside."""
        mine = [each for each in self.reserved.values() if subject in each.subjects]
        return len(mine), Use(0, sum(each.tokens for each in mine), sum(each.usd_micros for each in mine))

    def roll(self, now: datetime) -> None:
        """Closes the windows that are over."""
        now = now.astimezone(UTC)
        minute, day, month = now.strftime("%Y-%m-%dT%H:%M"), now.strftime("%Y-%m-%d"), now.strftime("%Y-%m")
        if minute != self.minute:
            self.used = {subject: replace(use, requests=0) for subject, use in self.used.items()}
        if day != self.day:
            self.used = {subject: replace(use, tokens=0) for subject, use in self.used.items()}
        if month != self.month:
            self.used = {}
        self.minute, self.day, self.month = minute, day, month

    def _check(self, now: datetime, subject: str, limits: Limits, wanted: Use) -> None:
        takes = {"requests": 1, "streams": 1, "tokens": wanted.tokens, "usd-micros": wanted.usd_micros}
        for name, limit, there, what, wait, _ in self._measures(now, subject, limits):
            if limit and there + takes[name] > limit:
                said = (
                    f"{subject} may use {limit} {what}; {there} are used or set aside, and this one takes {takes[name]}"
                )
                raise ResourceExhausted(
                    f"the quota is used up: {said}",
                    reason="QUOTA_EXCEEDED",
                    metadata={"subject": subject, "limit": str(limit)},
                    retry_after=wait,
                    quotas=(QuotaViolation(subject, said),),
                )

    def _measures(self, now: datetime, subject: str, limits: Limits) -> Iterator[tuple[str, int, int, str, float, int]]:
        """Name, limit, what is taken, its words, seconds until there is room again, and the window's length."""
        used = self.used.get(subject, Use())
        streams, aside = self.set_aside(subject)
        yield "requests", limits.requests_per_minute, used.requests, "generations a minute", _to_minute(now), 60
        yield "streams", limits.concurrent_streams, streams, "generations at the same time", _A_STREAM_ENDS, 0
        yield "tokens", limits.tokens_per_day, used.tokens + aside.tokens, "tokens a day", _to_day(now), _DAY
        yield (
            "usd-micros",
            limits.usd_micros_per_month,
            used.usd_micros + aside.usd_micros,
            "millionths of a dollar a month",
            _to_month(now),
            30 * _DAY,
        )

    def copy(self) -> Ledger:
        """One that can be changed by itself."""
        # What is in them cannot be changed.
        return replace(self, used=dict(self.used), reserved=dict(self.reserved))

    def pack(self) -> dict[str, Any]:
        """As a store keeps it."""
        return asdict(self)

    @classmethod
    def unpack(cls, data: Mapping[str, Any]) -> Ledger:
        """As it was packed."""
        fields = dict(data)
        fields["used"] = {subject: Use(**use) for subject, use in fields["used"].items()}
        fields["reserved"] = {
            name: Reservation(**(each | {"subjects": tuple(each["subjects"])}))
            for name, each in fields["reserved"].items()
        }
        return cls(**fields)


def _to_minute(now: datetime) -> float:
    return 60.0 - now.second


def _to_day(now: datetime) -> float:
    now = now.astimezone(UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return (midnight - now).total_seconds()


def _to_month(now: datetime) -> float:
    now = now.astimezone(UTC)
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return ((first + timedelta(days=32)).replace(day=1) - now).total_seconds()
