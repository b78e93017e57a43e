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
        begun = False
        watch = _Watch(self._first_token)
        try:
            async with aclosing(self._inner.generate(request)) as events:
                watch.resume()
                async for event in events:
                    watch.pause()
                    if begun:
                        watch.restart(self._stall)
                    elif not isinstance(event, Chunk) or event.data:
                        begun = True
                        watch.restart(self._stall)
                    yield event
                    watch.resume()
        except asyncio.CancelledError:
            if watch.fired():
                raise self._stalled(begun=begun) from None
            raise
        finally:
            watch.end()
            watch.fired()

    def _stalled(self, *, begun: bool) -> BackendStalled:
        what = f"sent nothing for {self._stall:g} s" if begun else f"did not begin within {self._first_token:g} s"
        return BackendStalled(f"backend {self.info.name} {what}; try again", retry_after=1.0)


class _Watch:
    """Cancels the task that made it when it waits too long. `asyncio.timeout` for every event is dearer than the event:
    this has one timer for a whole stream, which looks now and then how long the wait has been.
    """

    def __init__(self, limit: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._limit = self._left = limit
        self._since: float | None = None
        self._fired = False
        self._timer = self._loop.call_later(limit, self._look)

    def resume(self) -> None:
        """The wait begins, or goes on."""
        self._since = self._loop.time()

    def pause(self) -> None:
        """The wait is over for now."""
        if self._since is not None:
            self._left -= self._loop.time() - self._since
            self._since = None

    def restart(self, limit: float) -> None:
        """The next wait may take so long, whatever the last one took."""
        if limit < self._limit:
            # The timer looks when the longer one would end.
            self._timer.cancel()
            self._timer = self._loop.call_later(limit, self._look)
        self._limit = self._left = limit

    def fired(self) -> bool:
        """Whether it was this that cancelled the task, and nobody else besides. Takes the cancellation back."""
        fired, self._fired = self._fired, False
        return fired and self._task is not None and self._task.uncancel() == 0

    def end(self) -> None:
        """Looks no more."""
        self._timer.cancel()

    def _look(self) -> None:
        now = self._loop.time()
        waited = 0.0 if self._since is None else now - self._since
        if self._since is not None and waited >= self._left and self._task is not None:
            self._fired = True
            self._task.cancel()
        else:
            self._timer = self._loop.call_at(now + max(self._left - waited, 0.001), self._look)
