"""An ad as events over HTTP: as they happen, and again for whoever lost the connection."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx2
import pytest
from behind import KEY, Edge

from adwright.type.v1 import ad_event_pb2
from adwright_servicekit.errors import Unavailable

BODY = {"brand": "nordlys", "products": ["aurora-trail-2"], "format": "google-rsa"}
EVENTS = {"accept": "text/event-stream"}
TEXT = 'Lätt som en fjäder ❄\n"nästan" — \U0001f3d4'


class Event:
    """One server-sent event."""

    def __init__(self, lines: Sequence[str]) -> None:
        fields = dict(line.split(": ", 1) for line in lines)
        self.kind, self.id = fields["event"], fields.get("id", "")
        self.data: Any = json.loads(fields["data"])


async def events(answer: httpx2.Response) -> AsyncIterator[Event]:
    lines: list[str] = []
    async for line in answer.aiter_lines():
        if line.startswith(":"):
            continue
        if line:
            lines.append(line)
        elif lines:
            yield Event(lines)
            lines = []


@pytest.fixture
async def http(edge: Edge) -> AsyncIterator[httpx2.AsyncClient]:
    headers = {"authorization": f"Bearer {KEY}"}
    async with httpx2.AsyncClient(base_url=edge.url, headers=headers, timeout=10) as client:
        yield client


@pytest.fixture
def writing(edge: Edge) -> Edge:
    """The generator writes TEXT, character by character, a little at a time."""
    completed = ad_event_pb2.AdEvent(completed=ad_event_pb2.AdCompleted(trace_id="0" * 32))
    started = ad_event_pb2.AdStarted(format="formats/google-rsa")
    deltas = [ad_event_pb2.AdEvent(delta=ad_event_pb2.AdDelta(path="headlines[0]", text=c)) for c in TEXT]
    edge.generator.events = [ad_event_pb2.AdEvent(started=started), *deltas, completed]
    edge.generator.pause = 0.01
    return edge


async def test_events_have_names_ids_and_the_same_json_as_everywhere(http: httpx2.AsyncClient, writing: Edge) -> None:
    async with http.stream("POST", "/v1/ads:generate", json=BODY, headers=EVENTS) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        found = [event async for event in events(answer)]
    assert [found[0].kind, found[1].kind, found[-1].kind] == ["started", "delta", "completed"]
    name = found[0].data["started"]["generation"].removeprefix("generations/")
    assert [event.id for event in found] == [f"{name}/{number}" for number in range(len(found))]
    assert found[1].data == {"delta": {"variant": 0, "path": "headlines[0]", "text": "L"}}
    assert "".join(event.data["delta"]["text"] for event in found if event.kind == "delta") == TEXT


@pytest.mark.parametrize("after", [0, 1, 7, len(TEXT)])
async def test_a_broken_connection_is_resumed_without_a_doubled_character(
    http: httpx2.AsyncClient, writing: Edge, after: int
) -> None:
    read: list[Event] = []
    async with http.stream("POST", "/v1/ads:generate", json=BODY, headers=EVENTS) as answer:
        async for event in events(answer):
            read.append(event)
            if len(read) > after:
                break
    await asyncio.sleep(0.05)
    headers = EVENTS | {"last-event-id": read[-1].id}
    async with http.stream("POST", "/v1/ads:generate", json=BODY, headers=headers) as answer:
        assert answer.status_code == 200, await answer.aread()
        read += [event async for event in events(answer)]
    assert "".join(event.data["delta"]["text"] for event in read if event.kind == "delta") == TEXT
    assert [event.kind for event in read].count("completed") == 1
    assert len(writing.generator.asked) == 1


async def test_what_was_read_to_its_end_can_be_read_again(http: httpx2.AsyncClient, writing: Edge) -> None:
    async with http.stream("POST", "/v1/ads:generate", json=BODY, headers=EVENTS) as answer:
        first = [event async for event in events(answer)]
    async with http.stream("POST", "/v1/ads:generate", headers=EVENTS | {"last-event-id": first[0].id}) as answer:
        assert [event.data async for event in events(answer)] == [event.data for event in first[1:]]


@pytest.mark.parametrize(
    ("last", "status", "reason"),
    [("g1/x", 400, "INVALID_INPUT"), ("", 400, "INVALID_INPUT"), ("nobodys/3", 404, "STREAM_GONE")],
)
async def test_an_id_that_is_none_of_ours(http: httpx2.AsyncClient, last: str, status: int, reason: str) -> None:
    answer = await http.post("/v1/ads:generate", headers=EVENTS | {"last-event-id": last})
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)


async def test_a_client_that_will_not_come_back_stops_the_generator(http: httpx2.AsyncClient, writing: Edge) -> None:
    writing.generator.pause = 0.5
    headers = EVENTS | {"adwright-resumable": "false"}
    async with http.stream("POST", "/v1/ads:generate", json=BODY, headers=headers) as answer:
        await anext(events(answer))
    await asyncio.wait_for(writing.generator.closed.wait(), 2)


async def test_who_leaves_while_waiting_for_the_whole_stops_the_generator(
    http: httpx2.AsyncClient, writing: Edge
) -> None:
    writing.generator.pause = 0.5
    asking = asyncio.create_task(http.post("/v1/ads:generate", json=BODY))
    async with asyncio.timeout(5):
        while not writing.generator.asked:  # noqa: ASYNC110 - it is on the other side of a socket
            await asyncio.sleep(0.01)
    asking.cancel()
    await asyncio.wait_for(writing.generator.closed.wait(), 2)


async def test_an_error_before_the_first_event_is_a_problem(http: httpx2.AsyncClient, writing: Edge) -> None:
    answer = await http.post("/v1/ads:generate", json=BODY | {"brand": "nobody"}, headers=EVENTS)
    assert (answer.status_code, answer.json()["reason"]) == (404, "BRAND_NOT_FOUND")


async def test_an_error_afterwards_is_the_last_event(http: httpx2.AsyncClient, writing: Edge) -> None:
    writing.generator.events = writing.generator.events[:3]
    writing.generator.fails = Unavailable("the model server went away", reason="BACKENDS_UNAVAILABLE")
    async with http.stream("POST", "/v1/ads:generate", json=BODY, headers=EVENTS) as answer:
        found = [event async for event in events(answer)]
    assert [event.kind for event in found] == ["started", "delta", "delta", "error"]
    assert (found[-1].data["status"], found[-1].data["reason"]) == (503, "BACKENDS_UNAVAILABLE")


async def test_many_streams_at_once_do_not_mix(http: httpx2.AsyncClient, writing: Edge) -> None:
    async def text() -> str:
        async with http.stream("POST", "/v1/ads:generate", json=BODY, headers=EVENTS) as answer:
            return "".join([e.data["delta"]["text"] async for e in events(answer) if e.kind == "delta"])

    assert await asyncio.gather(*(text() for _ in range(20))) == [TEXT] * 20
