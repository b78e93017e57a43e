"""The thread that owns a SQLite connection.

A job is a whole transaction, run in one hop to the thread. That is why this is not aiosqlite,
which hops for every statement: there a cancellation, or another coroutine's statement, can land
between BEGIN and COMMIT, and its queue is unbounded.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from adwright_docstore.errors import StoreUnavailable

__all__ = ["Worker", "is_busy"]

T = TypeVar("T")


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another connection holds the lock that this call needed."""
    # The extended codes (recovery, snapshot) share the low byte.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY


@dataclass(slots=True)
class _Job(Generic[T]):
    work: Callable[[sqlite3.Connection], T]
    future: asyncio.Future[T]
    deadline: float


class Worker:
    """Runs jobs one at a time on a connection that only its thread uses from now on.

    Jobs must begin with what may find the file locked, since they are then run again.
    `lock_timeout` is in seconds from the call; `max_jobs` bounds the jobs waiting or running,
    and further callers wait for their turn.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        name: str,
        lock_timeout: float,
        max_jobs: int = 1024,
    ) -> None:
        self._name = name
        self._lock_timeout = lock_timeout
        self._max_jobs = max_jobs
        self._slots = asyncio.Semaphore(max_jobs)
        self._jobs: queue.SimpleQueue[_Job[object] | None] = queue.SimpleQueue()
        self._closing: asyncio.Task[None] | None = None
        # Daemon: a store that nobody closed must not keep the process alive.
        self._thread = threading.Thread(target=self._serve, args=(connection,), name=f"docstore {name}", daemon=True)
        self._thread.start()

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Returns what `work` returns, or raises what it raises.

        A cancelled call is skipped if its job has not begun, and otherwise runs to its end.
        """
        if self._closing is not None:
            raise StoreUnavailable(f"the document store {self._name} is closed")
        deadline = time.monotonic() + self._lock_timeout
        await self._slots.acquire()
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.put(_Job(work, future, deadline))  # type: ignore[arg-type]
        return await future

    async def close(self) -> None:
        """Finishes the jobs already asked for, then ends the thread and the connection."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._drain())
        await asyncio.shield(self._closing)

    async def _drain(self) -> None:
        # Slots are granted in order, so holding them all means that no job is left.
        for _ in range(self._max_jobs):
            await self._slots.acquire()
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    def _serve(self, connection: sqlite3.Connection) -> None:
        with closing(connection):
            while (job := self._jobs.get()) is not None:
                self._attempt(job, connection)

    def _attempt(self, job: _Job[T], connection: sqlite3.Connection) -> None:
        if job.future.cancelled():
            self._settle(job, lambda: None)
            return
        try:
            result = job.work(connection)
        except sqlite3.Error as error:
            if is_busy(error) and time.monotonic() < job.deadline:
                # To the back of the queue, so that reads pass writes that wait for the lock.
                self._jobs.put(job)  # type: ignore[arg-type]
                return
            failure = StoreUnavailable(f"the document store {self._name} failed: {error}")
            failure.__cause__ = error
            self._settle(job, lambda: job.future.set_exception(failure))
        except Exception as error:
            refusal = error
            self._settle(job, lambda: job.future.set_exception(refusal))
        else:
            self._settle(job, lambda: job.future.set_result(result))

    def _settle(self, job: _Job[T], answer: Callable[[], None]) -> None:
        def deliver() -> None:
            self._slots.release()
            if not job.future.done():
                answer()

        # The loop may be gone by now; the thread goes on for whoever closes the store.
        with suppress(RuntimeError):
            job.future.get_loop().call_soon_threadsafe(deliver)
