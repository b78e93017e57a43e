"""What the other processes of test_sqlite.py do: `python sqlite_processes.py TASK PATH [N]`."""

from __future__ import annotations

import asyncio
import sys

from adwright_docstore import CeilingReached, Key, Put, Store, open_store


async def append(store: Store, n: int) -> None:
    """Writes pairs until it is killed, printing the number of each one acknowledged."""
    while True:
        await store.transact([Put(Key(side, f"{n:06}"), {"n": n}) for side in ("left", "right")])
        print(n, flush=True)
        n += 1


async def seed(store: Store, n: int) -> None:
    """Writes n items."""
    for number in range(n):
        await store.put(Key("seed", f"{number:06}"), {"n": number})


async def count(store: Store, n: int) -> None:
    """Adds 1 to two counters n times, one with a ceiling; prints how often that one went up."""
    accepted = 0
    for _ in range(n):
        await store.increment(Key("counter", "open"), {"n": 1})
        try:
            await store.increment(Key("counter", "capped"), {"n": 1}, ceilings={"n": 100})
        except CeilingReached:
            continue
        accepted += 1
    print(accepted)


TASKS = {"append": append, "seed": seed, "count": count}


async def main(task: str, path: str, n: str = "0") -> None:
    async with open_store("sqlite", path=path, lock_timeout=20) as store:
        await TASKS[task](store, int(n))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
