"""Page tokens: where a query stopped, signed so that it continues only that query."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

from adwright_docstore.errors import InvalidPageToken
from adwright_docstore.model import All, Between, Prefix, SkRange

__all__ = ["PageTokens"]

_DIGEST_BYTES = hashlib.sha256().digest_size


class PageTokens:
    """Issues and reads page tokens: base64url(HMAC-SHA256(query, last sort key) + last sort key).

    `key` is at least 16 bytes, the same in all processes that serve one store.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < 16:
            raise ValueError("a page token key has at least 16 bytes")
        self._key = key

    def issue(self, pk: str, sk: SkRange, descending: bool, bind: str, last: str) -> str:
        """Returns the token that continues this query after the sort key `last`."""
        signed = self._sign(pk, sk, descending, bind, last) + last.encode()
        return base64.urlsafe_b64encode(signed).rstrip(b"=").decode()

    def read(self, token: str, pk: str, sk: SkRange, descending: bool, bind: str) -> str:
        """Returns the sort key that this query stopped at. Raises InvalidPageToken."""
        try:
            padded = token + "=" * (-len(token) % 4)
            signed = base64.b64decode(padded, altchars=b"-_", validate=True)
            last = signed[_DIGEST_BYTES:].decode()
        except ValueError:
            raise InvalidPageToken from None
        # Issued anew rather than taken apart: base64 has several spellings of the same bytes.
        if not hmac.compare_digest(token, self.issue(pk, sk, descending, bind, last)):
            raise InvalidPageToken
        return last

    def _sign(self, pk: str, sk: SkRange, descending: bool, bind: str, last: str) -> bytes:
        # JSON keeps the parts apart: no two different queries are written the same way.
        message = json.dumps([pk, _describe(sk), descending, bind, last])
        return hmac.digest(self._key, message.encode(), hashlib.sha256)


def _describe(sk: SkRange) -> list[str]:
    match sk:
        case All():
            return ["all"]
        case Prefix(value):
            return ["prefix", value]
        case Between(low, high):
            return ["between", low, high]
