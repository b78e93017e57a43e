"""Those who read ads during a rollout, over gRPC and as server-sent events, and what each of them saw."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import grpc
from google.protobuf import json_format

from adwright.gateway.v1 import ad_service_pb2, ad_service_pb2_grpc
from adwright.type.v1 import ad_event_pb2
from adwright_client.fold import AdView
from adwright_generator.backends.fake_tgi import TgiCall
from adwright_generator.backends.fake_tgi_text import said, split_prompt

from .cluster import Cluster

__all__ = ["Readers", "Stream", "texts_written"]

_LONGEST = 280.0


@dataclass(eq=False, slots=True)
class Stream:
    """One generation as its reader saw it. `brief` is its name: no other has it."""

    brief: str
    over: str
    """`grpc` or `http`."""
    kinds: list[str] = field(default_factory=list)
    view: AdView = field(default_factory=AdView)
    error: str = ""
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    """Its first text is there, or its end."""
    first_at: float = 0.0
    """Of the first text; monotonic seconds, as is the other."""
    ended_at: float = 0.0

    @property
    def text(self) -> str:
        """As its deltas put it together."""
        return self.view.texts.get((0, "text"), "")

    def apply(self, event: ad_event_pb2.AdEvent) -> None:
        kind = event.WhichOneof("event") or ""
        self.kinds.append(kind)
        self.view.apply(event)
        if kind == "delta" and not self.first_at:
            self.first_at = time.monotonic()
            self.begun.set()

    def fault(self) -> str:
        """What is wrong with it: not exactly one beginning and one end, or an error; empty when it is whole."""
        if self.error:
            return f"{self.brief} over {self.over}: {self.error}"
        whole = self.kinds[:1] == ["started"] and self.kinds[-1:] == ["completed"]
        if not whole or self.kinds.count("started") != 1 or self.kinds.count("completed") != 1:
            return f"{self.brief} over {self.over}: {self.kinds[:2]} … {self.kinds[-2:]}"
        [ad] = self.view.completed.ads if self.view.completed else [None]
        if ad is None or [f.text for f in ad.fields] != [self.text]:
            return f"{self.brief} over {self.over}: the deltas are not the text of the ad"
        return ""


class Readers:
    """Reads over one gRPC channel that knows the gateways by their name, and over HTTP as a load balancer would."""

    def __init__(self, cluster: Cluster, channel: grpc.aio.Channel, session: aiohttp.ClientSession) -> None:
        self._cluster = cluster
        self._session = session
        self._generate: Any = ad_service_pb2_grpc.AdServiceStub(channel).GenerateAd
        self.authorized = (("authorization", f"Bearer {cluster.key}"),)

    async def read(self, stream: Stream, backend: str) -> Stream:
        """To the end, whatever it is."""
        events = self._over_grpc if stream.over == "grpc" else self._over_http
        try:
            async for event in events(_request(stream.brief, backend)):
                stream.apply(event)
        except grpc.aio.AioRpcError as error:
            stream.error = f"{error.code().name} {error.details()}"
        except (aiohttp.ClientError, OSError, RuntimeError) as error:
            stream.error = repr(error)
        stream.ended_at = time.monotonic()
        stream.begun.set()
        return stream

    async def _over_grpc(self, request: ad_service_pb2.GenerateAdRequest) -> AsyncIterator[ad_event_pb2.AdEvent]:
        async for event in self._generate(request, metadata=self.authorized, timeout=_LONGEST):
            yield event

    async def _over_http(self, request: ad_service_pb2.GenerateAdRequest) -> AsyncIterator[ad_event_pb2.AdEvent]:
        gateway = random.choice(self._cluster.deployments["gateway"].pods)
        headers = {"authorization": f"Bearer {self._cluster.key}", "accept": "text/event-stream"}
        async with self._session.post(
            f"http://{gateway.at('http')}/v1/ads:generate", json=json_format.MessageToDict(request), headers=headers
        ) as answer:
            if answer.status != 200:
                raise RuntimeError(f"{answer.status} {await answer.text()}")
            async for line in answer.content:
                if line.startswith(b"event: error"):
                    raise RuntimeError((await answer.content.readline()).decode())
                if line.startswith(b"data: "):
                    yield json_format.Parse(line[6:], ad_event_pb2.AdEvent())


def _request(brief: str, backend: str) -> ad_service_pb2.GenerateAdRequest:
    return ad_service_pb2.GenerateAdRequest(
        brand="nordlys", products=["aurora-trail-2"], format="plain", brief=brief, backend=backend, max_repairs=0
    )


def texts_written(calls: Iterable[TgiCall], length: int) -> dict[str, list[str]]:
    """By brief: what the model server's double wrote, once for each time that it was asked."""
    written: dict[str, list[str]] = {}
    for call in calls:
        conversation, _ = split_prompt(call.body["inputs"])
        # The last one: those before are of the examples.
        brief = conversation.rsplit("Brief: ", 1)[1].split("\n", 1)[0]
        text = said(conversation, call.body["parameters"].get("seed"), None, length)
        written.setdefault(brief, []).append(text)
    return written
