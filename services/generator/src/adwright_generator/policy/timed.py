"""First-token timeout and stall timeout: a backend that stopped talking is left, and whoever is next goes on."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from ..backends.base import Backend, BackendEvent, BackendRequest, BackendStalled, Chunk
from .wrapper import Wrapper

__all__ = ["Timed"]


class Timed(Wrapper):
    """Raises BackendStalled when the first real token, or the next event after it, does not come in time.

    Only the backend's time counts: none passes while the reader is busy with what it got.
    """

    def __init__(self, inner: Backend, *, first_token: float, stall: float) -> None:
        """Both in seconds. `first_token` runs until text comes, through any number of empty chunks."""
        super().__init__(inner)
        self._first_token = first_token
        self._stall = stall

    async def generate(self, request: BackendRequest) -> AsyncGenerator[BackendEvent]:
        loop = asyncio.get_running_loop()
        left = self._first_token
        begun = False
        async with aclosing(self._inner.generate(request)) as events:
            while True:
                asked = loop.time()
                try:
                    async with asyncio.timeout(left) as timeout:
                        event = await anext(events)
                except StopAsyncIteration:
                    return
                except TimeoutError:
                    if not timeout.expired():
                        raise
                    raise self._stalled(begun=begun) from None
                if begun:
                    pass
                elif isinstance(event, Chunk) and not event.data:
                    left = max(0.0, left - (loop.time() - asked))
                else:
                    begun, left = True, self._stall
                yield event

    def _stalled(self, *, begun: bool) -> BackendStalled:
        name = self.info.name
        if begun:
            return BackendStalled(f"backend {name} sent nothing for {self._stall:g} s; try again", retry_after=1.0)
        return BackendStalled(f"backend {name} did not begin within {self._first_token:g} s; try again", retry_after=1.0)
