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
from dataclasses import asdict
from typing import Any, Final

from cachetools import TTLCache

from adwright_docstore import Key, Store
from adwright_resources.store_errors import translated
from adwright_servicekit.call import Identity

from .keys import KeyStore
from .ledger import Limits

__all__ = ["Tenants"]

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
            item = await self._store.get(Key("tenants", tenant))
        if item is None:
            return Limits()
        data: Any = item.data["limits"]
        return Limits(**data)

    async def set_limits(self, tenant: str, limits: Limits) -> None:
        """Replaces them; in effect at every gateway within five seconds."""
        with translated():
            await self._store.put(Key("tenants", tenant), {"limits": asdict(limits)})
