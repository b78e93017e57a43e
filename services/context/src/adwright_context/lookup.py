"""Finding resources: where they lie, whether they are deleted, and what was probably meant where there is none."""

from __future__ import annotations

from collections.abc import Iterable

from adwright_docstore import Item, Store
from adwright_resources.similarity import closest
from adwright_resources.store_errors import translated
from adwright_servicekit.errors import NotFound

from . import layout
from .kinds import BRAND, Kind, Name, Resource

__all__ = ["Lookup", "read_live"]

_SUGGESTED_FROM = 1000


class Lookup:
    """Reads single resources of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get(self, tenant: str, name: Name) -> Resource:
        """A resource, also a deleted one (AIP-164). Raises NotFound, also where the brand is deleted."""
        item = await (self._child(tenant, name) if name.kind.in_brand else self._brand(tenant, name))
        if item is None:
            raise await self.not_found(tenant, name)
        return layout.unpack(name.kind, name.brand_id, item)

    async def require_brand(self, tenant: str, brand: Name) -> None:
        """Raises NotFound where the brand is not there or deleted."""
        with translated():
            item = await self._store.get(layout.key_of(tenant, brand))
        if item is None:
            raise await self.not_found(tenant, brand)

    async def not_found(self, tenant: str, name: Name) -> NotFound:
        """The error for a name that is not there, with the nearest that is."""
        kind = name.kind
        with translated():
            if kind.in_brand and await self._store.get(layout.key_of(tenant, name.brand)) is None:
                return await self.not_found(tenant, name.brand)
            deleted = None if kind.in_brand else await self._store.get(layout.deleted_key(tenant, name.id))
            if deleted is not None:
                return _gone(layout.unpack(kind, name.id, deleted))
            page = await self._store.query(
                layout.partition(tenant, kind, name.brand_id),
                sk=layout.sk_range(kind),
                limit=_SUGGESTED_FROM,
            )
        there = [layout.id_of(item.key) for item in page.items if not layout.is_deleted(item)]
        return _missing(kind, name, closest(name.id, there), any_there=bool(there))

    async def _child(self, tenant: str, name: Name) -> Item | None:
        key, brand = layout.key_of(tenant, name), layout.key_of(tenant, name.brand)
        with translated():
            found = await self._store.get_many([key, brand])
        return found.get(key) if brand in found else None

    async def _brand(self, tenant: str, name: Name) -> Item | None:
        with translated():
            live = await self._store.get(layout.key_of(tenant, name))
            deleted = None if live else await self._store.get(layout.deleted_key(tenant, name.id))
        return live or (None if deleted is None or layout.is_being_expunged(deleted) else deleted)


async def read_live(store: Store, tenant: str, names: Iterable[Name]) -> dict[Name, Resource]:
    """Those of the names that are there and not deleted, read consistently. Raises StoreError."""
    keys = {layout.key_of(tenant, name): name for name in names}
    items = await store.get_many(keys, consistent=True)
    read = (layout.unpack(name.kind, name.brand_id, items[key]) for key, name in keys.items() if key in items)
    return {resource.name: resource for resource in read if not resource.deleted}


def _gone(brand: Resource) -> NotFound:
    until = f" until {brand.expire_time:%Y-%m-%d}" if brand.expire_time else ""
    return NotFound(
        f"{brand.name} is deleted: it can be restored{until} with UndeleteBrand",
        reason=BRAND.reason("NOT_FOUND"),
        metadata={"name": str(brand.name), "deleted": "true"},
    )


def _missing(kind: Kind, name: Name, near: str | None, *, any_there: bool) -> NotFound:
    metadata = {"name": str(name)}
    if near is not None:
        meant = Name(kind, name.brand_id if kind.in_brand else near, near)
        remedy = f"did you mean {meant}?"
        metadata["suggestion"] = str(meant)
    else:
        place = f"{name.brand} has" if kind.in_brand else "there are"
        remedy = f"list the {kind.plural} to see which {place}" if any_there else f"{place} none"
    return NotFound(f"there is no {name}: {remedy}", reason=kind.reason("NOT_FOUND"), metadata=metadata)
