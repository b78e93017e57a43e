"""Writes down what becomes of each generation, also when nobody waits for it any more."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from adwright.gateway.v1 import ad_service_pb2
from adwright.gateway.v1 import generation_service_pb2 as pb
from adwright.type.v1 import ad_event_pb2
from adwright_resources.partitions import new_id
from adwright_servicekit.call import Identity
from adwright_servicekit.errors import AdwrightError
from adwright_servicekit.status import to_status

from .history import History

__all__ = ["Record", "Recorder"]

_log = logging.getLogger(__name__)

_MOST_WAITING: Final = 1000
_AT_THE_END: Final = 5.0
_BEFORE_THE_CALLER: Final = 1.0


class Recorder:
    """Hands out records, and finishes what they began."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._writing: set[asyncio.Task[None]] = set()

    def begin(self, identity: Identity, request: ad_service_pb2.GenerateAdRequest) -> Record:
        """A record of a generation that is asked for now."""
        now = self._history.now()
        generation = pb.Generation(name=f"generations/{new_id(now)}", request=request, key=identity.key)
        generation.create_time.FromDatetime(now)
        return Record(self, identity.tenant, generation)

    async def write(self, tenant: str, generation: pb.Generation) -> None:
        """Keeps it, or says in the log that it could not be kept: an ad is worth more than its record."""
        try:
            await self._history.put(tenant, generation)
        except AdwrightError as error:
            _log.warning("%s was not recorded: %s", generation.name, error.message)

    def write_soon(self, tenant: str, generation: pb.Generation) -> asyncio.Task[None] | None:
        """As `write`, in the background; None where too many wait already."""
        if len(self._writing) >= _MOST_WAITING:
            _log.warning("%s was not recorded: too many others wait to be", generation.name)
            return None
        task = asyncio.create_task(self.write(tenant, generation))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)
        return task

    async def close(self) -> None:
        """Waits for what is being written."""
        if self._writing:
            await asyncio.wait(self._writing, timeout=_AT_THE_END)


class Record:
    """One generation, as it becomes known."""

    def __init__(self, recorder: Recorder, tenant: str, generation: pb.Generation) -> None:
        self._recorder = recorder
        self._tenant = tenant
        self._generation = generation

    @property
    def name(self) -> str:
        """`generations/…`."""
        return self._generation.name

    def started(self, started: ad_event_pb2.AdStarted) -> None:
        """It began."""
        self._generation.started.CopyFrom(started)

    async def completed(self, completed: ad_event_pb2.AdCompleted) -> None:
        """Its ads are there; returns when they are kept, or after a second."""
        self._generation.completed.CopyFrom(completed)
        task = self._end(pb.Generation.STATE_COMPLETED)
        if task is not None:
            # What takes longer goes on without the caller.
            await asyncio.wait((task,), timeout=_BEFORE_THE_CALLER)

    def failed(self, error: AdwrightError) -> None:
        """It ended in an error."""
        self._generation.error.CopyFrom(to_status(error))
        self._end(pb.Generation.STATE_FAILED)

    def cancelled(self) -> None:
        """Its caller left."""
        self._end(pb.Generation.STATE_CANCELLED)

    def _end(self, state: pb.Generation.State.ValueType) -> asyncio.Task[None] | None:
        if self._generation.state:
            return None
        self._generation.state = state
        return self._recorder.write_soon(self._tenant, self._generation)
