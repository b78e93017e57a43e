"""A generation from its first event to its last: backend chosen, variants written side by side, costs added up."""

import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from decimal import Decimal

from adwright_checks import Check

from .admission import Admission
from .backends.base import Backend, StopReason
from .events import Completed, Delta, Event, FinishReason, Started, Timings, Usage
from .job import Job
from .prompting import Prompt, PromptLibrary
from .relay import merged
from .routing import Router
from .variant import VariantResult, write_variant

__all__ = ["Generations"]

_MTOK = Decimal(1_000_000)


class Generations:
    """Runs generations on the backends of a router."""

    def __init__(
        self,
        router: Router,
        prompts: PromptLibrary,
        checks: Sequence[Check],
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._router = router
        self._prompts = prompts
        self._checks = tuple(checks)
        self._now = now
        self._admissions = {b.info.name: Admission(b.info) for b in router.backends}

    async def run(self, job: Job) -> AsyncGenerator[Event]:
        """One Started, then what happens, then one Completed; or an error of the tree instead of the latter."""
        begun = self._now()
        backend = self._router.choose(job)
        prompt = self._prompts.get(job.prompt_version or backend.info.prompt)
        async with self._admissions[backend.info.name].admit(job.variant_count):
            queued = self._now() - begun
            yield _started(job, backend, prompt)
            results = [VariantResult() for _ in range(job.variant_count)]
            sources = [
                write_variant(job, variant, backend, prompt, self._checks, result)
                for variant, result in enumerate(results)
            ]
            first: float | None = None
            async with aclosing(merged(sources)) as events:
                async for event in events:
                    if first is None and isinstance(event, Delta):
                        first = self._now() - begun
                    yield event
        usage = _total([result.usage for result in results])
        yield Completed(
            ads=[result.ad for result in results if result.ad is not None],
            finish_reason=_worst(results),
            usage=usage,
            timings=_timings(queued, first, self._now() - begun, usage),
            cost_usd=_cost(backend, usage),
        )


def _started(job: Job, backend: Backend, prompt: Prompt) -> Started:
    return Started(
        generation=job.generation,
        format=job.format,
        backend=backend.info.name,
        model=backend.info.model,
        prompt_version=prompt.version,
        context_revision=job.context_revision,
        language=job.language,
        products=job.product_names,
        variant_count=job.variant_count,
    )


def _total(usages: Sequence[Usage]) -> Usage:
    return Usage(
        input_tokens=sum(u.input_tokens for u in usages),
        output_tokens=sum(u.output_tokens for u in usages),
        estimated=any(u.estimated for u in usages),
        model_calls=sum(u.model_calls for u in usages),
    )


def _worst(results: Sequence[VariantResult]) -> FinishReason:
    if any(result.stop is StopReason.LENGTH for result in results):
        return FinishReason.LENGTH
    if any(result.ad is None or not result.ad.valid for result in results):
        return FinishReason.CHECKS_FAILED
    return FinishReason.STOP


def _timings(queued: float, first: float | None, total: float, usage: Usage) -> Timings:
    written = usage.output_tokens - 1
    per_token = (total - first) / written if first is not None and written > 0 else None
    return Timings(queued=queued, first_delta=first, total=total, per_output_token=per_token)


def _cost(backend: Backend, usage: Usage) -> Decimal:
    price = backend.info.price
    return (
        Decimal(str(price.usd_per_mtok_in)) * usage.input_tokens
        + Decimal(str(price.usd_per_mtok_out)) * usage.output_tokens
    ) / _MTOK
