"""Writing rows of a file, a transaction at a time: all of a batch and what is told of it, or nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from adwright_docstore import ABSENT, PRESENT, Check, Item, Key, Op, Put, Version
from adwright_docstore.limits import MAX_OPS
from adwright_resources.store_errors import translated
from adwright_servicekit.errors import FailedPrecondition

from . import changes, layout
from .brands import purge
from .catalog import Catalog
from .kinds import Content, Kind, Name

__all__ = ["BatchWriter"]

# What a caller adds: how far the import is, and a refused row.
_EXTRA: Final = 2
# A product or exemplar is one operation, and its brand one and the log of changes one for all of them;
# a brand is three: itself, that no deleted one has its name, and its log.
_SHARED, _OF_A_BRAND = 2, 3


class BatchWriter:
    """Creates or replaces resources of one kind; a row that changes nothing writes nothing."""

    def __init__(self, catalog: Catalog, tenant: str, kind: Kind) -> None:
        self._catalog = catalog
        self._tenant = tenant
        self._kind = kind
        self.most = MAX_OPS - _EXTRA - _SHARED if kind.in_brand else (MAX_OPS - _EXTRA) // _OF_A_BRAND
        """So many rows go into one transaction."""

    async def write(self, rows: Mapping[Name, Content], extra: Sequence[Op] = ()) -> None:
        """One transaction: `rows`, all of one brand or all brands, and `extra`, which is looked at first.

        Raises ConditionFailed where a key is not as it was read, Conflict, InvalidInput, Unavailable, and
        FailedPrecondition where a deleted brand has one of the names.
        """
        with translated():
            ops = [*extra, *await self._ops(rows)]
            if ops:
                await self._catalog.store.transact(ops)
        for brand_id in {name.brand_id for name in rows}:
            self._catalog.writer.notify(self._tenant, brand_id)

    async def _ops(self, rows: Mapping[Name, Content]) -> list[Op]:
        keys = {name: layout.key_of(self._tenant, name) for name in rows}
        there = await self._catalog.store.get_many(keys.values()) if rows else {}
        puts: dict[Name, Op] = {}
        for name, content in rows.items():
            if (put := self._put(name, content, there.get(keys[name]))) is not None:
                puts[name] = put
        if not puts:
            return []
        guards = self._brand_is_there(puts) if self._kind.in_brand else await self._not_deleted(puts, there.keys())
        return [*puts.values(), *guards]

    def _brand_is_there(self, names: Iterable[Name]) -> list[Op]:
        brand = next(iter(names)).brand
        entry = changes.entry(self._tenant, brand.id, names, self._catalog.now())
        return [Check(layout.key_of(self._tenant, brand), PRESENT), entry]

    async def _not_deleted(self, names: Iterable[Name], there: Collection[Key]) -> list[Op]:
        store, tenant, now = self._catalog.store, self._tenant, self._catalog.now()
        absent = {name: Check(layout.deleted_key(tenant, name.id), ABSENT) for name in names}
        deleted = await store.get_many(check.key for check in absent.values())
        for name, check in absent.items():
            if check.key in deleted:
                raise FailedPrecondition(
                    f"{name} is deleted: restore it with UndeleteBrand, and import it again", reason="BRAND_DELETED"
                )
            key = layout.key_of(tenant, name)
            if key not in there:
                # What an earlier brand of that name left behind goes before anybody can see it.
                await purge(store, tenant, name.id, [Check(key, ABSENT), check])
        return [*absent.values(), *(changes.entry(tenant, name.id, [name], now) for name in absent)]

    def _put(self, name: Name, content: Content, old: Item | None) -> Put | None:
        now, key = self._catalog.now(), layout.key_of(self._tenant, name)
        if old is None:
            return Put(key, layout.pack(content, now, now), ABSENT)
        before = layout.unpack(name.kind, name.brand_id, old)
        # A row over what is deleted restores it.
        if before.content == content and not before.deleted:
            return None
        return Put(key, layout.pack(content, before.create_time or now, now), Version(old.version))
