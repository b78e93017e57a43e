"""API keys: kept as hashes, so that a leaked database opens nothing.

Layout: partition `keys`, one item a key, its sort key the SHA-256 of the key. Keys are long and random, so a plain hash
is as good as a slow one, and finding the item by its hash compares nothing in a time that depends on the key.
"""

import hashlib
import logging
import re
from collections.abc import Iterable

from adwright_docstore import ABSENT, ConditionFailed, Key, Store, StoreError
from adwright_servicekit.call import Identity
from adwright_servicekit.errors import PermissionDenied, Unauthenticated, Unavailable

from .scopes import ALL_SCOPES, scope_of

__all__ = ["KeyStore"]

_log = logging.getLogger(__name__)
_BEARER = re.compile(r"(?i:bearer) +(\S+)")
_PARTITION = "keys"
_HOW = "send one in the metadata: 'authorization: Bearer KEY' (the adwright command reads ADWRIGHT_API_KEY)"


class KeyStore:
    """Who may call, by API key."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def bootstrap(self, key: str | None, tenant: str = "demo") -> None:
        """Creates `tenant` with `key` and all scopes if there is no key at all yet."""
        page = await self._store.query(_PARTITION, limit=1, consistent=True)
        if page.items:
            return
        if key is None:
            _log.warning("there is no API key yet, so nobody can call: set ADWRIGHT_GATEWAY_BOOTSTRAP_KEY")
            return
        try:
            await self._store.put(_key(key), {"tenant": tenant, "scopes": sorted(ALL_SCOPES)}, expect=ABSENT)
        except ConditionFailed:
            return
        _log.info("created tenant %s with the bootstrap key", tenant)

    async def identify(self, method: str, metadata: Iterable[tuple[str, str | bytes]]) -> Identity:
        """Who calls `method` (`package.Service/Method`).

        Raises Unauthenticated (no key, unknown key), PermissionDenied (scope) or Unavailable (the store).
        """
        key = _key_from(metadata)
        try:
            item = await self._store.get(_key(key), consistent=False)
        except StoreError as error:
            raise Unavailable("keys cannot be read; try again in a moment", retry_after=1.0) from error
        if item is None:
            raise Unauthenticated(
                "this API key is not known: check it for typing mistakes, or ask for a new one",
                reason="API_KEY_INVALID",
            )
        tenant, scopes = item.data["tenant"], item.data["scopes"]
        assert isinstance(tenant, str)
        assert isinstance(scopes, list)
        identity = Identity(tenant=tenant, scopes=frozenset(str(scope) for scope in scopes))
        needed = scope_of(method)
        if needed not in identity.scopes:
            raise PermissionDenied(
                f"this API key has no scope '{needed}', which {method} needs",
                reason="SCOPE_MISSING",
                metadata={"scope": needed},
            )
        return identity


def _key(api_key: str) -> Key:
    return Key(_PARTITION, hashlib.sha256(api_key.encode()).hexdigest())


def _key_from(metadata: Iterable[tuple[str, str | bytes]]) -> str:
    for name, value in metadata:
        if name == "authorization" and isinstance(value, str):
            match = _BEARER.fullmatch(value.strip())
            if match is None:
                raise Unauthenticated(
                    f"the authorization metadata has no bearer token: {_HOW}", reason="API_KEY_MISSING"
                )
            return match[1]
    raise Unauthenticated(f"an API key is required: {_HOW}", reason="API_KEY_MISSING")
