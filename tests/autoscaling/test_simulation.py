"""The simulation keeps the plainest truths of queues, whatever its numbers are."""

from dataclasses import replace
from typing import Any

import pytest
from deploy.autoscaling.bursts import Burst
from deploy.autoscaling.inputs import Inputs
from deploy.autoscaling.manifests import Policy, Rules, ScaledObject, Serving, Trigger
from deploy.autoscaling.model_server import ModelServer, Request
from deploy.autoscaling.report import summary
from deploy.autoscaling.simulation import Result, simulate

INPUTS = Inputs.load()
STEADY = Burst("steady", "one a second for half an hour", [(0, 1.0), (30, 1.0)])
BURST = Burst("burst", "none, then six a second, then none", [(0, 0.0), (5, 0.1), (6, 6.0), (16, 6.0), (17, 0.0)])
SCALED = ScaledObject(
    polling=15,
    cooldown=600,
    least=0,
    most=4,
    triggers=(Trigger("demand", 16, 8), Trigger("wanted", 1000, 60), Trigger("queue", 8, 8), Trigger("batch", 16, 8)),
    up=Rules(30, (Policy(1, 60, False),)),
    down=Rules(300, (Policy(1, 180, False),)),
)
SERVING = Serving(
    slots=32,
    gpu_usd_per_hour=1.0,
    api_slots=512,
    api_usd_per_mtok_in=0.15,
    api_usd_per_mtok_out=0.6,
    max_predicted_wait=1.0,
    first_token_timeout=5.0,
    max_wait=10.0,
    node_kept=300.0,
)


def run(burst: Burst, *, replicas: int | None = None, **serving: Any) -> Result:
    return simulate(burst, INPUTS, SCALED, replace(SERVING, **serving), replicas=replicas)


@pytest.fixture(scope="module")
def woken() -> Result:
    """A burst that finds nobody awake."""
    return run(BURST)


def test_every_request_is_served_once_or_refused_and_none_is_lost(woken: Result) -> None:
    served = [r for r in woken.requests if r.done is not None]
    refused = [r for r in woken.requests if r.refused]
    assert len(served) + len(refused) == len(woken.requests) > 3000
    assert not {id(r) for r in served} & {id(r) for r in refused}
    assert {r.backend for r in served} == {"server", "api"}
    assert all(r.at <= r.first < r.done for r in served if r.first and r.done)
    assert sum(bool(r.spilled) for r in served) == sum(r.backend == "api" for r in served)


def test_demand_is_arrivals_times_stay_as_little_has_it() -> None:
    result = run(STEADY, replicas=2)
    stays = [r.done - r.at for r in result.requests if r.done]
    rate = len(result.requests) / STEADY.seconds
    in_system = [value for at, value in result.series["demand"] if 120 < at < STEADY.seconds]
    assert sum(in_system) / len(in_system) == pytest.approx(rate * sum(stays) / len(stays), rel=0.1)


def test_nothing_is_served_by_a_server_before_one_has_had_time_to_start(woken: Result) -> None:
    start = INPUTS.node_start + INPUTS.gpu_ready + INPUTS.image_pull + INPUTS.model_load
    asked = min(at for at, value in woken.series["wanted"] if value)
    first = min(r.sent for r in woken.requests if r.backend == "server")
    assert first >= asked - 10 + start
    assert all(r.spilled == "down" for r in woken.requests if r.sent < first)


def test_after_the_burst_all_replicas_go_and_then_their_nodes() -> None:
    quiet = Burst("then quiet", "a burst, and an hour of nothing", [*BURST.points, (80, 0.0)])
    result = run(quiet)
    assert result.series["serving"][-1][1] == 0
    paid = [value for _, value in result.series["gpu usd"]]
    assert paid[-1] == paid[-30] > 0, "five minutes later nobody pays any more"


def test_what_it_costs_is_what_was_used(woken: Result) -> None:
    figures = summary(woken)
    assert woken.gpu_usd == pytest.approx(woken.gpu_seconds / 3600 * SERVING.gpu_usd_per_hour)
    tokens = [(r.prompt, r.output) for r in woken.requests if r.backend == "api"]
    assert woken.api_usd == pytest.approx(sum(p * 0.15 + o * 0.6 for p, o in tokens) / 1e6)
    assert woken.series["api usd"][-1][1] == pytest.approx(woken.api_usd)
    assert figures["usd"] == pytest.approx(woken.gpu_usd + woken.api_usd)


def test_a_server_alone_writes_one_stream_at_the_speed_of_its_memory() -> None:
    server = ModelServer(INPUTS, 0.0)
    request = Request(0.0, 700, 150)
    server.submit(request, 0.0)
    while server.next_at is not None:
        server.advance()
    assert request.first == pytest.approx(INPUTS.weights_read + 700 * INPUTS.token_work)
    assert request.done is not None
    assert request.done - request.first == pytest.approx(149 * (INPUTS.weights_read + INPUTS.token_work))


def test_a_full_server_does_no_more_than_its_work_for_each_token_allows() -> None:
    server, requests = ModelServer(INPUTS, 0.0), [Request(0.0, 700, 150) for _ in range(200)]
    for request in requests:
        server.submit(request, 0.0)
    while server.next_at is not None:
        server.advance()
    ended = max(request.done or 0.0 for request in requests)
    work = 200 * 850 * INPUTS.token_work
    assert work < ended < 1.3 * work
    assert server.in_flight == 0


def test_without_an_api_to_go_to_they_wait_and_are_refused_after_the_longest_wait() -> None:
    result = run(BURST, api_slots=0, replicas=1)
    refused = [r for r in result.requests if r.refused]
    assert refused
    served = [r for r in result.requests if r.done]
    assert {r.backend for r in served} == {"server"}
    assert max(r.sent - r.at for r in served) <= SERVING.max_wait + 1


def test_the_same_seed_gives_the_same_and_another_one_something_else() -> None:
    one, two = (simulate(STEADY, INPUTS, SCALED, SERVING, seed=seed) for seed in (1, 2))
    assert summary(one) == summary(simulate(STEADY, INPUTS, SCALED, SERVING, seed=1))
    assert summary(one) != summary(two)
