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
from .decode import MalformedOutput
from .events import Ad, Delta, Switched, Withheld
from .guard import Rules
from .job import Job
from .policy.lease import Seat
from .prompting import Ask, Prompt
from .reading import Reading, Texts
from .relay import Pace

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
class _Try(Texts):
    """Texts of the ad after one try, and what became of it."""

    findings: Sequence[Finding] = ()
    failing: list[str] = field(default_factory=list)

    @property
    def rank(self) -> tuple[int, int, float]:
        """Fewer texts at fault, then more texts, then better scores."""
        scores = [f.score for f in self.findings if f.score is not None]
        return (-len(self.failing), len(self.texts), sum(scores) / len(scores) if scores else 0.0)


@dataclass(frozen=True, slots=True)
class _Writing:
    """What stays the same over all calls for a variant."""

    job: Job
    variant: int
    seat: Seat
    prompt: Prompt
    rules: Rules
    pace: Pace


async def write_variant(
    job: Job, variant: int, seat: Seat, prompt: Prompt, checks: Sequence[Check], pace: Pace, result: VariantResult
) -> AsyncGenerator[VariantEvent]:
    """Streams one variant and fills `result` at its end. The last thing streamed is the ad in `result`."""
    writing = _Writing(job, variant, seat, prompt, _rules(job, prompt), pace)
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
            request = _request(writing, attempt, ask, result.usage)
            async with aclosing(_write(writing, request, ask.paths, current)) as events:
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
    result.stop = StopReason.LENGTH if best.cut else StopReason.STOP


async def _write(
    writing: _Writing, request: BackendRequest, paths: Sequence[str], out: Texts
) -> AsyncGenerator[VariantEvent]:
    """One call to the model: its texts go to the wire and into `out`."""
    variant, before = writing.variant, dict(out.texts)
    reading = Reading(writing.job.format, paths, variant, writing.rules, out)
    try:
        async with aclosing(writing.seat.generate(request)) as events:
            async for event in events:
                if isinstance(event, Switch):
                    yield Switched(variant, event.source, event.target, event.reason, event.resume)
                    if event.resume is Resume.RESTARTED:
                        out.restart(before)
                        reading = Reading(writing.job.format, paths, variant, writing.rules, out)
                        for path, text in before.items():
                            yield Delta(variant, path, text)
                elif isinstance(event, Finish):
                    out.cut = out.cut or event.reason is StopReason.LENGTH
                else:
                    for item in reading.feed(event.data):
                        yield item
                    await writing.pace.rest()
        reading.end()
    except MalformedOutput as error:
        # Not the caller's fault and not the backend's: the texts that are missing are written again.
        _log.info("try of variant %d gave malformed output: %s", variant, type(error).__name__)
    for item in reading.rest():
        yield item


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


def _request(writing: _Writing, attempt: int, ask: Ask, account: Account) -> BackendRequest:
    job, sampling = writing.job, writing.prompt.settings
    # Tries and variants differ by seed; without a seed of the caller's they differ by chance.
    seed = None if job.seed is None else (job.seed + 1000 * writing.variant + attempt) % 2**32
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
