"""A backend around a backend: what a wrapper does not change."""

from ..backends.base import Backend, BackendInfo, BreakerState

__all__ = ["Wrapper"]


class Wrapper(Backend):
    """Hands everything but `generate` on to the backend inside."""

    def __init__(self, inner: Backend) -> None:
        self._inner = inner

    @property
    def info(self) -> BackendInfo:
        return self._inner.info

    @property
    def ready(self) -> bool:
        return self._inner.ready

    @property
    def in_flight(self) -> int:
        return self._inner.in_flight

    @property
    def capacity(self) -> int:
        return self._inner.capacity

    @property
    def predicted_wait(self) -> float:
        return self._inner.predicted_wait

    @property
    def breaker(self) -> BreakerState:
        return self._inner.breaker

    async def start(self) -> None:
        await self._inner.start()

    async def close(self) -> None:
        await self._inner.close()
