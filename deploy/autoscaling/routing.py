"""Where the generator sends a request: its own prediction of the wait, over servers that are simulated.

Left out: the circuit breaker, and that several generators do not know of each other's requests until the next poll.
"""

import math
from collections import deque
from collections.abc import Callable

from adwright_generator.backends._tgi_load import LoadTracker, Stats

from .fleet import Fleet
from .manifests import Serving
from .model_server import ModelServer, Request

__all__ = ["Routing"]

_FIRST_GUESS, _NEWEST = 5.0, 0.2
"""As `adwright_generator.policy.slots` has them."""


class Routing:
    """The generators together. `Api` is what takes the rest: so many at a time."""

    def __init__(self, serving: Serving, fleet: Fleet, clock: Callable[[], float]) -> None:
        self._serving = serving
        self._fleet = fleet
        self._clock = clock
        self._trackers: dict[ModelServer, LoadTracker] = {}
        self._hold = _FIRST_GUESS
        self.waiting: deque[Request] = deque()
        self.at_api = 0

    def poll(self) -> None:
        """The generators' look at each server's metrics."""
        for server in self._fleet.servers:
            tracker = self._trackers.setdefault(server, LoadTracker(self._clock))
            stats = Stats(len(server.queue), server.size, server.work_seconds, server.finished)
            tracker.answered(stats, server.in_flight)

    def ended(self, request: Request) -> None:
        """Somebody is done at the model servers."""
        self._hold += _NEWEST * (self._clock() - request.sent - self._hold)

    def place(self, request: Request) -> ModelServer | str:
        """A server; `api`; or `wait`. Notes on the request why it spilled."""
        servers = self._fleet.taking
        if servers:
            server = min(servers, key=lambda s: (self._inside(s), s.in_flight))
            missing = 1 - sum(self._serving.slots - s.in_flight for s in servers)
            wait = max(0, missing) * self._hold / (self._serving.slots * len(servers))
            predicted = wait + self._inside(server)
            if not wait and predicted <= self._serving.max_predicted_wait:
                return server
            waited = self._clock() - request.at
            if waited + predicted <= self._serving.max_predicted_wait:
                return "wait"
        if self.at_api < self._serving.api_slots:
            request.spilled = "wait" if servers else "down"
            return "api"
        return "wait"

    def _inside(self, server: ModelServer) -> float:
        tracker = self._trackers.get(server)
        if server.in_flight >= self._serving.slots:
            return math.inf
        return tracker.predicted_wait(server.in_flight) if tracker else 0.0
