"""Tenants and what they may use.

==============  =============  ============
access          partition key  sort key
==============  =============  ============
one, or all     ``tenants``    the tenant
==============  =============  ============

A tenant that is not here has no limits: the bootstrap key's, for example.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, Final

from cachetools import TTLCache

from adwright_docstore import ABSENT, ConditionFailed, Item, Key, Store, Version
from adwright_resources.similarity import closest
from adwright_resources.store_errors import translated
from adwright_servicekit.call import Identity
from adwright_servicekit.errors import Conflict, NotFound

from .keys import KeyStore
from .ledger import Limits

__all__ = ["Tenants"]

_PARTITION: Final = "tenants"
_ATTEMPTS: Final = 5
_KNOWN_FOR: Final = 5.0
_MOST_KNOWN: Final = 10_000


class Tenants:
    """The limits of tenants and their keys; remembers them for five seconds."""

    def __init__(self, store: Store, keys: KeyStore) -> None:
        self._store = store
        self._keys = keys
        self._known: TTLCache[tuple[str, str], Mapping[str, Limits]] = TTLCache(_MOST_KNOWN, _KNOWN_FOR)

    async def limits_of(self, identity: Identity) -> Mapping[str, Limits]:
        """By subject: `tenants/…` and `keys/…`. Raises Unavailable (store)."""
        asked = (identity.tenant, identity.key)
        if (known := self._known.get(asked)) is not None:
            return known
        found = {f"tenants/{identity.tenant}": await self.limits(identity.tenant)}
        if identity.key.startswith("keys/"):
            with translated():
                key = await self._keys.get(identity.tenant, identity.key.removeprefix("keys/"))
            found[identity.key] = key.limits
        self._known[asked] = found
        return found

    async def limits(self, tenant: str) -> Limits:
        """Those of a tenant itself."""
        with translated():
            return _limits_in(await self._store.get(Key(_PARTITION, tenant)))

    async def set_limits(self, tenant: str, limits: Limits) -> None:
        """Replaces them; in effect at every gateway within five seconds."""
        with translated():
            await self._store.put(Key(_PARTITION, tenant), {"limits": asdict(limits)})

    async def change_limits(self, tenant: str, named: Mapping[str, int]) -> Limits:
        """Replaces those that are named, by field of Limits, and returns all.

        Raises NotFound for a tenant without a record and without a key, Conflict, StoreError.
        """
        place = Key(_PARTITION, tenant)
        for _ in range(_ATTEMPTS):
            item = await self._store.get(place)
            if item is None and not (await self._keys.list(tenant, 1, ""))[0]:
                raise await self._unknown(tenant)
            there = _limits_in(item)
            changed = replace(there, **named)
            if changed == there:
                return there
            try:
                # On condition that nobody has changed another limit since.
                expect = ABSENT if item is None else Version(item.version)
                await self._store.put(place, {"limits": asdict(changed)}, expect=expect)
            except ConditionFailed:
                continue
            return changed
        raise Conflict(f"the limits of {tenant} are being changed by others all the time: try again")

    async def _unknown(self, tenant: str) -> NotFound:
        names = {item.key.sk async for item in self._store.query_all(_PARTITION)} | await self._keys.tenants()
        near = closest(tenant, sorted(names))
        return NotFound(
            f"there is no tenant {tenant}: " + (f"did you mean {near}?" if near else "create-tenant makes one")
        )


def _limits_in(item: Item | None) -> Limits:
    if item is None:
        return Limits()
    data: Any = item.data["limits"]
    return Limits(**data)
