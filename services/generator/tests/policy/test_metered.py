"""What is accounted: all that was used, whichever way a call ends."""

from typing import Any

import pytest

from adwright_generator.backends.accounting import Account
from adwright_generator.backends.base import (
    BackendBusy,
    BackendStalled,
    BackendUnavailable,
    Finish,
    Message,
    Price,
    StopReason,
)
from adwright_generator.policy.metered import Metered, SharedTime

BY_TOKEN = Price(usd_per_mtok_in=1_000_000, usd_per_mtok_out=2_000_000)
PROMPT = (Message("user", "x" * 40),)


async def read(backend: Metered, request: Any) -> None:
    async for _ in backend.generate(request):
        pass


async def test_the_counts_of_the_backend_are_taken_and_priced(played: Any, request_of: Any) -> None:
    total = Account()
    request = request_of()
    await read(Metered(played("a", [b"x", Finish(StopReason.STOP, 7, 3)], price=BY_TOKEN), total), request)
    assert request.account == total == Account(7, 3, estimated=False, model_calls=1, cost_usd=13.0)


async def test_without_counts_they_are_estimated(played: Any, request_of: Any) -> None:
    request = request_of(messages=PROMPT)
    await read(Metered(played("a", [b"x", b"y", Finish(StopReason.STOP)], price=BY_TOKEN), Account()), request)
    assert request.account == Account(10, 2, estimated=True, model_calls=1, cost_usd=14.0)


async def test_a_reader_who_leaves_pays_for_what_was_written(played: Any, request_of: Any) -> None:
    request = request_of(messages=PROMPT)
    events = Metered(played("a", [b"x", b"y", b"z"], price=BY_TOKEN), Account()).generate(request)
    await anext(events)
    await anext(events)
    await events.aclose()
    assert (request.account.input_tokens, request.account.output_tokens) == (10, 2)


@pytest.mark.parametrize(
    ("error", "tokens"), [(BackendBusy("full"), 0), (BackendUnavailable("gone"), 0), (BackendStalled("slow"), 10)]
)
async def test_a_prompt_that_was_turned_away_costs_nothing(
    played: Any, request_of: Any, error: Exception, tokens: int
) -> None:
    request = request_of(messages=PROMPT)
    with pytest.raises(type(error)):
        await read(Metered(played("a", [error], price=BY_TOKEN), Account()), request)
    assert (request.account.input_tokens, request.account.model_calls) == (tokens, 1)


async def test_a_stream_that_broke_off_is_paid_for_as_far_as_it_came(played: Any, request_of: Any) -> None:
    request = request_of(messages=PROMPT)
    with pytest.raises(BackendUnavailable):
        await read(Metered(played("a", [b"x", BackendUnavailable("gone")]), Account()), request)
    assert (request.account.input_tokens, request.account.output_tokens) == (10, 1)


async def test_an_hour_of_a_machine_is_split_over_what_it_works_on(played: Any, request_of: Any, clock: Any) -> None:
    backend = Metered(played("a", [b"x", b"y"], [b"x", b"y"], price=Price(usd_per_hour=3600)), Account(), now=clock)
    first, second = request_of(), request_of()
    one, two = backend.generate(first), backend.generate(second)
    await anext(one)
    clock.forward(4)
    await anext(two)
    clock.forward(6)
    await one.aclose()
    clock.forward(1)
    await two.aclose()
    assert first.account.cost_usd == pytest.approx(4 + 3)
    assert second.account.cost_usd == pytest.approx(3 + 1)


def test_idle_time_is_nobodys(clock: Any) -> None:
    time = SharedTime(clock)
    clock.forward(100)
    entered = time.enter()
    clock.forward(2)
    assert time.leave(entered) == pytest.approx(2)
