"""One variant of an ad: written, checked, and repaired text by text until the checks pass or the tries are used up.

A repair keeps the texts that passed and asks the model for the others alone, so a variant never gets worse: the texts
at fault after a try are at fault after the one before it, or are new ones in their place.
"""

import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from adwright_checks import (
    Check,
    Finding,
    Outcome,
    Output,
    allowed_numbers,
    failing_paths,
    is_valid,
    json_schema,
    max_code_points,
    run_checks,
)
from adwright_checks.lengths import WIDE_LANGUAGES
from adwright_checks.normalise import fold

from .backends.accounting import Account
from .backends.base import BackendRequest, Finish, Resume, StopReason, Switch
from .decode import MalformedOutput, decoder_for
from .events import Ad, Delta, Switched, Withheld
from .guard import Rules, StreamGuard
from .job import Job
from .policy.lease import Seat
from .prompting import Ask, Prompt

__all__ = ["VariantEvent", "VariantResult", "write_variant"]

_log = logging.getLogger(__name__)

VariantEvent = Delta | Switched | Withheld

_MAX_TOKENS = 2048
_UNLIMITED = 400
"""Characters that a text may take where its format sets no limit."""

_SENTENCE_ENDS = '.!?…。！？)»”"'


@dataclass(slots=True)
class VariantResult:
    """What `write_variant` leaves behind when it has ended."""

    ad: Ad | None = None
    stop: StopReason = StopReason.STOP
    usage: Account = field(default_factory=Account)


@dataclass(slots=True)
class _Try:
    """Texts of the ad after one try, and what became of it."""

    texts: dict[str, str]
    stop: StopReason = StopReason.STOP
    withheld: dict[str, str] = field(default_factory=dict)
    findings: Sequence[Finding] = ()
    failing: list[str] = field(default_factory=list)

    def restart(self, texts: dict[str, str]) -> None:
        """Back to what there was before the call that is now made again."""
        self.texts = dict(texts)
        self.withheld = {path: rule for path, rule in self.withheld.items() if path in texts}

    @property
    def rank(self) -> tuple[int, int, float]:
        """Fewer texts at fault, then more texts, then better scores."""
        scores = [f.score for f in self.findings if f.score is not None]
        return (-len(self.failing), len(self.texts), sum(scores) / len(scores) if scores else 0.0)


async def write_variant(
    job: Job, variant: int, seat: Seat, prompt: Prompt, checks: Sequence[Check], result: VariantResult
) -> AsyncGenerator[VariantEvent]:
    """Streams one variant and fills `result` at its end. The last thing streamed is the ad in `result`."""
    rules = _rules(job, prompt)
    best: _Try | None = None
    current = _Try({})
    kept: dict[str, str] = {}
    for attempt in range(1 + job.max_repairs):
        if attempt:
            yield _repair(variant, seat)
            for path, text in kept.items():
                yield Delta(variant, path, text)
        current = _Try(dict(kept))
        missing = [path for path in job.paths if path not in kept]
        for ask in prompt.asks(job, missing, kept, attempt):
            request = _request(job, variant, attempt, prompt, ask, result.usage)
            async with aclosing(_write(job, rules, variant, seat, request, ask.paths, current)) as events:
                async for event in events:
                    yield event
        _judge(job, current, checks)
        if best is None or current.rank >= best.rank:
            best = current
        if not current.failing:
            break
        kept = {
            path: current.texts[path] for path in job.paths if path in current.texts and path not in current.failing
        }
    assert best is not None
    if best is not current:
        yield _repair(variant, seat)
        for path in job.paths:
            if best.texts.get(path):
                yield Delta(variant, path, best.texts[path])
    texts = {path: best.texts[path] for path in job.paths if best.texts.get(path)}
    result.ad = Ad(
        variant, job.format, texts, best.findings, valid=is_valid(best.findings) and len(texts) == len(job.paths)
    )
    result.stop = best.stop


async def _write(
    job: Job, rules: Rules, variant: int, seat: Seat, request: BackendRequest, paths: Sequence[str], out: _Try
) -> AsyncGenerator[VariantEvent]:
    """One call to the model: its texts go to the wire and into `out`."""
    before = dict(out.texts)
    reading = _Reading(job, rules, variant, paths, out)
    try:
        async with aclosing(seat.generate(request)) as events:
            async for event in events:
                if isinstance(event, Switch):
                    yield Switched(variant, event.source, event.target, event.reason, event.resume)
                    if event.resume is Resume.RESTARTED:
                        out.restart(before)
                        reading = _Reading(job, rules, variant, paths, out)
                        for path, text in before.items():
                            yield Delta(variant, path, text)
                elif isinstance(event, Finish):
                    if event.reason is StopReason.LENGTH:
                        out.stop = event.reason
                else:
                    for item in reading.feed(event.data):
                        yield item
        reading.decoder.finish()
    except MalformedOutput as error:
        # Not the caller's fault and not the backend's: the texts that are missing are written again.
        _log.info("try of variant %d gave malformed output: %s", variant, type(error).__name__)
    for item in reading.finish():
        yield item


class _Reading:
    """The output of one call, from bytes to what may be sent."""

    def __init__(self, job: Job, rules: Rules, variant: int, paths: Sequence[str], out: _Try) -> None:
        self.decoder = decoder_for(job.format, paths)
        self._guards = {path: StreamGuard(rules) for path in paths}
        self._variant = variant
        self._out = out

    def feed(self, data: bytes) -> list[VariantEvent]:
        """Raises MalformedOutput."""
        events: list[VariantEvent] = []
        for path, text in self.decoder.feed(data):
            events += self._guarded(path, self._guards[path].feed(text))
        return events

    def finish(self) -> list[VariantEvent]:
        """What was held back and turned out to be harmless."""
        return [event for path, guard in self._guards.items() for event in self._guarded(path, guard.finish())]

    def _guarded(self, path: str, text: str) -> list[VariantEvent]:
        out, matched = self._out, self._guards[path].matched
        events: list[VariantEvent] = []
        if text:
            out.texts[path] = out.texts.get(path, "") + text
            events.append(Delta(self._variant, path, text))
        if matched and path not in out.withheld:
            out.withheld[path] = matched
            events.append(Withheld(self._variant, path, matched))
        return events


def _rules(job: Job, prompt: Prompt) -> Rules:
    """What must not be streamed: the brand's own rules, and the goods in the prompt's worked examples."""
    ours = fold(" ".join((job.brand.display_name, job.brief, *(sheet.display_name for sheet in job.sheets))))
    return {
        "banned_terms": (*job.brand.banned_terms, *job.brand.competitors),
        "prompt_leak": [name for name in prompt.foreign_names if fold(name) not in ours],
    }


def _judge(job: Job, current: _Try, checks: Sequence[Check]) -> None:
    findings = list(run_checks(checks, job.subject(current.texts)))
    for path, rule in current.withheld.items():
        message = f"{path}: something that the rule {rule} forbids was about to be written; the text ends before it."
        findings.append(Finding(rule, path, Outcome.FAILED, 0.0, message, required=True))
    cut = [path for path, text in current.texts.items() if _is_cut(job, path, text)]
    for path in cut:
        message = f"{path} reaches its limit in the middle of a sentence: it may have been cut."
        findings.append(Finding("whole_sentence", path, Outcome.FAILED, 0.0, message))
    failing = {*failing_paths(findings), *current.withheld, *cut}
    failing |= {path for path in job.paths if not current.texts.get(path)}
    current.findings = findings
    current.failing = [path for path in job.paths if path in failing]


def _is_cut(job: Job, path: str, text: str) -> bool:
    """Decoding that is held to a length ends where the length ends, also in the middle of a word."""
    field = job.format.field_for(path)
    limit = max_code_points(field, job.language) if field else 0
    # One less, because a space at the limit is not part of the text.
    return bool(limit) and len(text) >= limit - 1 and text[-1] not in _SENTENCE_ENDS


def _request(job: Job, variant: int, attempt: int, prompt: Prompt, ask: Ask, account: Account) -> BackendRequest:
    # Tries and variants differ by seed; without a seed of the caller's they differ by chance.
    seed = None if job.seed is None else (job.seed + 1000 * variant + attempt) % 2**32
    sampling = prompt.settings
    return BackendRequest(
        messages=ask.messages,
        max_tokens=_max_tokens(job, ask.paths),
        temperature=min(1.0, sampling.temperature + sampling.repair_heat * attempt),
        top_p=sampling.top_p,
        seed=seed,
        json_schema=_schema(job, ask.paths) if job.format.output is Output.JSON else None,
        adapter=job.adapter,
        account=account,
    )


def _schema(job: Job, paths: Sequence[str]) -> dict[str, Any]:
    """The schema of the texts at `paths` alone, without any digits that the facts do not have."""
    numbers = allowed_numbers(job.subject({}))
    schema = json_schema(job.format, job.counts, language=job.language, allowed_numbers=numbers)
    for name in list(schema["properties"]):
        wanted = sum(1 for path in paths if path == name or path.startswith(f"{name}["))
        if not wanted:
            del schema["properties"][name]
        elif "items" in schema["properties"][name]:
            schema["properties"][name] |= {"minItems": wanted, "maxItems": wanted}
    schema["required"] = list(schema["properties"])
    return schema


def _max_tokens(job: Job, paths: Sequence[str]) -> int:
    """Room for the longest texts allowed and the JSON around them."""
    characters = sum(field.max_length or _UNLIMITED for path in paths if (field := job.format.field_for(path)))
    dense = job.language.partition("-")[0] in WIDE_LANGUAGES
    return min(_MAX_TOKENS, characters // (1 if dense else 2) + 16 * len(paths) + 32)


def _repair(variant: int, seat: Seat) -> Switched:
    return Switched(variant, seat.info.name, seat.info.name, "repair", Resume.RESTARTED)
