"""What one template may cost: everything that repeats or makes text takes from it, before it does so if it can.

Templates come from anyone and are filled in where everybody waits. Whatever they are made of, the sum of their steps
is bounded: each round of a loop, each call, filter, comparison and output takes a piece of `_MOST`; and the clock is
looked at with each, for steps that are slow by themselves.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

__all__ = ["ROUND", "STEP", "TooMuch", "bounded", "size_of", "take", "weigh"]

_MOST: Final = 20_000_000
_SECONDS: Final = 0.25
"""Of the processor's time."""
STEP: Final = 20
ROUND: Final = 200
"""So 100,000 rounds of a loop are the most."""


class TooMuch(Exception):
    """The template is stopped."""


class _Left:
    __slots__ = ("most", "until")

    def __init__(self) -> None:
        self.most = _MOST
        self.until = time.thread_time() + _SECONDS


_LEFT: ContextVar[_Left | None] = ContextVar("what a template may still cost", default=None)


@contextmanager
def bounded() -> Iterator[None]:
    """Inside of it `take` counts."""
    token = _LEFT.set(_Left())
    try:
        yield
    finally:
        _LEFT.reset(token)


def take(cost: float) -> None:
    """Raises TooMuch."""
    left = _LEFT.get()
    if left is None:
        raise RuntimeError("a template is filled in outside of bounded()")
    left.most -= int(cost) if cost < _MOST else _MOST
    if left.most < 0 or time.thread_time() > left.until:
        raise TooMuch


def size_of(value: Any) -> int:
    """What a value takes, roughly: its letters or items."""
    return len(value) if isinstance(value, str | list | tuple | dict) else 1


def weigh(value: Any) -> Any:
    """Takes all that is in a list or mapping: a short one may have the same long text or list many times over."""
    if not isinstance(value, list | tuple | dict):
        take(size_of(value))
        return value
    waiting: list[Any] = [value]
    weight = 0
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            waiting += each.values()
        elif isinstance(each, list | tuple):
            waiting += each
        weight += size_of(each) + 1
        if weight > 10_000:
            take(weight)
            weight = 0
    take(weight)
    return value
