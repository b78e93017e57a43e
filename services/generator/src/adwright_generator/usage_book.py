"""What each generation has used so far, to be asked for by its name: also when it failed, or its caller left."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from .backends.accounting import Account

__all__ = ["KEPT_FOR", "UsageBook", "Used", "total"]

KEPT_FOR: Final = 3600.0
"""So long a generation that has ended can be asked for. Units: seconds."""
_MOST_KEPT: Final = 20_000


@dataclass(frozen=True, slots=True)
class Used:
    """What a generation has used."""

    account: Account
    ended: bool
    """False: it may become more."""


class _Entry:
    def __init__(self, accounts: Sequence[Account]) -> None:
        self.accounts = accounts
        self.ended_at: float | None = None


class UsageBook:
    """Knows the generations of this process that run, and those that ended within the last hour."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._running: dict[str, _Entry] = {}
        self._ended: OrderedDict[str, _Entry] = OrderedDict()

    @contextmanager
    def open(self, generation: str, accounts: Sequence[Account]) -> Iterator[None]:
        """Knows a generation by its name; `accounts` are added to while it runs."""
        entry = self._running[generation] = _Entry(accounts)
        try:
            yield
        finally:
            del self._running[generation]
            entry.accounts, entry.ended_at = [total(accounts)], self._now()
            self._ended[generation] = entry
            self._forget()

    def find(self, generation: str) -> Used | None:
        """None: it never was here, or ended too long ago."""
        self._forget()
        entry = self._running.get(generation) or self._ended.get(generation)
        return None if entry is None else Used(total(entry.accounts), entry.ended_at is not None)

    def _forget(self) -> None:
        before = self._now() - KEPT_FOR
        while self._ended:
            ended_at = next(iter(self._ended.values())).ended_at
            assert ended_at is not None
            if ended_at >= before and len(self._ended) <= _MOST_KEPT:
                return
            self._ended.popitem(last=False)


def total(accounts: Sequence[Account]) -> Account:
    """All of them together."""
    found = Account()
    for account in accounts:
        found.add(account)
    return found
