"""The order of turns: by priority, evenly between tenants, bounded, and nobody is lost."""

from collections import Counter
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from adwright_generator.policy.waiting import FairQueue, Priority


@dataclass(eq=False)
class One:
    tenant: str = "a"
    priority: Priority = Priority.INTERACTIVE
    weight: int = 1


def arrive(queue: FairQueue[One], item: One) -> One | None:
    """Who has to leave for `item`."""
    queue.push(item)
    leaves = queue.overflow(item)
    if leaves is not None:
        queue.remove(leaves)
    return leaves


def serve_all(queue: FairQueue[One], count: int = 10_000) -> list[One]:
    served = []
    while queue and len(served) < count:
        item = next(iter(queue))
        queue.serve(item)
        served.append(item)
    return served


def test_of_one_tenant_the_first_comes_first() -> None:
    queue: FairQueue[One] = FairQueue(10)
    items = [One() for _ in range(5)]
    for item in items:
        assert arrive(queue, item) is None
    assert list(queue) == items
    assert serve_all(queue) == items


def test_interactive_passes_batch_and_what_has_begun_passes_both() -> None:
    queue: FairQueue[One] = FairQueue(10)
    batch, interactive, begun = One(priority=Priority.BATCH), One(), One(priority=Priority.BEGUN)
    for item in (batch, interactive, begun):
        queue.push(item)
    assert serve_all(queue) == [begun, interactive, batch]


def test_two_tenants_at_ten_to_one_have_turns_alike() -> None:
    queue: FairQueue[One] = FairQueue(1000)
    for number in range(110):
        queue.push(One("small" if number % 11 == 10 else "big"))
    first = Counter(item.tenant for item in serve_all(queue, 20))
    assert first == {"big": 10, "small": 10}


def test_a_heavy_turn_counts_by_its_weight() -> None:
    queue: FairQueue[One] = FairQueue(1000)
    for _ in range(40):
        queue.push(One("heavy", weight=4))
        queue.push(One("light"))
    first = Counter(item.tenant for item in serve_all(queue, 25))
    assert first["light"] == 4 * first["heavy"]


def test_who_was_away_has_saved_up_nothing() -> None:
    queue: FairQueue[One] = FairQueue(1000)
    for _ in range(50):
        queue.push(One("busy"))
    serve_all(queue)
    for _ in range(10):
        queue.push(One("busy"))
        queue.push(One("new"))
    assert Counter(item.tenant for item in serve_all(queue, 10)) == {"busy": 5, "new": 5}


def test_a_full_queue_refuses_the_tenant_that_fills_it() -> None:
    queue: FairQueue[One] = FairQueue(3)
    items = [One("big") for _ in range(3)]
    for item in items:
        queue.push(item)
    late = One("big")
    assert arrive(queue, late) is late
    small = One("small")
    assert arrive(queue, small) is items[-1]
    assert Counter(item.tenant for item in queue) == {"big": 2, "small": 1}


def test_a_full_queue_lets_batch_go_for_interactive_and_not_the_other_way_round() -> None:
    queue: FairQueue[One] = FairQueue(2)
    batch = One(priority=Priority.BATCH)
    queue.push(One())
    queue.push(batch)
    assert arrive(queue, One("b")) is batch
    again = One("c", Priority.BATCH)
    assert arrive(queue, again) is again


def test_what_has_begun_is_never_refused() -> None:
    queue: FairQueue[One] = FairQueue(0)
    assert arrive(queue, One(priority=Priority.BEGUN)) is None
    interactive = One()
    assert arrive(queue, interactive) is interactive


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(list(Priority)), st.integers(1, 8)), max_size=40))
def test_everybody_is_served_once_or_told_to_leave(entries: list[tuple[str, Priority, int]]) -> None:
    queue: FairQueue[One] = FairQueue(10)
    left, items = [], [One(*entry) for entry in entries]
    for item in items:
        gone = arrive(queue, item)
        if gone is not None:
            left.append(gone)
        assert len(queue) <= 10
    ended = left + serve_all(queue)
    assert Counter(map(id, ended)) == Counter(map(id, items))
