"""One answer from several backends: nothing lost, nothing twice, and the reader is told."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy.conftest import Played

from adwright_generator.backends.base import (
    Backend,
    BackendBusy,
    BackendFailed,
    BackendMisconfigured,
    BackendRequest,
    BackendStalled,
    BackendUnavailable,
    Chunk,
    Continuation,
    Finish,
    Message,
    Resume,
    StopReason,
    Switch,
)
from adwright_generator.policy.failover import failover
from adwright_servicekit.errors import AdwrightError, InvalidInput

END = Finish(StopReason.STOP, 1, 1)
GONE = BackendUnavailable("gone")
SCHEMA = {
    "type": "object",
    "properties": {"text": {"type": "string", "minLength": 1, "maxLength": 40}},
    "required": ["text"],
    "additionalProperties": False,
}


async def run(request: BackendRequest, *backends: Any) -> tuple[str, list[Switch], Finish | None]:
    """The text as a reader has it at the end, the switches, and the end."""
    following = iter(backends[1:])

    async def successor(error: AdwrightError) -> Backend | None:
        return next(following, None)

    data, switches, finish = b"", [], None
    async for event in failover(backends[0], request, successor):
        match event:
            case Chunk():
                data += event.data
                data.decode()  # Never half a code point.
            case Switch():
                switches.append(event)
                data = b"" if event.resume is Resume.RESTARTED else data
            case Finish():
                finish = event
    return data.decode(), switches, finish


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (BackendBusy("full"), "overloaded"),
        (BackendUnavailable("gone"), "unavailable"),
        (BackendStalled("late"), "slow_start"),
        (BackendFailed("odd"), "failed"),
    ],
)
async def test_before_the_first_token_the_next_one_takes_over_unseen(
    played: Any, request_of: Any, error: Exception, reason: str
) -> None:
    second = played("b", [b"all of it", END])
    text, switches, finish = await run(request_of(), played("a", [error]), second)
    assert (text, finish) == ("all of it", END)
    assert switches == [Switch("a", "b", reason, Resume.EXACT_PREFIX)]
    assert second.requests[0].prefix == ""


async def test_the_same_model_goes_on_behind_the_very_text(played: Any, request_of: Any) -> None:
    second = played("b", [b"two", END])
    text, switches, _ = await run(request_of(max_tokens=10), played("a", [b"one ", b"and ", GONE]), second)
    assert text == "one and two"
    assert switches[0].resume is Resume.EXACT_PREFIX
    assert (second.requests[0].prefix, second.requests[0].max_tokens) == ("one and ", 8)


async def test_another_model_continues_and_one_that_cannot_starts_anew(played: Any, request_of: Any) -> None:
    first = [b"one ", GONE]
    asked = played("b", [b"two", END], model="other", continuation=Continuation.ASKED)
    text, switches, _ = await run(request_of(), played("a", first), asked)
    assert (text, switches[0].resume) == ("one two", Resume.CONTINUED)
    unable = played("b", [b"one two", END], continuation=Continuation.NONE)
    text, switches, _ = await run(request_of(), played("a", first), unable)
    assert (text, switches[0].resume) == ("one two", Resume.RESTARTED)
    assert unable.requests[0].prefix == ""


async def test_json_goes_on_only_where_its_rest_can_be_held(played: Any, request_of: Any) -> None:
    request = request_of(json_schema=SCHEMA)
    half = [b'{"text": "Sleep ', GONE]
    able = played("b", [b'well"}', END], continues_json=True)
    text, switches, _ = await run(request, played("a", half), able)
    assert (json.loads(text), switches[0].resume) == ({"text": "Sleep well"}, Resume.EXACT_PREFIX)
    unable = played("b", [b'{"text": "Sleep"}', END])
    text, switches, _ = await run(request, played("a", half), unable)
    assert (json.loads(text), switches[0].resume) == ({"text": "Sleep"}, Resume.RESTARTED)


async def test_whole_json_that_lost_only_its_end_asks_nobody(played: Any, request_of: Any) -> None:
    second = played("b", [b"never", END])
    text, switches, finish = await run(
        request_of(json_schema=SCHEMA), played("a", [b'{"text": "Sleep"}', GONE]), second
    )
    assert (text, switches, second.requests) == ('{"text": "Sleep"}', [], [])
    assert finish == Finish(StopReason.STOP)


async def test_half_a_character_is_written_again_whole(played: Any, request_of: Any) -> None:
    second = played("b", ["🎉!".encode(), END])
    text, _, _ = await run(request_of(), played("a", [b"Hey ", "🎉".encode()[:2], GONE]), second)
    assert text == "Hey 🎉!"
    assert second.requests[0].prefix == "Hey "


async def test_it_goes_on_through_any_number_of_failures(played: Any, request_of: Any) -> None:
    backends = [played(name, [name.encode(), GONE]) for name in "abcde"]
    text, switches, _ = await run(request_of(), *backends, played("f", [b"f", END]))
    assert text == "abcdef"
    assert [(s.source, s.target) for s in switches] == list(zip("abcde", "bcdef", strict=True))


async def test_the_last_error_is_raised_when_nobody_is_left(played: Any, request_of: Any) -> None:
    with pytest.raises(BackendFailed, match="odd"):
        await run(request_of(), played("a", [GONE]), played("b", [BackendFailed("odd")]))


async def test_what_the_caller_did_wrong_is_not_tried_elsewhere(played: Any, request_of: Any) -> None:
    second = played("b", [b"x", END])
    with pytest.raises(InvalidInput):
        await run(request_of(), played("a", [InvalidInput("too long")]), second)
    assert not second.requests


async def test_what_only_a_successor_cannot_take_is_not_the_callers_fault(played: Any, request_of: Any) -> None:
    small = played("b", [InvalidInput("too long for me", reason="PROMPT_TOO_LONG")])
    third = played("c", [b"two", END])
    text, switches, _ = await run(request_of(), played("a", [b"one ", GONE]), small, third)
    assert text == "one two"
    assert [s.target for s in switches] == ["b", "c"]
    with pytest.raises(BackendUnavailable, match="gone"):
        await run(request_of(), played("a", [b"one ", GONE]), played("b", [InvalidInput("too long")]))


async def test_one_that_has_lost_its_key_is_followed_by_another(played: Any, request_of: Any) -> None:
    text, switches, _ = await run(request_of(), played("a", [BackendMisconfigured("no key")]), played("b", [b"x", END]))
    assert (text, switches[0].reason) == ("x", "failed")


async def test_behind_a_prefix_nothing_is_restarted_from_within(played: Any, request_of: Any) -> None:
    """Who asked for the prefix has sent it already, and alone can take it back."""
    request = request_of(json_schema=SCHEMA, prefix='{"text": "Sle')
    second = played("b", [b'ep"}', END], continues_json=True)
    with pytest.raises(BackendUnavailable):
        await run(request, played("a", [b'"]]', GONE]), second)
    assert not second.requests


async def test_a_server_that_never_ends_is_left(played: Any, request_of: Any) -> None:
    with pytest.raises(BackendFailed, match="far more"):
        await run(request_of(), played("a", [b"x" * 100_000] * 4))


async def test_a_backend_that_just_ends_has_failed(played: Any, request_of: Any) -> None:
    text, switches, _ = await run(request_of(), played("a", [b"one "]), played("b", [b"two", END]))
    assert (text, switches[0].reason) == ("one two", "failed")


async def test_bytes_that_are_no_text_are_an_error_and_not_a_prefix(played: Any, request_of: Any) -> None:
    second = played("b", [b"x", END])
    with pytest.raises(BackendFailed, match="UTF-8"):
        failing = [item async for item in failover(played("a", [b"\xff\xfe", b"a", GONE]), request_of(), _to(second))]
        assert not failing


def _to(backend: Backend) -> Any:
    async def successor(error: AdwrightError) -> Backend | None:
        return backend

    return successor


@given(
    text=st.text(min_size=1, max_size=40),
    cuts=st.lists(st.integers(0, 160), max_size=5),
    size=st.integers(1, 7),
)
@settings(deadline=None)
def test_the_text_is_the_same_wherever_it_breaks_off(text: str, cuts: list[int], size: int) -> None:
    """Backends know the whole text, send what follows the prefix in pieces cut anywhere, and fail after some bytes."""
    import asyncio

    whole = text.encode()

    class Knows(Played):
        def __init__(self, name: str, fails_after: int | None) -> None:
            super().__init__(name)
            self.fails_after = fails_after

        async def generate(self, request: BackendRequest) -> Any:
            assert text.startswith(request.prefix)
            rest = whole[len(request.prefix.encode()) :]
            if self.fails_after is not None:
                rest = rest[: self.fails_after]
            for start in range(0, len(rest), size):
                yield Chunk(rest[start : start + size])
            if self.fails_after is not None:
                raise BackendUnavailable("gone")
            yield END

    backends = [Knows(str(number), cut) for number, cut in enumerate(cuts)] + [Knows("last", None)]
    request = BackendRequest((Message("user", "Write."),), 1000)
    got, _, finish = asyncio.run(run(request, *backends))
    assert (got, finish) == (text, END)
