"""What the tests of resilience share: a generator between real gRPC and doubles of model servers."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import grpc
from test_contract import hold_contract

from adwright.generator.v1 import generator_service_pb2 as pb
from adwright.generator.v1 import generator_service_pb2_grpc as pb_grpc
from adwright.type.v1 import ad_event_pb2
from adwright_checks import Check, default_checks
from adwright_generator.backends.fake_openai import FakeOpenAI, OpenAICall
from adwright_generator.backends.fake_tgi import FakeTgi, TgiCall
from adwright_generator.backends.fake_tgi_text import split_prompt
from adwright_generator.config import GeneratorConfig
from adwright_generator.convert import Formats
from adwright_generator.fleet import Fleet
from adwright_generator.generation import Generations
from adwright_generator.prompting import PromptLibrary
from adwright_generator.servicer import SERVICE, GeneratorServicer
from adwright_servicekit.errors import AdwrightError
from adwright_servicekit.status import from_rpc_error
from adwright_servicekit.telemetry import Telemetry
from adwright_servicekit.testing import as_tenant, serving

TEXT = "Nordlys: 夜でも暖かい 🏕️ — naïve cafe\u0301, 雪の朝も “light” 👩‍🚀 Zürich → Tromsø ✨ sleep well."
"""Characters of one to four bytes, combining ones among them, and clusters of several code points."""

AD = {
    "headlines": ["Tält 🏕️ i natt", "夜の道 “lätt”", "Cafe\u0301 \\ is"],
    "descriptions": ["Sov gott — överallt ✨.", "雪の朝も、暖かく👩‍🚀。"],
}
JSON_TEXT = json.dumps(AD, ensure_ascii=False)
COUNTS = {"headlines": 3, "descriptions": 2}

EXACT = ad_event_pb2.AdSwitched.RESUME_EXACT_PREFIX
CONTINUED = ad_event_pb2.AdSwitched.RESUME_CONTINUED
RESTARTED = ad_event_pb2.AdSwitched.RESUME_RESTARTED

PATIENT = 20.0
"""Seconds. Bounds what never happens when all goes well."""


def tgi(*servers: FakeTgi | str, **fields: Any) -> dict[str, Any]:
    """An entry of kind `tgi` whose replicas are these servers, or URLs."""
    urls = [server if isinstance(server, str) else server.url for server in servers]
    return {"name": "tgi", "kind": "tgi", "url": urls, "model": "fake", **fields}


def api(server: FakeOpenAI | str, **fields: Any) -> dict[str, Any]:
    """An entry of kind `openai`."""
    url = server if isinstance(server, str) else server.url
    return {"name": "api", "kind": "openai", "base_url": url, "model": "gpt-fake", "residency": "us", **fields}


def later(server: FakeTgi) -> FakeTgi:
    """Makes the server look busy enough that another replica is chosen first."""
    server.queue_size = server.batch_size = 1
    return server


@dataclass
class Seen:
    """What one caller got of one generation."""

    events: list[ad_event_pb2.AdEvent] = field(default_factory=list)
    code: grpc.StatusCode = grpc.StatusCode.OK
    error: AdwrightError | None = None

    def kinds(self) -> list[str | None]:
        return [event.WhichOneof("event") for event in self.events]

    @property
    def backend(self) -> str:
        return self.events[0].started.backend

    @property
    def switched(self) -> list[ad_event_pb2.AdSwitched]:
        return [event.switched for event in self.events if event.HasField("switched")]

    def switches(self) -> list[tuple[str, str, str, int]]:
        return [(s.__getattribute__("from"), s.to, s.reason, s.resume) for s in self.switched]

    def texts(self, until: ad_event_pb2.AdSwitched | None = None) -> dict[str, str]:
        """The texts of a single variant as a reader of deltas has them: at the end, or when `until` came."""
        texts: dict[str, str] = {}
        for event in self.events:
            if event.HasField("delta"):
                texts[event.delta.path] = texts.get(event.delta.path, "") + event.delta.text
            elif event.HasField("switched"):
                if event.switched == until:
                    break
                if event.switched.resume == RESTARTED:
                    texts.clear()
        return texts

    def completed(self) -> ad_event_pb2.AdCompleted:
        """The end of a generation that went well. Holds the stream to its contract."""
        assert self.error is None, f"{self.code.name} {self.error}"
        done: ad_event_pb2.AdCompleted = hold_contract(self.events)
        return done

    def failed(self, code: grpc.StatusCode, reason: str) -> AdwrightError:
        """The status of one that did not. It is the only end."""
        assert self.error is not None, "it went through"
        assert (self.code, self.error.reason) == (code, reason), self.error.message
        assert "completed" not in self.kinds()
        assert self.kinds().count("started") <= 1
        assert self.error.message.strip()
        return self.error


class Door:
    """The generator as its callers have it."""

    def __init__(self, stub: Any) -> None:
        self.stub = stub

    async def write(self, request: pb.GenerateRequest, *, tenant: str = "demo", timeout: float = PATIENT) -> Seen:
        """One generation, to its end."""
        seen = Seen()
        await self.follow(self.begin(request, tenant=tenant, timeout=timeout), seen)
        return seen

    def begin(self, request: pb.GenerateRequest, *, tenant: str = "demo", timeout: float = PATIENT) -> Any:
        """The call, to be read or cancelled."""
        return self.stub.Generate(request, metadata=as_tenant(tenant), timeout=timeout)

    async def follow(self, call: Any, seen: Seen) -> None:
        """Reads a call to its end into `seen`."""
        try:
            async for event in call:
                seen.events.append(event)
        except grpc.aio.AioRpcError as error:
            seen.code = error.code()
            seen.error = from_rpc_error(error, error.code(), error.details() or "")

    async def status(self, name: str = "") -> Any:
        """What ListBackends says: all of it, or one backend."""
        listed = await self.stub.ListBackends(pb.ListBackendsRequest(), metadata=as_tenant())
        if not name:
            return listed
        [found] = [backend for backend in listed.backends if backend.name == name]
        return found

    async def state(self, name: str) -> str:
        """Of a backend: `READY`."""
        number = (await self.status(name)).state
        return pb.BackendStatus.State.Name(number).removeprefix("STATE_")


@cache
def _read_once() -> tuple[PromptLibrary, Sequence[Check], Formats]:
    return PromptLibrary(), default_checks(), Formats()


@asynccontextmanager
async def opened(*backends: Mapping[str, Any], **routing: Any) -> AsyncIterator[Door]:
    """A generator with these entries, in this order. Its timeouts are long and its breakers patient unless told."""
    patient: dict[str, Any] = {
        "first_token_timeout": PATIENT,
        "stall_timeout": PATIENT,
        "breaker": {"failures": 1_000_000},
    }
    config = GeneratorConfig.model_validate({"backends": list(backends), "routing": patient | routing})
    prompts, checks, formats = _read_once()
    async with Fleet(prompts, Telemetry("adwright-generator")) as fleet:
        await fleet.configure(config)
        servicer = GeneratorServicer(Generations(fleet.dispatcher, prompts, checks), fleet, formats)
        add = partial(pb_grpc.add_GeneratorServiceServicer_to_server, servicer)
        async with serving(add, [SERVICE]) as channel:
            yield Door(pb_grpc.GeneratorServiceStub(channel))


def wanting(ask: Callable[..., pb.GenerateRequest], ad_format: str = "plain", **fields: Any) -> pb.GenerateRequest:
    """A request whose texts nobody repairs or holds back: what comes is what the model servers said."""
    counts = {"field_counts": COUNTS} if ad_format == "google-rsa" else {}
    request = ask(ad_format, **({"max_repairs": 0} | counts | fields))
    del request.context.brand.banned_terms[:]
    del request.context.brand.competitors[:]
    return request


def prefix_of(call: TgiCall | OpenAICall) -> str:
    """What a call says that the answer begins with already."""
    if isinstance(call, TgiCall):
        return split_prompt(call.body["inputs"])[1]
    turns = call.body["messages"]
    return str(turns[-2]["content"]) if turns[-2]["role"] == "assistant" else ""


def prefixes(*servers: FakeTgi | FakeOpenAI) -> list[list[str]]:
    """The prefixes of all calls, server by server."""
    return [[prefix_of(call) for call in server.calls] for server in servers]


def texts_of(ad: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """An ad's texts by path."""
    return {f"{name}[{place}]": text for name, texts in ad.items() for place, text in enumerate(texts)}


async def until(happened: Callable[[], Any], seconds: float = 10.0) -> None:
    """Waits for something that has no event of its own."""
    async with asyncio.timeout(seconds):
        while True:
            found = happened()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return
            await asyncio.sleep(0.01)
