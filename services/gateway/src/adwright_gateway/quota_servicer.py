"""QuotaService: limits and use, for those who have them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, TypeAlias

import grpc

from adwright.gateway.v1 import quota_service_pb2 as pb
from adwright.gateway.v1 import quota_service_pb2_grpc
from adwright_servicekit.call import current_identity

from .ledger import Ledger, Limits, Use
from .quotas import Quotas
from .tenants import Tenants

__all__ = ["QuotaServicer", "limits_from", "limits_to"]

Call: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class QuotaServicer(quota_service_pb2_grpc.QuotaServiceServicer):
    """What the caller's tenant and key may use."""

    def __init__(self, quotas: Quotas, tenants: Tenants) -> None:
        self._quotas = quotas
        self._tenants = tenants

    async def GetQuota(self, request: pb.GetQuotaRequest, context: Call) -> pb.Quota:
        identity = current_identity()
        limits = await self._tenants.limits_of(identity)
        ledger = await self._quotas.read(identity.tenant)
        tenant = f"tenants/{identity.tenant}"
        return pb.Quota(
            tenant=_use(ledger, tenant, limits[tenant]),
            key=_use(ledger, identity.key, limits.get(identity.key, Limits())),
        )


def limits_to(limits: Limits) -> pb.Limits:
    """Limits as a message."""
    return pb.Limits(**asdict(limits))


def limits_from(message: pb.Limits) -> Limits:
    """Limits from a message."""
    return Limits(
        requests_per_minute=message.requests_per_minute,
        concurrent_streams=message.concurrent_streams,
        tokens_per_day=message.tokens_per_day,
        usd_micros_per_month=message.usd_micros_per_month,
    )


def _use(ledger: Ledger, subject: str, limits: Limits) -> pb.QuotaUse:
    used = ledger.used.get(subject, Use())
    streams, aside = ledger.set_aside(subject)
    return pb.QuotaUse(
        subject=subject,
        limits=limits_to(limits),
        requests=used.requests,
        streams=streams,
        tokens=used.tokens,
        usd_micros=used.usd_micros,
        reserved_tokens=aside.tokens,
        reserved_usd_micros=aside.usd_micros,
    )
