"""What the command says, in words: shared by the live view and by plain lines."""

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple
from unicodedata import category

from google.protobuf.duration_pb2 import Duration
from google.type.money_pb2 import Money

from adwright.type.v1.ad_event_pb2 import AdCompleted, AdSwitched, AdWithheld
from adwright.type.v1.ad_pb2 import Check

from ..fold import AdView

__all__ = ["MARKS", "Heading", "Row", "duration", "facts", "money", "notice", "printable", "rows", "scored", "verdict"]

MARKS = {
    Check.OUTCOME_PASSED: "✓",
    Check.OUTCOME_FAILED: "✗",
    Check.OUTCOME_NOT_APPLICABLE: "–",
    Check.OUTCOME_ERROR: "!",
    Check.OUTCOME_UNSPECIFIED: "?",
}


_COMMANDS = {"Cc", "Cs"}
# Bidirectional embeddings and overrides, which can make a text read as another one.
_OVERRIDES = "\u202a\u202b\u202c\u202d\u202e"


class Heading(NamedTuple):
    """What was asked, and of whom."""

    brand: str
    format: str
    target: str


class Row(NamedTuple):
    """One text of an ad as it is shown."""

    path: str
    text: str
    length: int
    limit: int
    """0: none."""
    pending: bool
    """Announced by the format, not begun."""


def printable(text: str) -> str:
    """The text without what would command a terminal: a model's words are not to move the cursor."""
    return "".join("�" if c != "\n" and (category(c) in _COMMANDS or c in _OVERRIDES) else c for c in text)


def rows(view: AdView, variant: int) -> list[Row]:
    """The texts of a variant in the format's order; while it is written also those still to come."""
    if view.completed is not None:
        for ad in view.completed.ads:
            if ad.variant == variant:
                return [Row(f.path, printable(f.text), f.length, f.max_length, False) for f in ad.fields]
    texts = view.fields(variant)
    expected = [
        f"{field.field}[{index}]" if field.repeated else field.field
        for field in (view.started.fields if view.started else ())
        for index in range(field.default_count)
    ]
    order = {field.field: place for place, field in enumerate(view.started.fields if view.started else ())}

    def place(path: str) -> tuple[int, int]:
        field, _, index = path.partition("[")
        return order.get(field, len(order)), int(index.rstrip("]") or 0) if index else 0

    paths = sorted(dict.fromkeys([*texts, *expected]), key=place)
    return [
        Row(path, printable(texts.get(path, "")), *view.length_of(path, texts.get(path, "")), path not in texts)
        for path in paths
    ]


def verdict(view: AdView, variant: int) -> bool | None:
    """Whether the finished variant is valid; None while that is not known."""
    for ad in view.completed.ads if view.completed else ():
        if ad.variant == variant:
            return ad.valid
    return None


def notice(event: AdSwitched | AdWithheld) -> str:
    """`repair: variant 0 starts again`."""
    if isinstance(event, AdWithheld):
        return printable(f"withheld: variant {event.variant} {event.path}, by the rule {event.rule}")
    how = {
        AdSwitched.RESUME_RESTARTED: "starts again",
        AdSwitched.RESUME_EXACT_PREFIX: "goes on where it was",
        AdSwitched.RESUME_CONTINUED: "goes on from its text",
    }.get(event.resume, "goes on")
    on = f" with {event.to}" if event.to and event.to != getattr(event, "from") else ""
    return printable(f"{event.reason or 'switched'}: variant {event.variant} {how}{on}")


def scored(check: Check) -> str:
    """The score with two digits, empty where there is none."""
    return f"{check.score:.2f}" if check.HasField("score") else ""


def duration(value: Duration) -> str:
    """`0.42 s`, or `12 ms` for what is short."""
    seconds = value.ToNanoseconds() / 1e9
    return f"{seconds:.2f} s" if seconds >= 0.1 else f"{seconds * 1000:.0f} ms"


def money(value: Money) -> str:
    """`249.00 EUR`; fractions of a cent are kept."""
    amount = (Decimal(value.units) + Decimal(value.nanos) / 10**9).quantize(Decimal("0.000000001"))
    whole, _, fraction = f"{amount:f}".partition(".")
    return f"{whole}.{fraction.rstrip('0'):0<2} {value.currency_code or 'USD'}"


def facts(view: AdView) -> Iterable[tuple[str, str]]:
    """What is worth knowing of a finished generation: (label, value)."""
    started, done = view.started, view.completed
    if done is None:
        return
    if done.finish_reason == AdCompleted.FINISH_REASON_LENGTH:
        yield "finish", "a token limit cut the ad"
    elif done.finish_reason == AdCompleted.FINISH_REASON_CHECKS_FAILED:
        yield "finish", "required checks still fail after the last repair"
    usage, timings = done.usage, done.timings
    calls = f"{usage.model_calls} model call{'' if usage.model_calls == 1 else 's'}"
    estimated = " (estimated)" if usage.estimated else ""
    yield "tokens", f"{usage.input_tokens} in, {usage.output_tokens} out{estimated}, {calls}"
    per_token = timings.per_output_token.ToNanoseconds() / 1e9
    rate = f", {1 / per_token:.1f} tokens/s" if per_token else ""
    queued = f", {duration(timings.queued)} queued" if timings.queued.ToNanoseconds() else ""
    yield "time", f"{duration(timings.first_delta)} to the first words, {duration(timings.total)} in all{rate}{queued}"
    cost = done.cost
    yield "cost", money(cost) if cost.units or cost.nanos else "none: this backend has no price"
    if started is not None:
        yield "model", printable(f"{started.model} on {started.backend}")
        yield "prompt", printable(f"{started.prompt_version}, context {started.context_revision}")
        yield "generation", printable(started.generation)
    yield "trace", printable(done.trace_id)
