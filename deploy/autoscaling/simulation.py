"""A burst against the manifests' numbers, event by event."""

import bisect
import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .autoscaler import Autoscaler
from .bursts import Burst
from .fleet import Fleet
from .inputs import Inputs, InputsError
from .manifests import ScaledObject, Serving
from .model_server import ModelServer, Request
from .routing import Routing

__all__ = ["Result", "simulate"]

_SCRAPE = 10.0
"""Seconds between looks of Prometheus, as components/telemetry has it."""
_GENERATOR_POLL = 1.0
_SAMPLE = 10.0
_WINDOW = 120.0
"""Of the `increase` that the trigger `wanted` asks for."""


@dataclass(slots=True)
class Result:
    """What became of everybody. Series are (second, value)."""

    burst: Burst
    requests: list[Request]
    gpu_seconds: float
    gpu_usd: float
    api_usd: float
    series: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    ended_at: float = 0.0


def simulate(
    burst: Burst, inputs: Inputs, scaled: ScaledObject, serving: Serving, *, seed: int = 1, replicas: int | None = None
) -> Result:
    """Until the burst is over and everybody is served. `replicas` run from the start, by default the least."""
    return _Run(burst, inputs, scaled, serving, seed, replicas).result()


class _Run:
    def __init__(
        self, burst: Burst, inputs: Inputs, scaled: ScaledObject, serving: Serving, seed: int, replicas: int | None
    ) -> None:
        self._burst, self._inputs, self._serving = burst, inputs, serving
        self._now = 0.0
        self._order = itertools.count()
        self._events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._scaler = Autoscaler(scaled, tolerance=inputs.tolerance, replicas=replicas)
        self._fleet = Fleet(inputs, serving)
        self._routing = Routing(serving, self._fleet, lambda: self._now)
        self._requests = list(burst.requests(inputs, seed))
        self._open = self._spilled = 0
        self._api_usd = 0.0
        self._server_of: dict[Request, ModelServer] = {}
        self._begun: list[float] = []
        self._seen = {trigger.name: 0.0 for trigger in scaled.triggers}
        self._samples: dict[str, list[tuple[float, float]]] = {
            name: []
            for name in (
                "rate",
                "demand",
                "queue",
                "batch",
                "api",
                "wanted",
                "serving",
                "gpu usd",
                "api usd",
                "spilled",
            )
        }
        if unknown := set(self._seen) - {"demand", "wanted", "queue", "batch"}:
            raise InputsError(f"trigger {sorted(unknown)[0]}: the simulation does not know what it asks Prometheus for")
        for every, look in (
            (_SCRAPE, self._scrape),
            (scaled.polling, lambda: self._scaler.poll(self._now, self._seen)),
            (inputs.hpa_sync, lambda: self._scaler.sync(self._now, self._seen)),
            (_GENERATOR_POLL, self._second),
            (_SAMPLE, self._sample),
        ):
            self._at(every, self._again, every, look)
        for request in self._requests:
            self._at(request.at, self._arrive, request)
        if replicas:
            self._fleet.want(replicas, -1e9)
            self._fleet.look(0.0)
            for pod in self._fleet.pods:
                pod.node_since = 0.0

    def result(self) -> Result:
        while self._events:
            at, _, what, arguments = heapq.heappop(self._events)
            if at > self._burst.seconds and not self._open:
                break
            self._now = at
            what(*arguments)
        self._sample()
        return Result(
            self._burst,
            self._requests,
            self._fleet.gpu_seconds(self._now),
            self._gpu_usd,
            self._api_usd,
            self._samples,
            self._now,
        )

    @property
    def _gpu_usd(self) -> float:
        return self._fleet.gpu_seconds(self._now) / 3600 * self._serving.gpu_usd_per_hour

    def _at(self, at: float, what: Callable[..., None], *arguments: Any) -> None:
        heapq.heappush(self._events, (at, next(self._order), what, arguments))

    def _again(self, every: float, look: Callable[[], None]) -> None:
        look()
        self._at(self._now + every, self._again, every, look)

    def _arrive(self, request: Request) -> None:
        self._open += 1
        self._begun.append(self._now)
        self._place(request)

    def _place(self, request: Request) -> None:
        to = self._routing.place(request)
        if isinstance(to, ModelServer):
            request.backend = "server"
            idle = to.next_at is None
            to.submit(request, self._now)
            self._server_of[request] = to
            self._at(self._now + self._serving.first_token_timeout, self._too_slow, request)
            if idle and to.next_at is not None:
                self._at(to.next_at, self._turn, to)
        elif to == "api":
            self._to_api(request)
        else:
            self._routing.waiting.append(request)

    def _to_api(self, request: Request) -> None:
        request.backend, request.sent = "api", self._now
        request.first = self._now + self._inputs.api_first_token
        request.done = request.first + request.output / self._inputs.api_token_rate
        self._routing.at_api += 1
        self._spilled += 1
        price = self._serving
        usd = request.prompt * price.api_usd_per_mtok_in + request.output * price.api_usd_per_mtok_out
        self._api_usd += usd / 1e6
        self._at(request.done, self._api_done)

    def _api_done(self) -> None:
        self._routing.at_api -= 1
        self._open -= 1

    def _too_slow(self, request: Request) -> None:
        if request.first is None and request.backend == "server" and self._routing.at_api < self._serving.api_slots:
            self._server_of.pop(request).withdraw(request)
            request.spilled = "slow"
            self._to_api(request)

    def _turn(self, server: ModelServer) -> None:
        _, done = server.advance()
        for request in done:
            del self._server_of[request]
            self._routing.ended(request)
            self._open -= 1
        if server.next_at is not None:
            self._at(server.next_at, self._turn, server)
        if done and self._routing.waiting:
            self._look_again()

    def _look_again(self) -> None:
        waiting, self._routing.waiting = list(self._routing.waiting), type(self._routing.waiting)()
        for request in waiting:
            if self._now - request.at > self._serving.max_wait:
                request.refused = True
                self._open -= 1
            else:
                self._place(request)

    def _second(self) -> None:
        self._fleet.want(self._scaler.replicas, self._now)
        self._fleet.look(self._now)
        self._routing.poll()
        self._look_again()

    def _scrape(self) -> None:
        recent = len(self._begun) - bisect.bisect_right(self._begun, self._now - _WINDOW)
        now = {
            "demand": float(self._open),
            "wanted": float(recent),
            "queue": float(sum(len(server.queue) for server in self._fleet.servers)),
            "batch": float(sum(server.size for server in self._fleet.servers)),
        }
        self._seen = {name: now[name] for name in self._seen}

    def _sample(self) -> None:
        queue = sum(len(server.queue) for server in self._fleet.servers) + len(self._routing.waiting)
        for name, value in (
            ("rate", self._burst.rate(self._now)),
            ("demand", self._open),
            ("queue", queue),
            ("batch", sum(server.size for server in self._fleet.servers)),
            ("api", self._routing.at_api),
            ("wanted", self._scaler.replicas),
            ("serving", len(self._fleet.taking)),
            ("gpu usd", self._gpu_usd),
            ("api usd", self._api_usd),
            ("spilled", self._spilled),
        ):
            self._samples[name].append((self._now, float(value)))
