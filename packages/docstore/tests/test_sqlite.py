"""The SQLite store: the contract, and what is special to a file that processes share."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from adwright_docstore import (
    JSON,
    ConditionFailed,
    Key,
    Put,
    Store,
    StoreUnavailable,
    Version,
    open_store,
)
from adwright_docstore.testing import ManualClock, StoreContract

KEY = Key("brands", "nordlys")
PROCESSES = Path(__file__).with_name("sqlite_processes.py")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def store(path: Path, clock: ManualClock) -> AsyncIterator[Store]:
    async with open_store("sqlite", path=path, now=clock) as store:
        yield store


class TestSqliteStore(StoreContract):
    """The contract, with the fixtures above."""


class TestInMemory(StoreContract):
    """The contract again, without a file."""

    @pytest.fixture
    async def store(self, clock: ManualClock) -> AsyncIterator[Store]:
        async with open_store("sqlite", path=":memory:", now=clock) as store:
            yield store


def start(task: str, path: Path, n: int = 0) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(PROCESSES), task, str(path), str(n)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds the file's write lock, as another process in a long transaction does."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def rows(path: Path) -> int:
    with closing(sqlite3.connect(path)) as other:
        (count,) = other.execute("SELECT count(*) FROM items").fetchone()
    return int(count)


class HeldClock(ManualClock):
    """A clock that keeps whoever asks waiting: a job stopped in the middle of its transaction."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()
        self.go_on = threading.Event()

    def __call__(self) -> datetime:
        self.asked.set()
        assert self.go_on.wait(10)
        return super().__call__()


class TestProcesses:
    def test_kill_9_loses_no_acknowledged_write_and_leaves_no_half_transaction(self, path: Path) -> None:
        acknowledged = -1
        for round_ in range(3):
            with start("append", path, acknowledged + 1) as writer:
                assert writer.stdout is not None
                for line in writer.stdout:
                    if int(line) == 150 * (round_ + 1):
                        break
                writer.kill()
                # Lines already in the pipe were acknowledged too; the last may be cut short.
                complete = [line for line in (line, *writer.stdout) if line.endswith("\n")]
            acknowledged = int(complete[-1])

            async def numbers() -> list[list[int]]:
                async with open_store("sqlite", path=path) as store:
                    return [[int(item.key.sk) async for item in store.query_all(side)] for side in ("left", "right")]

            left, right = asyncio.run(numbers())
            assert left == right
            assert left[: acknowledged + 1] == list(range(acknowledged + 1))
            assert len(left) <= acknowledged + 2
            acknowledged = left[-1]

    def test_a_second_process_seeds_the_file_while_the_first_serves(self, path: Path) -> None:
        async def serve(seeder: subprocess.Popen[str]) -> int:
            writes = 0
            async with open_store("sqlite", path=path) as store:
                while seeder.poll() is None:
                    writes += 1
                    written = await store.put(KEY, {"n": writes})
                    assert await store.get(KEY) == written
                    assert written.version == writes
                assert len([item async for item in store.query_all("seed")]) == 300
            return writes

        with start("seed", path, 300) as seeder:
            assert asyncio.run(serve(seeder)) > 0
        assert seeder.returncode == 0

    def test_eight_processes_counting_lose_nothing_and_never_pass_the_ceiling(self, path: Path) -> None:
        processes = [start("count", path, 25) for _ in range(8)]
        accepted = [int(process.communicate(timeout=60)[0]) for process in processes]

        async def counters() -> dict[str, tuple[JSON, int]]:
            async with open_store("sqlite", path=path) as store:
                found = await store.get_many([Key("counter", "open"), Key("counter", "capped")])
            return {key.sk: (item.data["n"], item.version) for key, item in found.items()}

        assert sum(accepted) == 100
        assert asyncio.run(counters()) == {"capped": (100, 100), "open": (200, 200)}

    def test_of_twenty_threads_each_with_its_own_store_one_wins_a_round(self, path: Path) -> None:
        rounds = 5
        together = threading.Barrier(20)

        async def race(worker: int) -> list[bool]:
            wins = []
            async with open_store("sqlite", path=path, lock_timeout=20) as store:
                for number in range(rounds):
                    together.wait(30)
                    try:
                        await store.put(KEY, {"winner": worker}, expect=Version(number + 1))
                    except ConditionFailed:
                        wins.append(False)
                    else:
                        wins.append(True)
            return wins

        async def first() -> None:
            async with open_store("sqlite", path=path) as store:
                await store.put(KEY, {})

        asyncio.run(first())
        with ThreadPoolExecutor(20) as threads:
            wins = list(threads.map(lambda worker: asyncio.run(race(worker)), range(20)))
        assert [sum(of_round) for of_round in zip(*wins, strict=True)] == [1] * rounds


class TestLocks:
    async def test_reads_pass_writes_that_wait_for_another_process(self, store: Store, path: Path) -> None:
        written = await store.put(KEY, {"n": 1})
        with locked(path):
            waiting = [asyncio.create_task(store.put(Key("waiting", f"{n}"), {})) for n in range(10)]
            for _ in range(5):
                began = time.perf_counter()
                assert await store.get(KEY) == written
                assert time.perf_counter() - began < 1
            assert not any(task.done() for task in waiting)
        await asyncio.gather(*waiting)
        assert len((await store.query("waiting")).items) == 10

    async def test_a_write_gives_up_when_the_lock_is_held_too_long(self, path: Path, clock: ManualClock) -> None:
        async with open_store("sqlite", path=path, now=clock, lock_timeout=0.1) as store:
            with locked(path):
                began = time.perf_counter()
                puts = [store.put(Key("p", f"{n}"), {}) for n in range(20)]
                results = await asyncio.gather(*puts, return_exceptions=True)
                assert all(isinstance(result, StoreUnavailable) for result in results)
                assert str(path) in str(results[0])
                assert "locked" in str(results[0])
                assert time.perf_counter() - began < 2
            assert (await store.put(KEY, {})).version == 1
            assert (await store.query("p")).items == []


class TestCancellation:
    async def test_a_cancelled_call_that_has_begun_is_done_whole_and_one_that_has_not_is_not(self, path: Path) -> None:
        clock = HeldClock()
        async with open_store("sqlite", path=path, now=clock) as store:
            begun = asyncio.create_task(store.transact([Put(Key("begun", name), {}) for name in ("left", "right")]))
            assert await asyncio.to_thread(clock.asked.wait, 10)
            queued = asyncio.create_task(store.put(Key("queued", "x"), {}))
            await asyncio.sleep(0)
            for task in (begun, queued):
                task.cancel()
            results = await asyncio.gather(begun, queued, return_exceptions=True)
            assert all(isinstance(result, asyncio.CancelledError) for result in results)
            clock.go_on.set()
            assert len((await store.query("begun")).items) == 2
            assert (await store.query("queued")).items == []

    async def test_calls_cancelled_at_any_moment_leave_pairs_whole_and_the_store_working(self, store: Store) -> None:
        for n in range(200):
            sides = ("left", "right")
            task = asyncio.create_task(store.transact([Put(Key(side, f"{n}"), {}) for side in sides]))
            for _ in range(n % 4):
                await asyncio.sleep(0.00005 * (n % 7))
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        left, right = [[item.key.sk async for item in store.query_all(side)] for side in ("left", "right")]
        assert left == right
        assert (await store.put(KEY, {})).version == 1

    async def test_closing_finishes_the_calls_already_made(self, path: Path, clock: ManualClock) -> None:
        store = open_store("sqlite", path=path, now=clock)
        # More than the queue holds, so that some have not even entered it.
        puts = [asyncio.create_task(store.put(Key("p", f"{n}"), {})) for n in range(1500)]
        await asyncio.sleep(0)
        await store.close()
        assert all(item.version == 1 for item in await asyncio.gather(*puts))
        assert rows(path) == 1500

    async def test_a_close_that_was_cancelled_goes_on(self, path: Path) -> None:
        clock = HeldClock()
        store = open_store("sqlite", path=path, now=clock)
        put = asyncio.create_task(store.put(KEY, {}))
        assert await asyncio.to_thread(clock.asked.wait, 10)
        closing_ = asyncio.create_task(store.close())
        await asyncio.sleep(0)
        closing_.cancel()
        clock.go_on.set()
        assert (await put).version == 1
        await store.close()
        assert rows(path) == 1


class TestBreakage:
    async def test_a_file_that_breaks_under_the_store_fails_calls_and_nothing_else(
        self, store: Store, path: Path
    ) -> None:
        with closing(sqlite3.connect(path)) as other:
            other.execute("DROP TABLE items")
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match="no such table"):
                await store.put(KEY, {})
            with pytest.raises(StoreUnavailable, match="no such table"):
                await store.get(KEY)


class TestSweeping:
    async def test_writes_free_the_space_of_expired_items_little_by_little(
        self, store: Store, path: Path, clock: ManualClock
    ) -> None:
        for n in range(20):
            await store.put(Key("p", f"{n}"), {}, expires_at=clock.after(60))
        clock.advance(60)
        await store.put(KEY, {})
        assert 1 < rows(path) < 21
        for _ in range(5):
            await store.put(KEY, {})
        assert rows(path) == 1

    async def test_a_page_emptied_by_expiry_carries_a_token(self, store: Store, clock: ManualClock) -> None:
        for n in range(3):
            await store.put(Key("p", f"{n}"), {}, expires_at=clock.after(60))
        clock.advance(60)
        page = await store.query("p", limit=2)
        assert page.items == []
        assert page.next_page_token is not None

    async def test_a_request_token_may_be_used_anew_after_ten_minutes(self, store: Store, clock: ManualClock) -> None:
        await store.transact([Put(KEY, {"n": 1})], request_token="t")
        clock.advance(600)
        await store.transact([Put(KEY, {"n": 2})], request_token="t")
        item = await store.get(KEY)
        assert item is not None
        assert item.data == {"n": 2}
