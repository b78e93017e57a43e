"""Whatever goes wrong with a model server, and whenever: the caller gets the very text, or one clear status."""

import asyncio
import socket
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from resilience.conftest import (
    AD,
    CONTINUED,
    EXACT,
    JSON_TEXT,
    RESTARTED,
    TEXT,
    Seen,
    api,
    later,
    opened,
    prefixes,
    texts_of,
    tgi,
    until,
    wanting,
)

from adwright_generator.backends.fake_openai import FakeOpenAI, OpenAIScript
from adwright_generator.backends.fake_openai import Fault as ApiFault
from adwright_generator.backends.fake_tgi import FakeTgi, Fault, TgiScript

BUSY = (grpc.StatusCode.RESOURCE_EXHAUSTED, "BACKENDS_BUSY")
GONE = (grpc.StatusCode.UNAVAILABLE, "BACKEND_UNAVAILABLE")
LATE = (grpc.StatusCode.UNAVAILABLE, "BACKEND_STALLED")
ODD = (grpc.StatusCode.INTERNAL, "BACKEND_FAILED")
WRONG = (grpc.StatusCode.INVALID_ARGUMENT, "BACKEND_REJECTED")
NO_KEY = (grpc.StatusCode.UNAVAILABLE, "BACKEND_UNAUTHENTICATED")

WORDS = {BUSY: "overloaded", GONE: "unavailable", NO_KEY: "unavailable", LATE: "stalled", ODD: "failed"}

FAULTS = {
    "refused in a stream": (Fault.OVERLOADED, BUSY),
    "HTTP 429": (Fault.HTTP_429, BUSY),
    "HTTP 424": (Fault.HTTP_424, ODD),
    "HTTP 500": (Fault.HTTP_500, ODD),
    "failed while generating": (Fault.GENERATION_ERROR, ODD),
    "reset": (Fault.RESET, GONE),
    "closed": (Fault.CLOSE, GONE),
    "ended without the last event": (Fault.END, GONE),
    "stalled": (Fault.STALL, LATE),
    "malformed JSON": (Fault.MALFORMED, ODD),
    "half a character": (Fault.INVALID_UTF8, ODD),
    "half a character, then closed": (Fault.HALF_CHARACTER, GONE),
    "an error without error": (Fault.ODD_ERROR, ODD),
}
API_FAULTS = {
    "refused in a stream": (ApiFault.OVERLOADED, BUSY),
    "reset": (ApiFault.RESET, GONE),
    "closed": (ApiFault.CLOSE, GONE),
    "stalled": (ApiFault.STALL, LATE),
    "malformed JSON": (ApiFault.MALFORMED, ODD),
    "half a character": (ApiFault.HALF_CHARACTER, ODD),
    "an error without error": (ApiFault.ODD_ERROR, ODD),
}
API_STATUSES = {
    "HTTP 429": (ApiFault.HTTP_429, BUSY),
    "HTTP 401": (ApiFault.HTTP_401, NO_KEY),
    "HTTP 424": (ApiFault.HTTP_424, ODD),
    "HTTP 500": (ApiFault.HTTP_500, ODD),
}

WHEN = {"before the first token": 0, "in the middle": 7, "at the last token": 1_000}

# What comes right before these may be lost on the way, or not have been read yet.
CUTS = {Fault.RESET, Fault.CLOSE, Fault.HALF_CHARACTER, ApiFault.RESET, ApiFault.CLOSE}

SHORT = {"first_token_timeout": 0.25, "stall_timeout": 0.25}
LONG = {"first_token_timeout": 20.0, "stall_timeout": 20.0}
IMPATIENT = {"queue": {"max_wait": 0.2}}
"""Shorter than a backend that is full is left alone: it is asked once."""


def table(faults: dict[str, Any], when: dict[str, int]) -> Any:
    """One parameter set for each fault at each time."""
    return pytest.mark.parametrize(
        ("fault", "status", "at"),
        [
            pytest.param(fault, status, at, id=f"{name} {moment}")
            for name, (fault, status) in faults.items()
            for moment, at in when.items()
        ],
    )


@dataclass
class Expected:
    """The switch that a reader is told of, and what the next backend is told that there is already."""

    source: str
    target: str
    status: tuple[grpc.StatusCode, str]
    resume: int

    def holds(self, seen: Seen, prefix: str, *, begun: bool) -> None:
        """One switch, in the right words; and the next backend knows exactly the text that the reader has."""
        reason = "slow_start" if self.status is LATE and not begun else WORDS[self.status]
        assert seen.switches() == [(self.source, self.target, reason, self.resume)]
        had = "".join(seen.texts(until=seen.switched[0]).values())
        # White space at the end of a field is not sent until something follows it.
        assert prefix.rstrip() == had
        assert TEXT.startswith(prefix)


def tokens(count: int, size: int = 3) -> str:
    """What the doubles have said after so many events."""
    said, events = "", 0
    for start in range(0, len(TEXT), size):
        piece = TEXT[start : start + size]
        events += 2 if piece[-1] > "\u07ff" else 1
        if events > count:
            break
        said += piece
    return said


def failing(fault: Fault, at: int, text: str = TEXT) -> FakeTgi:
    return FakeTgi([TgiScript(text, tokens=(3,), fault=fault, at=at)])


@pytest.mark.parametrize("target", ["another replica", "an API"])
@table(FAULTS, WHEN)
async def test_another_one_goes_on(
    ask: Any, fault: Fault, status: tuple[grpc.StatusCode, str], at: int, target: str
) -> None:
    replica = target == "another replica"
    timeouts = SHORT if status is LATE else LONG
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(failing(fault, at))
        second: FakeTgi | FakeOpenAI
        if replica:
            second = later(await stack.enter_async_context(FakeTgi([TgiScript(TEXT)])))
            entries = [tgi(first, second, **timeouts)]
        else:
            second = await stack.enter_async_context(FakeOpenAI([OpenAIScript(TEXT)]))
            entries = [tgi(first, **timeouts), api(second)]
        door = await stack.enter_async_context(opened(*entries))
        seen = await door.write(wanting(ask))
        spent = [backend.spend.model_calls for backend in (await door.status()).backends]
    completed = seen.completed()
    assert completed.ads[0].fields[0].text == TEXT
    assert completed.usage.model_calls == sum(spent) == 2
    [of_first], [of_second] = prefixes(first, second)
    assert of_first == ""
    if fault not in CUTS:
        assert of_second == tokens(at)
    resume = EXACT if replica else CONTINUED
    Expected("tgi", "tgi" if replica else "api", status, resume).holds(seen, of_second, begun=bool(of_second))


async def test_a_stall_is_noticed_in_its_time_however_long_the_first_token_may_take(ask: Any) -> None:
    """As for big models behind a queue: the first token may take a minute, the next one may not."""
    timeouts = {"first_token_timeout": 60, "stall_timeout": 0.2}
    async with (
        failing(Fault.STALL, 7) as first,
        FakeTgi([TgiScript(TEXT)]) as second,
        opened(tgi(first, later(second), **timeouts)) as door,
    ):
        seen = await door.write(wanting(ask), timeout=10)
    assert seen.completed().ads[0].fields[0].text == TEXT
    assert seen.switches() == [("tgi", "tgi", "stalled", EXACT)]


@table(FAULTS, WHEN)
async def test_nobody_is_left(ask: Any, fault: Fault, status: tuple[grpc.StatusCode, str], at: int) -> None:
    async with (
        failing(fault, at) as only,
        opened(tgi(only, **(SHORT if status is LATE else LONG)), **IMPATIENT) as door,
    ):
        seen = await door.write(wanting(ask))
        assert (await door.status("tgi")).in_flight == 0
    error = seen.failed(*status)
    assert prefixes(only) == [[""]]
    assert seen.switches() == []
    got = seen.texts().get("text", "")
    assert TEXT.startswith(got)
    if fault not in CUTS:
        assert got == tokens(at).rstrip()
    if status is BUSY:
        assert error.retry_after is not None
        assert error.retry_after >= 1.0


@pytest.mark.parametrize("target", ["another replica", "an API", "nobody"])
@pytest.mark.parametrize("at", WHEN.values(), ids=WHEN.keys())
async def test_what_is_the_callers_fault_is_not_tried_elsewhere(ask: Any, at: int, target: str) -> None:
    async with (
        failing(Fault.VALIDATION, at) as first,
        FakeTgi([TgiScript(TEXT)]) as second,
        FakeOpenAI([OpenAIScript(TEXT)]) as third,
    ):
        later(second)
        entries = {
            "another replica": [tgi(first, second)],
            "an API": [tgi(first), api(third)],
            "nobody": [tgi(first)],
        }[target]
        async with opened(*entries) as door:
            seen = await door.write(wanting(ask))
    seen.failed(*WRONG)
    assert [len(server.calls) for server in (first, second, third)] == [1, 0, 0]
    assert seen.switches() == []


SLOW = {
    "before the first token": TgiScript(TEXT, tokens=(40,), first_delay=0.3),
    "in the middle": TgiScript(TEXT, tokens=(20,), tokens_per_second=8),
    "at the last token": TgiScript(TEXT, tokens=(len(TEXT) - 1, 1), tokens_per_second=4),
}


@pytest.mark.parametrize("script", SLOW.values(), ids=SLOW.keys())
async def test_one_that_is_slow_but_alive_is_not_left(ask: Any, script: TgiScript) -> None:
    """Though there are others. All of it takes longer than the stall timeout; no pause does."""
    timeouts = {"first_token_timeout": 1.0, "stall_timeout": 0.7}
    async with (
        FakeTgi([script]) as first,
        FakeTgi() as second,
        FakeOpenAI() as third,
        opened(tgi(first, later(second), **timeouts), api(third)) as door,
    ):
        seen = await door.write(wanting(ask))
    assert seen.completed().ads[0].fields[0].text == TEXT
    assert seen.switches() == []
    assert [len(server.calls) for server in (first, second, third)] == [1, 0, 0]


@pytest.mark.parametrize("target", ["another replica", "an API", "nobody"])
async def test_connection_refused_before_the_first_token(ask: Any, target: str) -> None:
    async with FakeTgi() as first, FakeTgi([TgiScript(TEXT)]) as second, FakeOpenAI([OpenAIScript(TEXT)]) as third:
        later(second)
        entries = {
            "another replica": [tgi(first, second)],
            "an API": [tgi(first), api(third)],
            "nobody": [tgi(first)],
        }[target]
        async with opened(*entries) as door:
            await first.refuse()
            seen = await door.write(wanting(ask))
    assert not first.calls
    if target == "nobody":
        seen.failed(*GONE)
        return
    assert seen.completed().ads[0].fields[0].text == TEXT
    replica = target == "another replica"
    switch = ("tgi", "tgi" if replica else "api", "unavailable", EXACT if replica else CONTINUED)
    # A look at the load that came in between has found it gone, and it is not asked at all.
    assert seen.switches() in ([switch], [])
    assert prefixes(second if replica else third) == [[""]]


@pytest.mark.parametrize("at", [7, 1_000], ids=["in the middle", "at the last token"])
async def test_a_server_that_refuses_new_connections_ends_the_streams_it_has(ask: Any, at: int) -> None:
    """As one that is being drained does."""
    pause = TgiScript(TEXT, tokens=(3,) if at == 7 else (len(TEXT) - 1, 1), tokens_per_second=60 if at == 7 else 6)
    async with FakeTgi([pause]) as first, FakeOpenAI() as second, opened(tgi(first), api(second)) as door:
        seen = Seen()
        reading = asyncio.create_task(door.follow(door.begin(wanting(ask)), seen))
        await until(lambda: len(seen.texts()) > 0)
        await first.refuse()
        await reading
    assert seen.completed().ads[0].fields[0].text == TEXT
    assert (len(first.calls), seen.switches(), second.calls) == (1, [], [])


@pytest.fixture
def no_names(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Call it, and no host name resolves from then on. Where names come from is the system, not the generator."""
    real = socket.getaddrinfo

    def numbers_only(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host is None or str(host).replace(".", "").isdigit():
            return real(host, *args, **kwargs)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    return lambda: monkeypatch.setattr(socket, "getaddrinfo", numbers_only)


@pytest.mark.parametrize("target", ["another replica", "an API", "nobody"])
async def test_a_name_that_does_not_resolve_is_nobody(ask: Any, no_names: Any, target: str) -> None:
    no_names()
    async with FakeTgi([TgiScript(TEXT)]) as second, FakeOpenAI([OpenAIScript(TEXT)]) as third:
        entries = {
            "another replica": [tgi("http://tgi.invalid:80", second)],
            "an API": [tgi("http://tgi.invalid:80"), api(third)],
            "nobody": [tgi("http://tgi.invalid:80")],
        }[target]
        async with opened(*entries) as door:
            seen = await door.write(wanting(ask))
            down = await door.state("tgi")
    if target == "nobody":
        seen.failed(*GONE)
        assert down == "DOWN"
        return
    assert seen.completed().ads[0].fields[0].text == TEXT
    assert seen.switches() == []
    assert prefixes(second if target == "another replica" else third) == [[""]]


async def test_replicas_that_were_found_need_no_names_any_more(ask: Any, no_names: Any) -> None:
    async with (
        FakeTgi([TgiScript(TEXT, tokens_per_second=100), TgiScript(TEXT)]) as server,
        opened(tgi(f"http://localhost:{server.port}")) as door,
    ):
        seen = Seen()
        reading = asyncio.create_task(door.follow(door.begin(wanting(ask)), seen))
        await until(lambda: len(seen.texts()) > 0)
        no_names()
        await reading
        after = await door.write(wanting(ask))
    for one in (seen, after):
        assert one.completed().ads[0].fields[0].text == TEXT
        assert one.switches() == []


@pytest.mark.parametrize("target", ["TGI", "nobody"])
async def test_an_api_whose_name_does_not_resolve(ask: Any, no_names: Any, target: str) -> None:
    no_names()
    async with FakeTgi([TgiScript(TEXT)]) as second:
        entries = [api("http://api.invalid/v1"), *([tgi(second)] if target == "TGI" else [])]
        async with opened(*entries) as door:
            seen = await door.write(wanting(ask))
    if target == "nobody":
        seen.failed(*GONE)
        return
    assert seen.completed().ads[0].fields[0].text == TEXT
    Expected("api", "tgi", GONE, CONTINUED).holds(seen, "", begun=False)
    assert prefixes(second) == [[""]]


def failing_api(fault: ApiFault, at: int) -> FakeOpenAI:
    return FakeOpenAI([OpenAIScript(TEXT, chunk_characters=(3,), fault=fault, at=at)])


def api_table(test: Any) -> Any:
    """What goes wrong inside a stream at each time; statuses, which come in place of one."""
    rows = [
        pytest.param(fault, status, at, id=f"{name} {moment}")
        for name, (fault, status) in API_FAULTS.items()
        for moment, at in WHEN.items()
    ] + [pytest.param(fault, status, 0, id=name) for name, (fault, status) in API_STATUSES.items()]
    return pytest.mark.parametrize(("fault", "status", "at"), rows)(test)


@api_table
async def test_tgi_goes_on_for_an_api(ask: Any, fault: ApiFault, status: tuple[grpc.StatusCode, str], at: int) -> None:
    timeouts = SHORT if status is LATE else LONG
    async with (
        failing_api(fault, at) as first,
        FakeTgi([TgiScript(TEXT)]) as second,
        opened(api(first, **timeouts), tgi(second)) as door,
    ):
        seen = await door.write(wanting(ask))
    completed = seen.completed()
    assert completed.ads[0].fields[0].text == TEXT
    assert completed.usage.model_calls == 2
    [of_first], [of_second] = prefixes(first, second)
    assert of_first == ""
    if fault not in CUTS:
        assert of_second == TEXT[: 3 * at]
    Expected("api", "tgi", status, CONTINUED).holds(seen, of_second, begun=bool(of_second))


@api_table
async def test_nobody_is_left_after_an_api(
    ask: Any, fault: ApiFault, status: tuple[grpc.StatusCode, str], at: int
) -> None:
    timeouts = SHORT if status is LATE else LONG
    async with failing_api(fault, at) as only, opened(api(only, **timeouts), **IMPATIENT) as door:
        seen = await door.write(wanting(ask))
    error = seen.failed(*status)
    assert len(only.calls) == 1
    assert seen.switches() == []
    got = seen.texts().get("text", "")
    assert TEXT.startswith(got)
    if fault not in CUTS:
        assert got == TEXT[: 3 * at].rstrip()
    if status is BUSY:
        assert error.retry_after is not None
        assert error.retry_after >= 1.0


@pytest.mark.parametrize("target", ["TGI", "nobody"])
async def test_what_an_api_finds_wrong_with_the_request_is_not_tried_elsewhere(ask: Any, target: str) -> None:
    async with (
        failing_api(ApiFault.VALIDATION, 0) as first,
        FakeTgi([TgiScript(TEXT)]) as second,
        opened(api(first), *([tgi(second)] if target == "TGI" else [])) as door,
    ):
        seen = await door.write(wanting(ask))
    seen.failed(*WRONG)
    assert (len(first.calls), len(second.calls)) == (1, 0)


@pytest.mark.parametrize("target", ["TGI", "nobody"])
async def test_an_api_that_refuses_connections(ask: Any, target: str) -> None:
    async with (
        FakeOpenAI() as first,
        FakeTgi([TgiScript(TEXT)]) as second,
        opened(api(first), *([tgi(second)] if target == "TGI" else [])) as door,
    ):
        await first.refuse()
        seen = await door.write(wanting(ask))
    assert not first.calls
    if target == "nobody":
        seen.failed(*GONE)
        return
    assert seen.completed().ads[0].fields[0].text == TEXT
    Expected("api", "tgi", GONE, CONTINUED).holds(seen, "", begun=False)


JSON_FAULTS = {
    name: FAULTS[name]
    for name in ("refused in a stream", "HTTP 424", "reset", "ended without the last event", "stalled")
}


@pytest.mark.parametrize("target", ["another replica", "an API"])
@table(JSON_FAULTS, WHEN)
async def test_json_goes_on_inside_or_starts_anew(
    ask: Any, fault: Fault, status: tuple[grpc.StatusCode, str], at: int, target: str
) -> None:
    """TGI holds the rest of a JSON text to its grammar, so another replica goes on; an API cannot, and begins again."""
    replica = target == "another replica"
    timeouts = SHORT if status is LATE else LONG
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(failing(fault, at, JSON_TEXT))
        second: FakeTgi | FakeOpenAI
        if replica:
            second = later(await stack.enter_async_context(FakeTgi([TgiScript(JSON_TEXT)])))
            entries = [tgi(first, second, **timeouts)]
        else:
            second = await stack.enter_async_context(FakeOpenAI([OpenAIScript(JSON_TEXT)]))
            entries = [tgi(first, **timeouts), api(second)]
        door = await stack.enter_async_context(opened(*entries))
        seen = await door.write(wanting(ask, "google-rsa"))
    completed = seen.completed()
    assert {text.path: text.text for text in completed.ads[0].fields} == texts_of(AD) == seen.texts()
    whole = at == 1_000
    if not second.calls:
        # Only the end was lost, and the text is whole without it: nobody is asked.
        assert whole
        assert seen.switches() == []
        return
    assert fault in CUTS or not whole
    [prefix] = prefixes(second)[0]
    begun = at > 0
    if replica:
        assert JSON_TEXT.startswith(prefix)
        assert bool(prefix) == begun or fault in CUTS
        resume = EXACT
    else:
        assert prefix == ""
        assert second.calls[0].body["response_format"]["type"] == "json_schema"
        resume = RESTARTED if seen.texts(until=seen.switched[0]) or (fault not in CUTS and begun) else CONTINUED
    reason = "slow_start" if status is LATE and not begun else WORDS[status]
    if fault in CUTS and not replica:
        assert seen.switches()[0][:3] == ("tgi", "api", reason)
    else:
        assert seen.switches() == [("tgi", "tgi" if replica else "api", reason, resume)]
