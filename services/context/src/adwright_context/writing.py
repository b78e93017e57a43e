"""How everything is written: one transaction with the change log, and once where the caller named the request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from adwright_docstore import PRESENT, Check, ConditionFailed, Op, Store
from adwright_resources.store_errors import translated
from adwright_servicekit.errors import AdwrightError

from . import changes, layout
from .kinds import Name, Resource
from .requests import Request

__all__ = ["Writer"]


class _DoneBefore(Exception):
    """Another call with the same request id was faster."""


class Writer:
    """Writes resources of one store."""

    def __init__(self, store: Store, now: changes.Now) -> None:
        self._store = store
        self._now = now
        self.on_change: list[Callable[[str, str], None]] = []
        """Called with tenant and brand id after every write of this process."""

    async def commit(self, tenant: str, name: Name, ops: Sequence[Op], request: Request | None) -> None:
        """Writes and logs in one transaction, in which the brand of a product or exemplar must be there.

        Raises ConditionFailed, also for the brand's key. Without operations only the request is recorded.
        """
        now = self._now()
        written: list[Op] = [*ops]
        if ops:
            written.append(changes.entry(tenant, name.brand_id, [name], now))
        if ops and name.kind.in_brand:
            written.append(Check(layout.key_of(tenant, name.brand), PRESENT))
        if request is not None:
            # The first, so that it is the one that fails where a twin was faster.
            written.insert(0, request.put(now))
        if not written:
            return
        try:
            with translated():
                await self._store.transact(written)
        except ConditionFailed as error:
            if request is not None and error.key == request.key:
                raise _DoneBefore from None
            raise
        self.notify(tenant, name.brand_id)

    def notify(self, tenant: str, brand_id: str) -> None:
        """Tells this process that something of the brand was written."""
        for listener in self.on_change:
            listener(tenant, brand_id)

    async def once(
        self, request: Request | None, write: Callable[[], Awaitable[Resource]], read: Callable[[], Awaitable[Resource]]
    ) -> Resource:
        """What `write` returns; what `read` does where the same request was done before.

        Raises what they raise, and AlreadyExists where the request id was used for another request.
        """
        if await self._is_done(request):
            return await read()
        try:
            return await write()
        except (_DoneBefore, AdwrightError):
            # A twin may have been faster, and what it did is what stood in our way.
            if not await self._is_done(request):
                raise
            return await read()

    async def _is_done(self, request: Request | None) -> bool:
        if request is None:
            return False
        with translated():
            record = await self._store.get(request.key)
        if record is None:
            return False
        request.require_same(record)
        return True
