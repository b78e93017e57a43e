"""Calls to DynamoDB off the event loop: bounded in number and in time, and repeated with care.

botocore makes one attempt. Repeating is done here, since it sleeps on the loop, where it can be
cancelled and knows the deadline, and since only here it is known whether an attempt that failed
may have been carried out.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import random
import uuid
from collections.abc import Coroutine, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Final

from adwright_docstore._dynamodb_errors import Absent, Invalid, Kind, Refused, Verdict, judge
from adwright_docstore.errors import StoreUnavailable, TransactionConflict

__all__ = ["Calls", "at_most"]

_CONNECT_SECONDS: Final = 1.0
_READ_SECONDS: Final = 3.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0  # seconds
_MOST_CONFLICTS: Final = 8


def make_client(concurrency: int) -> Any:
    """Returns a boto3 client by the standard AWS variables. Raises StoreUnavailable."""
    try:
        boto3: Any = importlib.import_module("boto3")
        config: Any = importlib.import_module("botocore.config")
        errors: Any = importlib.import_module("botocore.exceptions")
    except ImportError:
        raise StoreUnavailable("DynamoDB needs boto3: install adwright-docstore[dynamodb]") from None
    limits = config.Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        max_pool_connections=concurrency,
        retries={"mode": "standard", "total_max_attempts": 1},
    )
    try:
        # The library reads AWS_DEFAULT_REGION alone; on EKS and Lambda it is AWS_REGION that is always there.
        return boto3.session.Session().client(
            "dynamodb", region_name=os.environ.get("AWS_REGION") or None, config=limits
        )
    except errors.NoRegionError:
        raise StoreUnavailable("DynamoDB cannot be used without an AWS region: set AWS_REGION") from None
    except (errors.BotoCoreError, ValueError) as error:
        raise StoreUnavailable(f"DynamoDB cannot be used ({type(error).__name__}): check the AWS settings") from None


class Calls:
    """The calls on one table.

    `concurrency` calls run at a time, others wait for their turn; `timeout`, in seconds, is for a
    whole call of the store, with all waiting and all attempts. A `client` that is handed in stays
    the caller's to close, and should make one attempt a call.
    """

    def __init__(self, table: str, *, client: Any | None, timeout: float, concurrency: int) -> None:
        self.table = table
        self._client = client if client is not None else make_client(concurrency)
        self._owned = client is None
        self._timeout = timeout
        self._concurrency = concurrency
        self._slots = asyncio.Semaphore(concurrency)
        self._executor = ThreadPoolExecutor(concurrency, thread_name_prefix=f"docstore {table}")
        self._open = 0
        self._idle = asyncio.Event()
        self._closing: asyncio.Task[None] | None = None

    @contextmanager
    def call(self) -> Iterator[float]:
        """One call of the store; gives its deadline. Raises StoreUnavailable where it is closed."""
        if self._closing is not None:
            raise self.unavailable("is closed")
        self._open += 1
        self._idle.clear()
        try:
            yield self.deadline()
        finally:
            self._open -= 1
            if not self._open:
                self._idle.set()

    def deadline(self) -> float:
        """Returns the loop's time by which a call begun now has to end."""
        return asyncio.get_running_loop().time() + self._timeout

    def unavailable(self, reason: str) -> StoreUnavailable:
        """Returns the error that names the table and says `reason`."""
        return StoreUnavailable(f"the DynamoDB table {self.table} {reason}")

    async def run(
        self, operation: str, request: Mapping[str, Any], deadline: float, *, repeat_uncertain: bool = True
    ) -> dict[str, Any]:
        """Returns the answer to a call of the client's method `operation`.

        What may succeed later is tried again until the deadline. Raises Refused for the answers
        that the caller understands, TransactionConflict, StoreUnavailable. With
        `repeat_uncertain=False` a call that may have been carried out raises Refused with the code
        "Uncertain" at once.
        """
        attempt = conflicts = 0
        uncertain = False
        while True:
            verdict, answer = await self._attempt(operation, request, deadline, uncertain)
            if verdict is None:
                return answer
            uncertain = uncertain or verdict.kind is Kind.UNCERTAIN
            if verdict.kind is Kind.UNCERTAIN and not repeat_uncertain:
                raise Refused("Uncertain", {}, uncertain=True)
            conflicts += verdict.kind is Kind.CONFLICT
            if conflicts == _MOST_CONFLICTS:
                raise TransactionConflict(f"the DynamoDB table {self.table} {verdict.reason}")
            if "ClientRequestToken" in request and not uncertain:
                # The service remembers a token; one that surely did nothing is not used again.
                request = {**request, "ClientRequestToken": uuid.uuid4().hex}
            await self.pause(attempt, deadline, verdict.reason)
            attempt += 1

    async def pause(self, attempt: int, deadline: float, reason: str) -> None:
        """Waits before the attempt after `attempt`, with full jitter; StoreUnavailable past the deadline."""
        longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(attempt, 10))
        seconds = random.uniform(0, longest)  # noqa: S311 - spreads retries, guards nothing
        if asyncio.get_running_loop().time() + seconds >= deadline:
            raise self.unavailable(f"{reason} (given up after {self._timeout:g} s)")
        await asyncio.sleep(seconds)

    async def close(self) -> None:
        """Finishes the calls already made, and those given up that still run, then ends the threads."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._drain())
        await asyncio.shield(self._closing)

    async def _drain(self) -> None:
        if self._open:
            await self._idle.wait()
        for _ in range(self._concurrency):
            await self._slots.acquire()
        self._executor.shutdown(wait=False)
        if self._owned:
            self._client.close()

    async def _attempt(
        self, operation: str, request: Mapping[str, Any], deadline: float, uncertain: bool
    ) -> tuple[Verdict | None, dict[str, Any]]:
        """Returns the answer, or what the failure means where it may pass."""
        try:
            async with asyncio.timeout_at(deadline):
                await self._slots.acquire()
        except TimeoutError:
            raise self.unavailable(f"has more calls waiting than it takes in {self._timeout:g} s") from None
        sent = self._executor.submit(partial(getattr(self._client, operation), **request))
        sent.add_done_callback(partial(self._free, asyncio.get_running_loop()))
        try:
            async with asyncio.timeout_at(deadline) as limit:
                return None, await asyncio.wrap_future(sent)
        except Exception as error:
            if limit.expired():
                raise self.unavailable(
                    f"did not answer within {self._timeout:g} s, so a write may or may not have been made"
                ) from None
            verdict = judge(error)
            if verdict.kind is Kind.REFUSED:
                raise Refused(verdict.code, getattr(error, "response", {}), uncertain) from None
            if verdict.kind in (Kind.ABSENT, Kind.INVALID):
                malformed = Absent if verdict.kind is Kind.ABSENT else Invalid
                raise malformed(f"the DynamoDB table {self.table} {verdict.reason}") from None
            if verdict.kind is Kind.FATAL:
                raise self.unavailable(verdict.reason) from None
            return verdict, {}

    def _free(self, loop: asyncio.AbstractEventLoop, sent: Future[Any]) -> None:
        # The slot is the thread's: a call that was given up keeps it until the thread is free.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(self._slots.release)


async def at_most(count: int, work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Runs coroutines, `count` at a time; the first failure cancels the others and is raised."""
    slots = asyncio.Semaphore(count)

    async def one(job: Coroutine[Any, Any, None]) -> None:
        async with slots:
            await job

    jobs = list(work)
    try:
        async with asyncio.TaskGroup() as group:
            for job in jobs:
                group.create_task(one(job))
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    finally:
        for job in jobs:
            job.close()
