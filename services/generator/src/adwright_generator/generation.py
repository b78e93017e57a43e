"""A generation from its first event to its last: backend chosen, variants written side by side, costs added up."""

import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from adwright_checks import Check

from .backends.accounting import Account
from .backends.base import BackendInfo, StopReason
from .events import Completed, Delta, Event, FinishReason, Started, Timings
from .job import Job
from .policy.dispatcher import Dispatcher
from .policy.lease import Lease
from .prompting import Prompt, PromptLibrary
from .relay import Pace, merged
from .usage_book import UsageBook, total
from .variant import VariantEvent, VariantResult, write_variant

__all__ = ["Generations"]


class Generations:
    """Runs generations on the backends that a dispatcher hands out."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        prompts: PromptLibrary,
        checks: Sequence[Check],
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._dispatcher = dispatcher
        self._prompts = prompts
        self._checks = tuple(checks)
        self._now = now
        self._pace = Pace()
        self.usage = UsageBook()
        """What generations have used, by their names."""

    async def run(self, job: Job) -> AsyncGenerator[Event]:
        """One Started, then what happens, then one Completed; or an error of the tree instead of the latter."""
        begun = self._now()
        results = [VariantResult() for _ in range(job.variant_count)]
        accounts = [result.usage for result in results]
        # Left last: what is cut short is added up before it counts as ended.
        with self.usage.open(job.generation, accounts):
            async with aclosing(self._run(job, begun, results)) as events:
                async for event in events:
                    yield event

    async def _run(self, job: Job, begun: float, results: Sequence[VariantResult]) -> AsyncGenerator[Event]:
        async with self._dispatcher.admit(job) as lease:
            prompt = self._prompts.get(job.prompt_version or lease.info.prompt)
            queued = self._now() - begun
            yield _started(job, lease.info, prompt)
            sources = [self._write(job, number, lease, prompt, result) for number, result in enumerate(results)]
            first: float | None = None
            async with aclosing(merged(sources)) as events:
                async for event in events:
                    if first is None and isinstance(event, Delta):
                        first = self._now() - begun
                    yield event
        usage = total([result.usage for result in results])
        yield Completed(
            ads=[result.ad for result in results if result.ad is not None],
            finish_reason=_worst(results),
            usage=usage,
            timings=_timings(queued, first, self._now() - begun, usage),
        )

    async def _write(
        self, job: Job, variant: int, lease: Lease, prompt: Prompt, result: VariantResult
    ) -> AsyncGenerator[VariantEvent]:
        async with (
            lease.seat() as seat,
            self._pace.stream(),
            aclosing(write_variant(job, variant, seat, prompt, self._checks, self._pace, result)) as events,
        ):
            async for event in events:
                yield event


def _started(job: Job, backend: BackendInfo, prompt: Prompt) -> Started:
    return Started(
        generation=job.generation,
        format=job.format,
        backend=backend.name,
        model=backend.model,
        prompt_version=prompt.version,
        context_revision=job.context_revision,
        language=job.language,
        products=job.product_names,
        variant_count=job.variant_count,
    )


def _worst(results: Sequence[VariantResult]) -> FinishReason:
    if any(result.stop is StopReason.LENGTH for result in results):
        return FinishReason.LENGTH
    if any(result.ad is None or not result.ad.valid for result in results):
        return FinishReason.CHECKS_FAILED
    return FinishReason.STOP


def _timings(queued: float, first: float | None, total: float, usage: Account) -> Timings:
    written = usage.output_tokens - 1
    per_token = (total - first) / written if first is not None and written > 0 else None
    return Timings(queued=queued, first_delta=first, total=total, per_output_token=per_token)
