"""API keys: kept as hashes, so that a leaked database opens nothing.

=============================  =================  ==================
access                         partition key      sort key
=============================  =================  ==================
who calls?                     ``api-keys``       SHA-256 of the key
a tenant's keys, one or all    ``TENANT#keys``    the key's id
=============================  =================  ==================

Finding a key by its hash compares nothing in a time that depends on the key. Both items are written in one transaction.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from adwright_docstore import (
    ABSENT,
    ConditionFailed,
    Key,
    Put,
    Store,
    TransactionConflict,
    Version,
)
from adwright_resources.partitions import partition
from adwright_resources.store_errors import translated
from adwright_servicekit.errors import Conflict, FailedPrecondition, NotFound

from .api_key import fingerprint, hint, new_secret
from .ledger import NO_LIMITS, Limits

__all__ = ["OVERLAP", "ApiKey", "KeyStore"]

OVERLAP: Final = timedelta(days=1)
"""How long a key that was replaced still opens, where nobody says otherwise."""

_PARTITION: Final = "api-keys"
_ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its secret."""

    tenant: str
    id: str
    scopes: frozenset[str]
    hash: str
    hint: str
    create_time: datetime
    display_name: str = ""
    expire_time: datetime | None = None
    revoke_time: datetime | None = None
    limits: Limits = NO_LIMITS
    version: int = 1

    @property
    def name(self) -> str:
        """How callers name it."""
        return f"keys/{self.id}"

    def opens(self, now: datetime) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoke_time is None and (self.expire_time is None or now < self.expire_time)


class KeyStore:
    """The keys of all tenants. Methods raise StoreError where the store does not answer."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        """`now` returns an aware datetime."""
        self._store = store
        self._now = now

    async def any(self) -> bool:
        """Whether there is a key at all."""
        return bool((await self._store.query(_PARTITION, limit=1, consistent=True)).items)

    async def tenants(self) -> set[str]:
        """Who has a key. Reads all keys there are."""
        return {str(item.data["tenant"]) async for item in self._store.query_all(_PARTITION, page_size=1000)}

    async def find(self, hashed: str) -> ApiKey | None:
        """The key of this fingerprint, also one that opens nothing any more."""
        item = await self._store.get(Key(_PARTITION, hashed))
        return None if item is None else _unpack(item.data, item.version)

    async def create(
        self,
        tenant: str,
        scopes: Iterable[str],
        *,
        display_name: str = "",
        ttl: timedelta | None = None,
        limits: Limits = NO_LIMITS,
        secret: str = "",
    ) -> tuple[ApiKey, str]:
        """A new key and its secret, drawn by lot where none is given. Raises ConditionFailed for one that is there."""
        now, secret = self._now(), secret or new_secret()
        made = ApiKey(
            tenant=tenant,
            id=secrets.token_hex(8),
            scopes=frozenset(scopes),
            hash=fingerprint(secret),
            hint=hint(secret),
            create_time=now,
            display_name=display_name,
            expire_time=now + ttl if ttl else None,
            limits=limits,
        )
        await self._store.transact(_puts(made, ABSENT))
        return made, secret

    async def get(self, tenant: str, key_id: str) -> ApiKey:
        """Raises NotFound."""
        item = await self._store.get(_listed(tenant, key_id))
        if item is None:
            raise NotFound(f"there is no keys/{key_id}: list the keys to see which there are", reason="KEY_NOT_FOUND")
        return _unpack(item.data, item.version)

    async def list(self, tenant: str, page_size: int, page_token: str) -> tuple[Sequence[ApiKey], str]:
        """One page, by name, and the token of the next. Raises InvalidInput (token)."""
        with translated():
            page = await self._store.query(
                _listed(tenant, "").pk, limit=page_size or 50, page_token=page_token or None, consistent=True
            )
        return [_unpack(item.data, item.version) for item in page.items], page.next_page_token or ""

    async def revoke(self, tenant: str, key_id: str) -> ApiKey:
        """Ends a key; one that is revoked stays as it is. Raises NotFound, Conflict."""

        def revoked(there: ApiKey) -> ApiKey:
            return there if there.revoke_time else replace(there, revoke_time=self._now())

        return await self._change(tenant, key_id, revoked)

    async def rotate(
        self, tenant: str, key_id: str, *, overlap: timedelta = OVERLAP, ttl: timedelta | None = None
    ) -> tuple[ApiKey, str, ApiKey]:
        """A new key with the old one's scopes, its secret, and the old one, which now expires after `overlap`.

        Without a `ttl` the new one lives as long as the old one was made for. Raises NotFound, Conflict, and
        FailedPrecondition for a key that opens nothing any more.
        """
        there = await self.get(tenant, key_id)
        if not there.opens(self._now()):
            raise FailedPrecondition(f"{there.name} is revoked or has expired: create another key", reason="KEY_ENDED")
        if ttl is None and there.expire_time is not None:
            ttl = there.expire_time - there.create_time
        # The new one first: whatever happens then, there is one that opens.
        made, secret = await self.create(
            tenant, there.scopes, display_name=there.display_name, ttl=ttl, limits=there.limits
        )

        def replaced(old: ApiKey) -> ApiKey:
            end = self._now() + overlap
            return replace(old, expire_time=min(end, old.expire_time or end))

        return made, secret, await self._change(tenant, key_id, replaced)

    async def _change(self, tenant: str, key_id: str, change: Callable[[ApiKey], ApiKey]) -> ApiKey:
        for _ in range(_ATTEMPTS):
            there = await self.get(tenant, key_id)
            changed = change(there)
            if changed == there:
                return there
            try:
                await self._store.transact(_puts(changed, Version(there.version)))
            except (ConditionFailed, TransactionConflict):
                continue
            return replace(changed, version=there.version + 1)
        raise Conflict(f"keys/{key_id} is being changed by others all the time: try again", reason="KEY_CHANGED")


def _listed(tenant: str, key_id: str) -> Key:
    return Key(partition(tenant, "keys"), key_id or "-")


def _puts(key: ApiKey, expect: Any) -> list[Put]:
    # Both are always written together, so they are of one version.
    places = (Key(_PARTITION, key.hash), _listed(key.tenant, key.id))
    return [Put(place, _pack(key), expect) for place in places]


def _pack(key: ApiKey) -> dict[str, Any]:
    return {
        "tenant": key.tenant,
        "id": key.id,
        "scopes": sorted(key.scopes),
        "hash": key.hash,
        "hint": key.hint,
        "display_name": key.display_name,
        "create_time": key.create_time.isoformat(),
        "expire_time": key.expire_time.isoformat() if key.expire_time else None,
        "limits": asdict(key.limits),
        "revoke_time": key.revoke_time.isoformat() if key.revoke_time else None,
    }


def _unpack(item: Any, version: int) -> ApiKey:
    data: dict[str, Any] = dict(item)
    expire, revoke = data["expire_time"], data["revoke_time"]
    return ApiKey(
        tenant=data["tenant"],
        id=data["id"],
        scopes=frozenset(data["scopes"]),
        hash=data["hash"],
        hint=data["hint"],
        create_time=datetime.fromisoformat(data["create_time"]),
        display_name=data["display_name"],
        expire_time=datetime.fromisoformat(expire) if expire else None,
        revoke_time=datetime.fromisoformat(revoke) if revoke else None,
        limits=Limits(**data.get("limits", {})),
        version=version,
    )
