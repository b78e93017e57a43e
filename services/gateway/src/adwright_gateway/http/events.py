"""AdEvents as server-sent events, as they happen and again for those whose connection broke."""

from __future__ import annotations

import asyncio
import json
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Final

from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from adwright.type.v1 import ad_event_pb2
from adwright_servicekit.errors import AdwrightError, FailedPrecondition, NotFound

from ..event_kinds import KINDS
from .messages import to_json
from .problems import problem
from .relay import Relay

__all__ = ["KEPT_FOR", "LiveAd", "LiveAds", "event_json", "sse"]

KEPT_FOR: Final = 60.0
"""So long a stream can be resumed after its reader left, or after its end. Units: seconds."""
_HEARTBEAT: Final = 15.0
_MOST_KEPT: Final = 2000


@dataclass(eq=False)
class LiveAd:
    """A generation that is streamed, or was a moment ago."""

    tenant: str
    relay: Relay
    resumable: bool
    id: str = ""
    reader: int = 0
    """Counts readers; the newest one has the stream."""
    idle_since: float = field(default_factory=time.monotonic)


class LiveAds:
    """The streams of this gateway that can be resumed here."""

    def __init__(self, kept_for: float = KEPT_FOR) -> None:
        self._kept_for = kept_for
        self._ads: OrderedDict[str, LiveAd] = OrderedDict()
        self._timers: set[asyncio.TimerHandle] = set()

    def add(self, ad: LiveAd) -> None:
        """Makes it known under its id; the oldest one gives way where there are too many."""
        self._ads[ad.id] = ad
        if len(self._ads) > _MOST_KEPT:
            self._drop(next(iter(self._ads.values())))

    def find(self, tenant: str, ad_id: str) -> LiveAd:
        """Raises NotFound when it is not here, or not this tenant's."""
        ad = self._ads.get(ad_id)
        if ad is None or ad.tenant != tenant:
            raise NotFound(
                "this stream cannot be resumed any more: its minute is over, or another gateway has it; ask anew",
                reason="STREAM_GONE",
            )
        return ad

    def cancel(self, tenant: str, ad_id: str) -> None:
        """Ends one. Raises NotFound."""
        self._drop(self.find(tenant, ad_id))

    def left(self, ad: LiveAd) -> None:
        """Its reader left: it goes on for a while, or ends at once where nobody can come back."""
        if not ad.resumable or ad.id not in self._ads:
            self._drop(ad)
            return
        since = ad.idle_since = time.monotonic()

        def later() -> None:
            self._timers.discard(timer)
            if ad.idle_since == since:
                self._drop(ad)

        timer = asyncio.get_running_loop().call_later(self._kept_for, later)
        self._timers.add(timer)

    def close(self) -> None:
        """Ends all."""
        for timer in self._timers:
            timer.cancel()
        for ad in list(self._ads.values()):
            self._drop(ad)

    def _drop(self, ad: LiveAd) -> None:
        self._ads.pop(ad.id, None)
        ad.relay.cancel()


async def sse(ads: LiveAds, ad: LiveAd, start: int, heartbeat: float = _HEARTBEAT) -> AsyncGenerator[bytes]:
    """The events from number `start` on, each with its id, and one `error` where the call failed."""
    ad.reader += 1
    reader = ad.reader
    ad.idle_since = 0.0
    batches = ad.relay.read(start)
    waiting: asyncio.Future[list[tuple[int, bytes]]] | None = None
    try:
        while True:
            waiting = waiting or asyncio.ensure_future(anext(batches))
            done, _ = await asyncio.wait([waiting], timeout=heartbeat)
            if ad.reader != reader:
                taken = FailedPrecondition("another connection reads this stream now", reason="STREAM_TAKEN")
                yield _error(taken)
                return
            if not done:
                yield KEEPALIVE_COMMENT
                continue
            finished, waiting = waiting, None
            try:
                batch = finished.result()
            except StopAsyncIteration:
                return
            except AdwrightError as error:
                yield _error(error)
                return
            yield b"".join(_event(ad.id, number, data) for number, data in batch)
    finally:
        if waiting is not None:
            waiting.cancel()
        if ad.reader == reader:
            ads.left(ad)


def event_json(data: bytes) -> str:
    """An encoded AdEvent as JSON; the many small ones without a detour."""
    event = ad_event_pb2.AdEvent.FromString(data)
    if KINDS[data[0]] != "delta":
        return to_json(event).decode()
    delta = event.delta
    text = json.dumps(delta.text, ensure_ascii=False)
    return f'{{"delta":{{"variant":{delta.variant},"path":"{delta.path}","text":{text}}}}}'


def _event(ad_id: str, number: int, data: bytes) -> bytes:
    return format_sse_event(data_str=event_json(data), event=KINDS[data[0]], id=f"{ad_id}/{number}")


def _error(error: AdwrightError) -> bytes:
    return format_sse_event(data_str=json.dumps(problem(error), ensure_ascii=False), event="error")
