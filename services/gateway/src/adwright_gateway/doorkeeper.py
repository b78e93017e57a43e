"""Who calls, by API key or by token, and whether they may."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from cachetools import TTLCache

from adwright_docstore import ConditionFailed, StoreError
from adwright_servicekit.call import Identity
from adwright_servicekit.errors import PermissionDenied, Unauthenticated, Unavailable
from adwright_servicekit.peers import Peers

from .api_key import fingerprint, is_mistyped
from .keys import ApiKey, KeyStore
from .oidc import OidcVerifier, looks_like_a_token
from .scopes import ALL_SCOPES, scope_of

__all__ = ["REVOKED_WITHIN", "Doorkeeper"]

REVOKED_WITHIN: Final = 5.0
"""So long a key may go on opening after it was revoked at another gateway. Units: seconds."""

_log = logging.getLogger(__name__)
_BEARER: Final = re.compile(r"(?i:bearer) +(\S+)")
_FOR_SERVICES: Final = frozenset({"generate", "read"})
"""What a service may do at the gateway for the tenant that it works for: the evaluator has ads written."""
_MOST_KNOWN: Final = 10_000
_HOW: Final = "send one as 'authorization: Bearer KEY' (the adwright command reads ADWRIGHT_API_KEY)"


class Doorkeeper:
    """Knows callers by their keys; remembers a key for REVOKED_WITHIN seconds."""

    def __init__(
        self,
        keys: KeyStore,
        now: Callable[[], datetime],
        tokens: OidcVerifier | None = None,
        *,
        peers: Peers | None = None,
    ) -> None:
        """Without `tokens` only keys open; `peers` are the services that may speak for a tenant."""
        self._keys = keys
        self._tokens = tokens
        self._peers = peers or Peers()
        self._now = now
        self._known: TTLCache[str, ApiKey] = TTLCache(_MOST_KNOWN, REVOKED_WITHIN, timer=lambda: now().timestamp())

    async def bootstrap(self, secret: str | None, tenant: str = "demo") -> None:
        """Creates `tenant` with this key and all scopes if there is no key at all yet. Raises Unavailable (store)."""
        try:
            await self._bootstrap(secret, tenant)
        except StoreError as error:
            raise Unavailable(f"keys cannot be read, so nobody could call: {error}") from error

    async def _bootstrap(self, secret: str | None, tenant: str) -> None:
        if await self._keys.any():
            return
        if secret is None:
            _log.warning("there is no API key yet, so nobody can call: set ADWRIGHT_GATEWAY_BOOTSTRAP_KEY")
            return
        try:
            await self._keys.create(tenant, ALL_SCOPES, display_name="bootstrap", secret=secret)
        except ConditionFailed:
            # Another gateway that starts now was faster.
            return
        _log.info("created tenant %s with the bootstrap key", tenant)

    def forget(self, key: ApiKey) -> None:
        """What this gateway changes it knows at once."""
        self._known.pop(key.hash, None)

    async def identify(self, method: str, metadata: Iterable[tuple[str, str | bytes]]) -> Identity:
        """Who calls `method` (`package.Service/Method`).

        Raises Unauthenticated (no key, or one that opens nothing), PermissionDenied (scope) or Unavailable (the store).
        """
        metadata = tuple(metadata)
        if self._peers.shown_in(metadata):
            asked = await self._peers.identify(method, metadata)
            return _allowed(method, Identity(tenant=asked.tenant, scopes=_FOR_SERVICES), "service")
        secret = _secret_from(metadata)
        if self._tokens is not None and looks_like_a_token(secret):
            return _allowed(method, await self._tokens.verify(secret), "token")
        if is_mistyped(secret):
            raise Unauthenticated(
                "this API key is mistyped or cut off: its checksum is wrong; copy it again", reason="API_KEY_MISTYPED"
            )
        key = await self._find(secret)
        if key is None:
            raise Unauthenticated(
                "this API key is not known: check it for typing mistakes, or ask for a new one",
                reason="API_KEY_INVALID",
            )
        if key.revoke_time is not None:
            raise Unauthenticated("this API key was revoked: ask for a new one", reason="API_KEY_REVOKED")
        if not key.opens(self._now()):
            raise Unauthenticated("this API key has expired: ask for a new one", reason="API_KEY_EXPIRED")
        return _allowed(method, Identity(tenant=key.tenant, scopes=key.scopes, key=key.name), "API key")

    async def _find(self, secret: str) -> ApiKey | None:
        hashed = fingerprint(secret)
        if (known := self._known.get(hashed)) is not None:
            return known
        try:
            found = await self._keys.find(hashed)
        except StoreError as error:
            raise Unavailable("keys cannot be read; try again in a moment", retry_after=1.0) from error
        if found is not None:
            self._known[hashed] = found
        return found


def _allowed(method: str, identity: Identity, shown: str) -> Identity:
    needed = scope_of(method)
    if needed not in identity.scopes:
        raise PermissionDenied(
            f"this {shown} has no scope '{needed}', which {method} needs",
            reason="SCOPE_MISSING",
            metadata={"scope": needed},
        )
    return identity


def _secret_from(metadata: Iterable[tuple[str, str | bytes]]) -> str:
    for name, value in metadata:
        if name == "authorization" and isinstance(value, str):
            match = _BEARER.fullmatch(value.strip())
            if match is None:
                raise Unauthenticated(f"authorization has no bearer token: {_HOW}", reason="API_KEY_MISSING")
            return match[1]
    raise Unauthenticated(f"an API key is required: {_HOW}", reason="API_KEY_MISSING")
