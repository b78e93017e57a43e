"""Providers asked within the limits of a run: how many at a time, how many a minute, for how much money."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from aiolimiter import AsyncLimiter

from adwright_evaluator.model import JSON, Answer, Case, ProviderSpec
from adwright_evaluator.providers import Provider, Question
from adwright_servicekit.errors import AdwrightError

from .cache import AnswerCache, content_key
from .plan import Plan

__all__ = ["Asker", "OutOfBudget", "Share"]


class OutOfBudget(Exception):
    """What may be spent is spent."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one shard may take of the limits of its run: all together keep to them without a word between them."""

    seats: int
    """Calls at a time; at least one, also where a run has more shards than seats."""
    per_minute: float
    """Calls a minute; 0: any number."""
    budget_usd: float
    """0: any amount."""

    @classmethod
    def of(cls, plan: Plan, shard: int) -> Share:
        """The shard's equal part."""
        seats, more = divmod(plan.max_concurrency, plan.shards)
        return cls(
            seats=max(1, seats + (shard < more)),
            per_minute=plan.choices.requests_per_minute / plan.shards,
            budget_usd=plan.choices.budget_usd / plan.shards,
        )


class Asker:
    """Has a run's providers answer, for one of its shards."""

    def __init__(
        self,
        plan: Plan,
        providers: Sequence[tuple[ProviderSpec, Provider]],
        cache: AnswerCache,
        now: Callable[[], datetime],
        shard: int = 0,
    ) -> None:
        """`providers` have one for each of the plan's."""
        self._plan = plan
        self._providers = {id(spec): provider for spec, provider in providers}
        self._cache = cache if plan.cache else None
        self._now = now
        share = Share.of(plan, shard)
        self.seats = share.seats
        """Calls at a time."""
        self._seats = asyncio.Semaphore(share.seats)
        self._budget = share.budget_usd
        minute = share.per_minute
        # In tenths of a minute, so that a run does not begin with a minute's worth at once.
        self._pace = AsyncLimiter(max(1.0, minute / 10), 6.0 if minute >= 10 else 60.0 / minute) if minute else None
        self.spent_before = 0.0
        """By this shard until it was taken over, in USD."""
        self._spent = 0.0

    async def answer(
        self, provider: ProviderSpec, prompt: str | Sequence[Mapping[str, JSON]], case: Case, repeat: int
    ) -> Answer:
        """Raises OutOfBudget before it asks; what a provider raises stands in the answer."""
        asked = self._providers[id(provider)]
        question = Question(prompt, case, repeat)
        if not asked.key:
            return await self._ask(asked, provider, question)
        key = content_key(asked.key, prompt, repeat)
        if self._cache is not None and (known := await self._cache.get(key)) is not None:
            return known
        answer = await self._ask(asked, provider, question)
        if self._cache is not None and not answer.error:
            await self._cache.put(key, answer, self._now())
        return answer

    def spend(self, usd: float) -> None:
        """Counts what judging took."""
        self._spent += usd

    async def _ask(self, asked: Provider, spec: ProviderSpec, question: Question) -> Answer:
        async with self._seats:
            if self._budget and self._spent + self.spent_before >= self._budget:
                raise OutOfBudget
            if self._pace is not None:
                await self._pace.acquire()
            try:
                answer = await asked.answer(question)
            except AdwrightError as error:
                return Answer(None, error=f"{error.reason}: {error.message}")
            delay = spec.delay or self._plan.delay
            if delay:
                await asyncio.sleep(delay)
        self._spent += answer.cost_usd or 0.0
        return answer
