"""Cost accounting: what every call used is added up, also when it fails, or its reader leaves half-way."""

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from adwright_servicekit.errors import AdwrightError

from ..backends.accounting import Account
from ..backends.base import Backend, BackendEvent, BackendRequest, BackendStalled, Chunk, Finish
from .wrapper import Wrapper

__all__ = ["Metered", "SharedTime"]

_MTOK = 1_000_000
_HOUR = 3600.0
_CHARACTERS_A_TOKEN = 4
"""For estimates, in English; source: OpenAI, "What are tokens and how to count them"."""


class SharedTime:
    """Splits the time of one machine evenly over the generations it works on at each moment.

    What all of them get together is the time in which there was any; idle time is nobody's.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._since = now()
        self._running = 0
        self._each = 0.0
        """Seconds that one generation would have got, had it been there since the beginning."""

    def enter(self) -> float:
        """Begins a generation; give what this returns to `leave`."""
        self._advance(+1)
        return self._each

    def leave(self, entered: float) -> float:
        """Ends a generation and says how many seconds were its share."""
        self._advance(-1)
        return self._each - entered

    def _advance(self, step: int) -> None:
        now = self._now()
        if self._running:
            self._each += (now - self._since) / self._running
        self._since = now
        self._running += step


class Metered(Wrapper):
    """Adds what a call used to the account of its request and to the backend's own."""

    def __init__(self, inner: Backend, total: Account, *, now: Callable[[], float] = time.monotonic) -> None:
        """`inner` is one machine or API; `total` may be shared by the replicas of a backend."""
        super().__init__(inner)
        self._total = total
        self._time = SharedTime(now)

    async def generate(self, request: BackendRequest) -> AsyncGenerator[BackendEvent]:
        entered = self._time.enter()
        tokens = 0
        finish: Finish | None = None
        refused = False
        try:
            async with aclosing(self._inner.generate(request)) as events:
                async for event in events:
                    if isinstance(event, Chunk):
                        tokens += event.tokens
                    elif isinstance(event, Finish):
                        finish = event
                    yield event
        except BackendStalled:
            raise
        except AdwrightError:
            # Nobody charges for a prompt that was turned away.
            refused = not tokens
            raise
        finally:
            seconds = self._time.leave(entered)
            used = Account(model_calls=1) if refused else _used(request, finish, tokens)
            price = self.info.price
            used.cost_usd = (
                price.usd_per_mtok_in * used.input_tokens + price.usd_per_mtok_out * used.output_tokens
            ) / _MTOK + price.usd_per_hour * seconds / _HOUR
            request.account.add(used)
            self._total.add(used)


def _used(request: BackendRequest, finish: Finish | None, tokens: int) -> Account:
    if finish is not None and finish.input_tokens is not None and finish.output_tokens is not None:
        return Account(finish.input_tokens, finish.output_tokens, model_calls=1)
    characters = len(request.prefix) + sum(len(message.content) for message in request.messages)
    return Account(-(-characters // _CHARACTERS_A_TOKEN), tokens, estimated=True, model_calls=1)
