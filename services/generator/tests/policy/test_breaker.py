"""The circuit breaker, on a clock that is moved by hand."""

from typing import Any

import pytest

from adwright_generator.backends.base import (
    BackendBusy,
    BackendDeclined,
    BackendFailed,
    BackendUnavailable,
    BreakerState,
    Finish,
    StopReason,
)
from adwright_generator.policy.breaker import CircuitBroken
from adwright_servicekit.errors import InvalidInput

GOOD = [b"x", Finish(StopReason.STOP)]
BAD = [BackendUnavailable("gone")]


async def call(backend: Any, request: Any) -> str:
    try:
        return b"".join([event.data async for event in backend.generate(request) if hasattr(event, "data")]).decode()
    except (BackendUnavailable, BackendFailed, BackendBusy, InvalidInput) as error:
        return type(error).__name__


def broken(inner: Any, clock: Any, failures: int = 3) -> CircuitBroken:
    return CircuitBroken(inner, failures=failures, window=10, open_for=15, now=clock)


async def test_it_opens_after_so_many_failures_and_then_asks_nobody(played: Any, clock: Any, request_of: Any) -> None:
    inner = played("a", BAD, BAD, [BackendFailed("odd")])
    backend = broken(inner, clock)
    for _ in range(3):
        assert backend.ready
        await call(backend, request_of())
    assert (backend.breaker, backend.ready) == (BreakerState.OPEN, False)
    with pytest.raises(BackendUnavailable) as caught:
        await anext(backend.generate(request_of()))
    assert caught.value.retry_after == 15
    assert len(inner.requests) == 3


async def test_failures_that_are_long_ago_do_not_count(played: Any, clock: Any, request_of: Any) -> None:
    backend = broken(played("a", BAD, BAD, BAD, BAD), clock)
    for _ in range(4):
        await call(backend, request_of())
        clock.forward(6)
    assert backend.breaker is BreakerState.CLOSED


async def test_a_few_failures_among_many_successes_do_not_open_it(played: Any, clock: Any, request_of: Any) -> None:
    backend = broken(played("a", *([GOOD] * 10), BAD, BAD, BAD, BAD), clock)
    for _ in range(14):
        await call(backend, request_of())
    assert backend.breaker is BreakerState.CLOSED


@pytest.mark.parametrize("error", [BackendBusy("full"), BackendDeclined("no"), InvalidInput("no")])
async def test_a_full_backend_a_refused_text_and_a_wrong_request_are_no_failures(
    played: Any, clock: Any, request_of: Any, error: Exception
) -> None:
    backend = broken(played("a", *([[error]] * 9)), clock)
    for _ in range(9):
        await call(backend, request_of())
    assert backend.breaker is BreakerState.CLOSED


async def test_after_a_while_a_single_request_tries_and_closes_it(played: Any, clock: Any, request_of: Any) -> None:
    inner = played("a", BAD, BAD, BAD, GOOD, GOOD)
    backend = broken(inner, clock)
    for _ in range(3):
        await call(backend, request_of())
    clock.forward(15)
    assert (backend.breaker, backend.ready) == (BreakerState.HALF_OPEN, True)
    trial = backend.generate(request_of())
    await anext(trial)
    assert not backend.ready
    assert await call(backend, request_of()) == "BackendBusy"
    async for _ in trial:
        pass
    assert (backend.breaker, backend.ready) == (BreakerState.CLOSED, True)
    assert await call(backend, request_of()) == "x"


async def test_a_trial_that_fails_opens_it_again(played: Any, clock: Any, request_of: Any) -> None:
    backend = broken(played("a", BAD, BAD, BAD, BAD), clock)
    for _ in range(3):
        await call(backend, request_of())
    clock.forward(15)
    await call(backend, request_of())
    assert backend.breaker is BreakerState.OPEN
    clock.forward(15)
    assert backend.breaker is BreakerState.HALF_OPEN


async def test_a_trial_whose_reader_leaves_makes_room_for_another(played: Any, clock: Any, request_of: Any) -> None:
    backend = broken(played("a", BAD, BAD, BAD, GOOD), clock)
    for _ in range(3):
        await call(backend, request_of())
    clock.forward(15)
    trial = backend.generate(request_of())
    await anext(trial)
    await trial.aclose()
    assert (backend.breaker, backend.ready) == (BreakerState.HALF_OPEN, True)
