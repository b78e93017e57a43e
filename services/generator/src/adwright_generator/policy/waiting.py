"""Bounded, fair waiting: by priority first, then evenly between tenants, then in order of arrival.

Within a priority each tenant has a virtual time, which grows by the cost of what it is served; the one furthest behind
is next. Source: start-time fair queuing, P. Goyal, H. Vin, H. Cheng, 1996.
"""

import heapq
from collections import deque
from collections.abc import Iterator
from enum import IntEnum
from typing import Generic, Protocol, TypeVar

__all__ = ["FairQueue", "Priority", "Waiting"]


class Priority(IntEnum):
    """Who goes first."""

    BEGUN = 0
    """A generation whose stream has begun and that lost its backend. Waits outside of the bound."""
    INTERACTIVE = 1
    """Somebody looks at the screen."""
    BATCH = 2
    """Nobody does."""


class Waiting(Protocol):
    """What can stand in the queue."""

    @property
    def tenant(self) -> str:
        """Between whom turns are shared."""
        ...

    @property
    def priority(self) -> Priority:
        """Who goes first."""
        ...

    @property
    def weight(self) -> int:
        """What its turn costs, at least 1."""
        ...


W = TypeVar("W", bound=Waiting)


class FairQueue(Generic[W]):
    """The order in which those who wait get their turn. Does not wait itself."""

    def __init__(self, max_waiting: int) -> None:
        """At most `max_waiting` at a time, not counting those of priority BEGUN."""
        self.max_waiting = max_waiting
        self._lines: dict[tuple[Priority, str], deque[W]] = {}
        self._served: dict[str, float] = {}
        self._now = 0.0
        """Virtual time of the last turn: where newcomers start, so that nobody saves up turns."""

    def __len__(self) -> int:
        """How many wait within the bound."""
        return sum(len(line) for (priority, _), line in self._lines.items() if priority is not Priority.BEGUN)

    def __bool__(self) -> bool:
        return bool(self._lines)

    def __iter__(self) -> Iterator[W]:
        """In the order of their turns. Stop iterating before you change the queue."""
        for priority in Priority:
            heads = [
                (self._start(tenant), order, tenant, 0)
                for order, (of, tenant) in enumerate(self._lines)
                if of is priority
            ]
            heapq.heapify(heads)
            while heads:
                start, order, tenant, place = heapq.heappop(heads)
                line = self._lines[priority, tenant]
                item = line[place]
                yield item
                if place + 1 < len(line):
                    heapq.heappush(heads, (start + item.weight, order, tenant, place + 1))

    def push(self, item: W) -> None:
        """Adds `item`, also to a full queue: see `overflow`."""
        self._lines.setdefault((item.priority, item.tenant), deque()).append(item)

    def overflow(self, newest: W) -> W | None:
        """Who has to leave a queue that `newest` made too long: the least urgent, of the tenant with the most waiting.

        So a tenant that floods the queue pushes out its own. None when there is room.
        """
        if newest.priority is Priority.BEGUN or len(self) <= self.max_waiting:
            return None
        lines = [(key, line) for key, line in self._lines.items() if key[0] is not Priority.BEGUN]
        (priority, _), longest = max(lines, key=lambda entry: (entry[0][0], len(entry[1])))
        own = self._lines[newest.priority, newest.tenant]
        return newest if newest.priority is priority and len(own) >= len(longest) else longest[-1]

    def remove(self, item: W) -> bool:
        """Takes `item` out, without a turn. False when it is not in."""
        line = self._lines.get((item.priority, item.tenant))
        if line is None or item not in line:
            return False
        line.remove(item)
        if not line:
            del self._lines[item.priority, item.tenant]
        return True

    def serve(self, item: W) -> None:
        """Takes `item` out: it has its turn."""
        self.remove(item)
        self._now = self._start(item.tenant)
        self._served[item.tenant] = self._now + item.weight
        if len(self._served) > 2 * (len(self._lines) + 64):
            # Those who are not ahead of the others start at the present anyway.
            self._served = {tenant: time for tenant, time in self._served.items() if time > self._now}

    def _start(self, tenant: str) -> float:
        return max(self._served.get(tenant, 0.0), self._now)
