"""The API keys of the caller's tenant."""

from collections.abc import AsyncIterator, Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

from google.protobuf.duration_pb2 import Duration

from adwright.gateway.v1 import key_service_pb2 as messages
from adwright.gateway.v1.key_service_pb2 import CreateKeyResponse, Key, RotateKeyResponse
from adwright.gateway.v1.quota_service_pb2 import Limits

from ._caller import Caller

if TYPE_CHECKING:
    from adwright.gateway.v1.key_service_pb2_grpc import KeyServiceAsyncStub

__all__ = ["Keys"]


class Keys:
    """Names are `keys/1f0c…`, or `1f0c…` for short. Every call needs a key with the scope `admin`."""

    def __init__(self, caller: Caller, stub: "KeyServiceAsyncStub") -> None:
        self._caller = caller
        self._stub = stub

    async def create(
        self,
        scopes: Iterable[str],
        *,
        display_name: str = "",
        ttl: timedelta | None = None,
        limits: Limits | None = None,
    ) -> CreateKeyResponse:
        """A new key, with its secret, which cannot be read again. Raises InvalidInput."""
        key = Key(scopes=tuple(scopes), display_name=display_name, limits=limits)
        request = messages.CreateKeyRequest(key=key, ttl=_duration(ttl))
        return await self._caller.unary(self._stub.CreateKey, request, None)

    async def list(self) -> AsyncIterator[Key]:
        """All keys by name, also those that open nothing any more."""
        request = messages.ListKeysRequest(page_size=200)
        async for key in self._caller.listed(self._stub.ListKeys, request, "keys"):
            yield key

    async def rotate(
        self, key: str, *, overlap: timedelta | None = None, ttl: timedelta | None = None
    ) -> RotateKeyResponse:
        """A new key with the scopes of this one, which opens for `overlap` (a day) more. Raises NotFound."""
        request = messages.RotateKeyRequest(name=_name(key), overlap=_duration(overlap), ttl=_duration(ttl))
        return await self._caller.unary(self._stub.RotateKey, request, None)

    async def revoke(self, key: str) -> Key:
        """Ends a key, at every gateway within five seconds. Raises NotFound."""
        return await self._caller.unary(self._stub.RevokeKey, messages.RevokeKeyRequest(name=_name(key)), None)


def _name(key: str) -> str:
    return key if key.startswith("keys/") else f"keys/{key}"


def _duration(value: timedelta | None) -> Duration | None:
    if value is None:
        return None
    duration = Duration()
    duration.FromTimedelta(value)
    return duration
