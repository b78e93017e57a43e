"""Events and resources that the tests of the client share."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import NamedTuple

from google.protobuf.duration_pb2 import Duration
from google.type.money_pb2 import Money

from adwright.context.v1.resources_pb2 import Brand, Exemplar, Product, Spec
from adwright.evaluator.v1.evaluator_service_pb2 import EvaluateTextResponse
from adwright.type.v1.ad_event_pb2 import (
    AdCompleted,
    AdDelta,
    AdEvent,
    AdStarted,
    AdSwitched,
    AdWithheld,
    Timings,
    Usage,
)
from adwright.type.v1.ad_pb2 import Ad, AdField, Check
from adwright.type.v1.format_pb2 import Format, FormatField
from adwright_client.testing import FakeGateway

__all__ = [
    "GENERATE",
    "TRACE",
    "Adwright",
    "Outcome",
    "command_environ",
    "completed",
    "delta",
    "restarted",
    "sample",
    "spawn",
    "started",
    "switched",
    "withheld",
]

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
GENERATE = ("generate", "--brand", "nordlys", "--product", "aurora-trail-2", "--format", "google-rsa")
FIELDS = (
    FormatField(
        field="headlines",
        min_count=3,
        max_count=15,
        default_count=2,
        max_length=30,
        counting=FormatField.COUNTING_EAST_ASIAN_WIDE_AS_TWO,
        repeated=True,
    ),
    FormatField(
        field="descriptions",
        min_count=2,
        max_count=4,
        default_count=1,
        max_length=90,
        counting=FormatField.COUNTING_EAST_ASIAN_WIDE_AS_TWO,
        repeated=True,
    ),
)
CHECKS = (
    Check(name="banned_terms", outcome=Check.OUTCOME_NOT_APPLICABLE, message="the brand bans no terms"),
    Check(
        name="facts",
        path="headlines[1]",
        outcome=Check.OUTCOME_FAILED,
        score=0.5,
        message="'2 kg' stands in no fact of the product: say 1.9 kg",
        required=True,
    ),
    Check(name="language", outcome=Check.OUTCOME_ERROR, message="the detector did not answer"),
    Check(name="limits", outcome=Check.OUTCOME_PASSED, score=1.0, message="all texts fit", required=True),
)


class Outcome(NamedTuple):
    """What a run of the command left behind."""

    code: int
    out: str
    err: str


Adwright = Callable[..., Awaitable[Outcome]]
"""Runs the command with some arguments; keywords are variables of its environment."""


def command_environ(gateway: FakeGateway) -> dict[str, str]:
    """The environment of a user of `gateway`."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "ADWRIGHT_"))}
    return kept | {
        "ADWRIGHT_GATEWAY_TARGET": gateway.address,
        "ADWRIGHT_API_KEY": gateway.api_key,
        "PYTHONUTF8": "1",
    }


async def spawn(gateway: FakeGateway, *arguments: str, **environ: str) -> asyncio.subprocess.Process:
    """The command in a process of its own, while it runs."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "adwright_client",
        *arguments,
        env=command_environ(gateway) | environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        # Whoever runs the tests in the background has told them to ignore Ctrl-C.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.default_int_handler),
    )


def started(variants: int = 1) -> AdEvent:
    return AdEvent(
        started=AdStarted(
            generation="generations/01jd8",
            format="formats/google-rsa",
            backend="embedded",
            model="SmolLM2-135M-Instruct",
            prompt_version="ad/v1@0123456789ab",
            context_revision="9f86d081884c7d65",
            language="en",
            variant_count=variants,
            fields=FIELDS,
            products=["brands/nordlys/products/aurora-trail-2"],
        )
    )


def delta(path: str, text: str, variant: int = 0) -> AdEvent:
    return AdEvent(delta=AdDelta(variant=variant, path=path, text=text))


def switched(variant: int = 0, resume: AdSwitched.Resume.ValueType = AdSwitched.RESUME_RESTARTED) -> AdEvent:
    event = AdSwitched(variant=variant, to="embedded", reason="repair", resume=resume)
    setattr(event, "from", "embedded")
    return AdEvent(switched=event)


def restarted(variant: int = 0) -> AdEvent:
    return switched(variant)


def withheld(path: str, variant: int = 0) -> AdEvent:
    return AdEvent(withheld=AdWithheld(variant=variant, path=path, rule="banned_terms"))


def completed(*ads: dict[str, str], valid: bool = True, checks: Iterable[Check] = CHECKS) -> AdEvent:
    def field(path: str, text: str) -> AdField:
        limit = next((f.max_length for f in FIELDS if path.startswith(f.field)), 0)
        return AdField(path=path, text=text, length=len(text), max_length=limit)

    return AdEvent(
        completed=AdCompleted(
            ads=[
                Ad(variant=number, valid=valid, fields=[field(path, text) for path, text in ad.items()])
                for number, ad in enumerate(ads)
            ],
            finish_reason=AdCompleted.FINISH_REASON_STOP,
            usage=Usage(input_tokens=412, output_tokens=96, model_calls=2),
            timings=Timings(
                first_delta=Duration(nanos=420_000_000),
                total=Duration(seconds=2, nanos=100_000_000),
                per_output_token=Duration(nanos=12_500_000),
            ),
            cost=Money(currency_code="USD", nanos=123_000),
            checks=checks,
            trace_id=TRACE,
        )
    )


def sample(gateway: FakeGateway) -> None:
    """A brand with two products and an exemplar, two formats, and an ad that is repaired once."""
    gateway.brands = [
        Brand(name=f"brands/{name}", display_name=name.title(), languages=["en", "sv"], etag="e1")
        for name in ("ciclobruma", "kesselfink", "nordlys")
    ]
    gateway.products = [
        Product(
            name=f"brands/nordlys/products/{name}",
            display_name=name.replace("-", " ").title(),
            specs=[Spec(label="weight", value="1.9 kg")],
            price=Money(currency_code="EUR", units=249),
            etag="e2",
        )
        for name in ("aurora-trail-2", "aurora-trail-3")
    ]
    gateway.exemplars = [
        Exemplar(
            name="brands/nordlys/exemplars/plain-en",
            format="formats/plain",
            language="en",
            fields=[AdField(path="text", text="Lätt som en sommarnatt. ⛺", length=25, max_length=90)],
            rating=5,
            etag="e3",
        )
    ]
    gateway.formats = [
        Format(name=f"formats/{name}", display_name=name.title(), platform=name, fields=FIELDS)
        for name in ("google-rsa", "meta-feed", "plain")
    ]
    gateway.verdict = EvaluateTextResponse(checks=CHECKS, passed=False, score=0.75)
    gateway.script = [
        started(),
        delta("headlines[0]", "Heavy"),
        restarted(),
        delta("headlines[0]", "Light as a "),
        delta("headlines[0]", "summer night"),
        delta("headlines[1]", "Weighs 2 kg"),
        completed({"headlines[0]": "Light as a summer night", "headlines[1]": "Weighs 2 kg"}, valid=False),
    ]
