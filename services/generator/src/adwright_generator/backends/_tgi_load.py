"""How busy a text-generation-inference server is, from its `/metrics` and from what was sent to it since.

Names of the metrics: router/src/server.rs and backends/v3/src/queue.rs, 3.x.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

__all__ = ["LoadTracker", "Stats", "parse_metrics"]

_QUEUE = "tgi_queue_size"
_BATCH = "tgi_batch_current_size"
_SUM = "tgi_request_inference_duration_sum"
_COUNT = "tgi_request_inference_duration_count"
_NAMES = (_QUEUE, _BATCH, _SUM, _COUNT)

_STALE_AFTER = 3.0
_TIMEOUTS = 3
_SERVICE_SECONDS = 2.0
"""Of a server that has not finished a generation yet; about 100 tokens at 50 tokens a second."""


@dataclass(frozen=True, slots=True)
class Stats:
    """One look at the metrics. Seconds and counts since the server started."""

    queue: float = 0.0
    batch: float = 0.0
    service_sum: float = 0.0
    service_count: float = 0.0


def parse_metrics(text: str) -> Stats | None:
    """The few metrics that count here; None when the text has none of them or cannot be read."""
    # The histograms are most of the text, and parsing them costs a hundred times more than looking at the names.
    lines = [line for line in text.splitlines() if line.startswith(_NAMES)]
    values = dict.fromkeys(_NAMES, 0.0)
    found = False
    try:
        for family in text_string_to_metric_families("\n".join(lines) + "\n"):
            for sample in family.samples:
                if sample.name in values and math.isfinite(sample.value) and sample.value >= 0:
                    values[sample.name] += sample.value
                    found = True
    except ValueError:
        return None
    return Stats(values[_QUEUE], values[_BATCH], values[_SUM], values[_COUNT]) if found else None


class LoadTracker:
    """Whether a server can be reached, and how long a new request would wait inside it.

    wait = queue x mean service time / batch: a queue of as many as the batch takes one service time to get its turn.
    The queue is the polled one and, if there was one, what was sent since: without a queue the server takes new
    requests into its running batch.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives seconds, as `time.monotonic` does."""
        self._clock = clock
        self._reachable = False
        self._timeouts = 0
        self._stats: Stats | None = None
        self._at = -math.inf
        self._in_flight = 0
        self._service = _SERVICE_SECONDS

    @property
    def reachable(self) -> bool:
        """True from the first answer, of whatever kind, until a connection fails or three polls in a row time out."""
        return self._reachable

    def answered(self, stats: Stats | None, in_flight: int) -> None:
        """A poll was answered, with `stats` unless they could not be had; `in_flight` requests are ours."""
        self._reachable, self._timeouts = True, 0
        if stats is None:
            return
        before = self._stats
        if before is None or stats.service_count < before.service_count:  # It started anew.
            before = Stats()
        if (count := stats.service_count - before.service_count) > 0:
            self._service = max(0.0, stats.service_sum - before.service_sum) / count
        self._stats, self._at, self._in_flight = stats, self._clock(), in_flight

    def timed_out(self) -> None:
        """A poll was not answered in time, which happens to busy servers too."""
        self._timeouts += 1
        if self._timeouts >= _TIMEOUTS:
            self._reachable = False

    def failed(self) -> None:
        """No connection could be made."""
        self._reachable, self._timeouts = False, 0

    def predicted_wait(self, in_flight: int) -> float:
        """Seconds; 0 when nothing is known, or nothing newer than 3 seconds. `in_flight` requests are ours now."""
        if self._stats is None or self._clock() - self._at > _STALE_AFTER or self._stats.queue <= 0:
            return 0.0
        queue = self._stats.queue + max(0, in_flight - self._in_flight)
        return queue * self._service / max(self._stats.batch, 1.0)
