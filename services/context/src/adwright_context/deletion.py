"""Deleting and restoring (AIP-164). What is deleted keeps its name, can be read, and goes for good after 30 days.

A product or an exemplar is marked where it lies and expires by itself. A brand moves to another key (`layout`), and
with it all it has is out of reach at once, however much that is; `janitor` removes it when it is due.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from adwright_docstore import ABSENT, ConditionFailed, Delete, Op, Put, Version
from adwright_resources.store_errors import translated
from adwright_servicekit.errors import FailedPrecondition

from . import layout
from .catalog import ATTEMPTS, Catalog, busy, require_etag, require_live
from .kinds import BRAND, KINDS, Name, Resource
from .requests import Request

__all__ = ["RETENTION", "Deletion"]

RETENTION: Final = timedelta(days=30)


class Deletion:
    """Deletes and restores resources of a catalogue."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def delete(
        self, tenant: str, name: Name, *, etag: str = "", force: bool = False, request_id: str = ""
    ) -> Resource:
        """Deletes a resource; a brand that is not empty only with `force`, and then all it has.

        Raises NotFound, Conflict where the etag is stale, FailedPrecondition.
        """
        request = Request.of(tenant, request_id, "Delete", name, etag, force)

        async def write() -> Resource:
            for _ in range(ATTEMPTS):
                current = await self._catalog.get(tenant, name)
                require_live(current)
                require_etag(current, etag)
                if name.kind is BRAND and not force:
                    await self._require_empty(tenant, name)
                try:
                    await self._catalog.writer.commit(tenant, name, self._deleting(tenant, current), request)
                except ConditionFailed:
                    continue
                return await self._catalog.get(tenant, name)
            raise busy(name)

        return await self._catalog.writer.once(request, write, lambda: self._catalog.get(tenant, name))

    async def undelete(self, tenant: str, name: Name, *, etag: str = "", request_id: str = "") -> Resource:
        """Restores a resource as it was. Raises NotFound, Conflict where the etag is stale, FailedPrecondition."""
        request = Request.of(tenant, request_id, "Undelete", name, etag)

        async def write() -> Resource:
            for _ in range(ATTEMPTS):
                current = await self._catalog.get(tenant, name)
                _require_deleted(current)
                require_etag(current, etag)
                try:
                    await self._catalog.writer.commit(tenant, name, self._restoring(tenant, current), request)
                except ConditionFailed:
                    continue
                return await self._catalog.get(tenant, name)
            raise busy(name)

        return await self._catalog.writer.once(request, write, lambda: self._catalog.get(tenant, name))

    def _deleting(self, tenant: str, current: Resource) -> list[Op]:
        now = self._catalog.now()
        expire = now + RETENTION
        name, created = current.name, current.create_time or now
        data = layout.pack(current.content, created, current.update_time or now, delete_time=now, expire_time=expire)
        key = layout.key_of(tenant, name)
        if name.kind.in_brand:
            return [Put(key, data, Version(current.version), expire)]
        entry = {"tenant": tenant, "brand": name.id, "expire_time": expire.isoformat()}
        return [
            Delete(key, Version(current.version)),
            Put(layout.deleted_key(tenant, name.id), data, ABSENT),
            Put(layout.expunge_key(tenant, name.id, expire), entry),
        ]

    def _restoring(self, tenant: str, current: Resource) -> list[Op]:
        now = self._catalog.now()
        name = current.name
        data = layout.pack(current.content, current.create_time or now, current.update_time or now)
        key = layout.key_of(tenant, name)
        if name.kind.in_brand:
            return [Put(key, data, Version(current.version))]
        assert current.expire_time is not None
        return [
            Delete(layout.deleted_key(tenant, name.id), Version(current.version)),
            Put(key, data, ABSENT),
            Delete(layout.expunge_key(tenant, name.id, current.expire_time)),
        ]

    async def _require_empty(self, tenant: str, brand: Name) -> None:
        for kind in (k for k in KINDS if k.in_brand):
            with translated():
                page = await self._catalog.store.select(
                    layout.partition(tenant, kind, brand.id),
                    where=lambda item: not layout.is_deleted(item),
                    sk=layout.sk_range(kind),
                    limit=1,
                    consistent=True,
                )
            # A token without an item: so many are deleted that we did not get through them.
            if page.items or page.next_page_token:
                raise FailedPrecondition(
                    f"{brand} still has {kind.plural}: delete them first, or set force",
                    reason="BRAND_NOT_EMPTY",
                )


def _require_deleted(current: Resource) -> None:
    if not current.deleted:
        raise FailedPrecondition(
            f"{current.name} is not deleted: there is nothing to restore",
            reason=current.name.kind.reason("NOT_DELETED"),
            metadata={"name": str(current.name)},
        )
