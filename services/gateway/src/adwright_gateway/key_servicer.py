"""KeyService: translates between messages and keys."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, TypeAlias

import grpc

from adwright.gateway.v1 import key_service_pb2 as pb
from adwright.gateway.v1 import key_service_pb2_grpc
from adwright_resources.store_errors import translated
from adwright_servicekit.call import current_tenant

from .doorkeeper import Doorkeeper
from .keys import OVERLAP, ApiKey, KeyStore
from .quota_servicer import limits_from, limits_to

__all__ = ["KeyServicer"]

Call: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class KeyServicer(key_service_pb2_grpc.KeyServiceServicer):
    """The keys of the caller's tenant."""

    def __init__(self, keys: KeyStore, doorkeeper: Doorkeeper) -> None:
        self._keys = keys
        self._doorkeeper = doorkeeper

    async def CreateKey(self, request: pb.CreateKeyRequest, context: Call) -> pb.CreateKeyResponse:
        with translated():
            made, secret = await self._keys.create(
                current_tenant(),
                request.key.scopes,
                display_name=request.key.display_name,
                ttl=_duration(request, "ttl"),
                limits=limits_from(request.key.limits),
            )
        return pb.CreateKeyResponse(key=_message(made), secret=secret)

    async def GetKey(self, request: pb.GetKeyRequest, context: Call) -> pb.Key:
        with translated():
            return _message(await self._keys.get(current_tenant(), _id(request.name)))

    async def ListKeys(self, request: pb.ListKeysRequest, context: Call) -> pb.ListKeysResponse:
        with translated():
            keys, token = await self._keys.list(current_tenant(), request.page_size, request.page_token)
        return pb.ListKeysResponse(keys=map(_message, keys), next_page_token=token)

    async def RotateKey(self, request: pb.RotateKeyRequest, context: Call) -> pb.RotateKeyResponse:
        overlap = _duration(request, "overlap")
        with translated():
            made, secret, old = await self._keys.rotate(
                current_tenant(),
                _id(request.name),
                overlap=OVERLAP if overlap is None else overlap,
                ttl=_duration(request, "ttl"),
            )
        self._doorkeeper.forget(old)
        return pb.RotateKeyResponse(key=_message(made), secret=secret, replaced=_message(old))

    async def RevokeKey(self, request: pb.RevokeKeyRequest, context: Call) -> pb.Key:
        with translated():
            gone = await self._keys.revoke(current_tenant(), _id(request.name))
        self._doorkeeper.forget(gone)
        return _message(gone)


def _id(name: str) -> str:
    return name.removeprefix("keys/")


def _duration(request: Any, field: str) -> timedelta | None:
    return getattr(request, field).ToTimedelta() if request.HasField(field) else None


def _message(key: ApiKey) -> pb.Key:
    message = pb.Key(name=key.name, display_name=key.display_name, scopes=sorted(key.scopes), hint=key.hint)
    message.limits.CopyFrom(limits_to(key.limits))
    message.create_time.FromDatetime(key.create_time)
    if key.expire_time is not None:
        message.expire_time.FromDatetime(key.expire_time)
    if key.revoke_time is not None:
        message.revoke_time.FromDatetime(key.revoke_time)
    return message
