"""API keys without async."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from adwright.gateway.v1.key_service_pb2 import CreateKeyResponse, Key, RotateKeyResponse
from adwright.gateway.v1.quota_service_pb2 import Limits

from ._loop import LoopThread
from .keys import Keys

__all__ = ["SyncKeys"]


class SyncKeys:
    """The tenant's keys; see `Keys`."""

    def __init__(self, loop: LoopThread, keys: Keys) -> None:
        self._loop = loop
        self._keys = keys

    def create(
        self,
        scopes: Iterable[str],
        *,
        display_name: str = "",
        ttl: timedelta | None = None,
        limits: Limits | None = None,
    ) -> CreateKeyResponse:
        """A new key, with its secret, which cannot be read again. Raises InvalidInput."""
        return self._loop.run(lambda: self._keys.create(scopes, display_name=display_name, ttl=ttl, limits=limits))

    def list(self) -> Iterator[Key]:
        """All keys by name, also those that open nothing any more."""
        return self._loop.iterate(self._keys.list())

    def rotate(self, key: str, *, overlap: timedelta | None = None, ttl: timedelta | None = None) -> RotateKeyResponse:
        """A new key with the scopes of this one, which opens for `overlap` (a day) more. Raises NotFound."""
        return self._loop.run(lambda: self._keys.rotate(key, overlap=overlap, ttl=ttl))

    def revoke(self, key: str) -> Key:
        """Ends a key, at every gateway within five seconds. Raises NotFound."""
        return self._loop.run(lambda: self._keys.revoke(key))
