"""Bearer tokens of an OpenID Connect provider: signed by its keys, made for us, naming tenant and scopes.

Tokens are checked with PyJWT, as RFC 8725 asks: algorithms by an allow list, issuer, audience and expiry always.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import jwt

from adwright_servicekit.call import Identity
from adwright_servicekit.errors import Unauthenticated, Unavailable

from .scopes import ALL_SCOPES

__all__ = ["OidcConfig", "OidcVerifier", "looks_like_a_token"]

_ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")
_LEEWAY: Final = 30
_KEYS_KEPT: Final = 600.0
_ASK_AGAIN: Final = 10.0
"""So often at most the provider is asked for keys, however many unknown ones are shown."""
_TIMEOUT: Final = 5.0
_LARGEST: Final = 1024 * 1024
_PREFIX: Final = "adwright:"


@dataclass(frozen=True, slots=True)
class OidcConfig:
    """Whose tokens are taken."""

    issuer: str
    audience: str
    tenant_claim: str = "tenant"
    scope_claim: str = "scope"
    """A text of scopes with blanks between them, or a list; `generate` and `adwright:generate` mean the same."""
    jwks_url: str = ""
    """Empty: as the issuer's `/.well-known/openid-configuration` says."""


def looks_like_a_token(secret: str) -> bool:
    """Whether it has the form of a JWT; an API key has no dots."""
    return secret.count(".") == 2 and not secret.startswith("adw_")


class OidcVerifier:
    """Knows the provider's keys, and asks for them again when they may have changed."""

    def __init__(self, config: OidcConfig, *, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` is in seconds."""
        self._config = config
        self._clock = clock
        self._keys: dict[str, jwt.PyJWK] = {}
        self._asked_at: float | None = None
        self._asking = asyncio.Lock()

    async def verify(self, token: str) -> Identity:
        """Who shows it. Raises Unauthenticated (TOKEN_…), or Unavailable where the provider does not answer."""
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError:
            raise _refused("it is not a JSON web token") from None
        key = await self._key(str(header.get("kid", "")))
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=list(_ALGORITHMS),
                audience=self._config.audience,
                issuer=self._config.issuer,
                leeway=_LEEWAY,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.ExpiredSignatureError:
            raise Unauthenticated("this token has expired: sign in again", reason="TOKEN_EXPIRED") from None
        except jwt.InvalidAudienceError:
            raise _refused(f"it is made for another audience than {self._config.audience}") from None
        except jwt.InvalidIssuerError:
            raise _refused(f"it is not from {self._config.issuer}") from None
        except jwt.MissingRequiredClaimError as error:
            raise _refused(f"it has no claim '{error.claim}'") from None
        except (jwt.PyJWTError, ValueError, TypeError):
            raise _refused("its signature is not the provider's") from None
        return self._identity(claims)

    def _identity(self, claims: dict[str, Any]) -> Identity:
        tenant = claims.get(self._config.tenant_claim)
        if not isinstance(tenant, str) or not tenant:
            raise _refused(f"it has no claim '{self._config.tenant_claim}' that names a tenant")
        given = claims.get(self._config.scope_claim, "")
        words = given.split() if isinstance(given, str) else [str(each) for each in given]
        scopes = {word.removeprefix(_PREFIX) for word in words} & ALL_SCOPES
        # The subject may be an address of e-mail: what stands in ledgers and logs is its hash.
        subject = hashlib.sha256(f"{claims['iss']}\n{claims['sub']}".encode()).hexdigest()[:16]
        return Identity(tenant=tenant, scopes=frozenset(scopes), key=f"users/{subject}")

    async def _key(self, key_id: str) -> jwt.PyJWK:
        if (known := self._known(key_id)) is not None:
            return known
        async with self._asking:
            if (known := self._known(key_id)) is not None:
                return known
            now = self._clock()
            if self._asked_at is None or now - self._asked_at >= _ASK_AGAIN:
                self._asked_at = now
                self._keys = await asyncio.to_thread(self._fetch)
        if (known := self._known(key_id)) is not None:
            return known
        raise _refused("the provider does not know the key it is signed with")

    def _known(self, key_id: str) -> jwt.PyJWK | None:
        if self._asked_at is None or self._clock() - self._asked_at > _KEYS_KEPT:
            return None
        if not key_id and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(key_id)

    def _fetch(self) -> dict[str, jwt.PyJWK]:
        try:
            url = self._config.jwks_url
            if not url:
                found = _read(f"{self._config.issuer.rstrip('/')}/.well-known/openid-configuration")
                url = str(found["jwks_uri"])
            keys = jwt.PyJWKSet.from_dict(_read(url)).keys
        except (OSError, urllib.error.URLError, ValueError, KeyError, TypeError, jwt.PyJWTError) as error:
            self._asked_at = None
            raise Unavailable(
                "the identity provider's keys cannot be read: try again in a moment",
                reason="IDENTITY_PROVIDER_UNAVAILABLE",
                retry_after=1.0,
            ) from error
        return {key.key_id or "": key for key in keys}


def _read(url: str) -> dict[str, Any]:
    if not url.startswith(("https://", "http://")):
        raise ValueError("only HTTP is spoken")
    with urllib.request.urlopen(url, timeout=_TIMEOUT) as answer:  # noqa: S310 - the scheme is checked above
        found = json.loads(answer.read(_LARGEST))
    if not isinstance(found, dict):
        raise TypeError("not an object")
    return found


def _refused(why: str) -> Unauthenticated:
    return Unauthenticated(f"this token is not taken: {why}", reason="TOKEN_INVALID")
