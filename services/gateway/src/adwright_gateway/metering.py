"""A generation's way through the quota: reserved when it is admitted, settled with what it used, however it ends."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from contextvars import Context
from datetime import timedelta
from typing import Any, Final

import grpc

from adwright.generator.v1 import generator_service_pb2, generator_service_pb2_grpc
from adwright.type.v1 import ad_event_pb2
from adwright_docstore import Store
from adwright_resources.stores import utc_now
from adwright_servicekit.call import TENANT_METADATA, Identity, current_call
from adwright_servicekit.errors import AdwrightError

from .ledger import Room
from .quotas import Quotas, SettledUse
from .tenants import Tenants

__all__ = ["Bill", "Meter", "used_by"]

_log = logging.getLogger(__name__)

_AFTER_THE_DEADLINE: Final = 5.0
_ASKED: Final = 5.0
_REPLICAS_TRIED: Final = 5
_PAUSES: Final = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 4.0)


def used_by(usage: ad_event_pb2.Usage, cost: Any) -> SettledUse:
    """Tokens read and written, and money (google.type.Money) in millionths of a dollar, rounded."""
    return SettledUse(usage.input_tokens + usage.output_tokens, cost.units * 1_000_000 + round(cost.nanos / 1000))


def _headers(room: list[Room]) -> dict[str, str]:
    """As draft-ietf-httpapi-ratelimit-headers-10 spells them: limits and windows, what is left and until when."""
    return {
        "ratelimit-policy": ", ".join(
            f'"{each.name}";q={each.limit}' + (f";w={each.window}" if each.window else "") for each in room
        ),
        "ratelimit": ", ".join(f'"{each.name}";r={each.left};t={math.ceil(each.resets_in)}' for each in room),
    }


class Bill:
    """What is known of one generation's use."""

    def __init__(self, quotas: Quotas, tenant: str, generation: str) -> None:
        self._quotas = quotas
        self._tenant = tenant
        self._generation = generation
        self.asked = False
        """Whether the generator may have begun."""
        self.settled = False

    async def completed(self, completed: ad_event_pb2.AdCompleted) -> None:
        """Settles with what the generator said in the end."""
        self.settled = await self.settle(used_by(completed.usage, completed.cost))

    async def settle(self, used: SettledUse) -> bool:
        """Settles; False where the store does not answer: whoever sweeps does it later."""
        try:
            await self._quotas.settle(self._tenant, self._generation, used)
        except AdwrightError as error:
            _log.warning("%s was not settled yet: %s", self._generation, error.message)
            return False
        return True


class Meter:
    """Admits generations, and sees to it that each is settled."""

    def __init__(self, store: Store, tenants: Tenants, generator: grpc.aio.Channel) -> None:
        self.quotas = Quotas(store, utc_now, self._used)
        self._tenants = tenants
        self._generator = generator_service_pb2_grpc.GeneratorServiceStub(generator)
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def admitted(self, identity: Identity, generation: str, variants: int) -> AsyncIterator[Bill]:
        """A generation that may begin. Raises ResourceExhausted with QuotaFailure, or Unavailable (store)."""
        limits = await self._tenants.limits_of(identity)
        call = current_call()
        left = _AFTER_THE_DEADLINE + (call.time_remaining() if call else 0.0)
        expires = utc_now() + timedelta(seconds=left)
        room = await self.quotas.admit(identity.tenant, generation, limits, variants, expires)
        if call and room:
            call.headers.update(_headers(room))
        bill = Bill(self.quotas, identity.tenant, generation)
        try:
            yield bill
        finally:
            if not bill.settled:
                self._soon(self._settle(bill, identity.tenant, generation))

    async def close(self) -> None:
        """Waits a moment for what is being settled; the rest is settled by whoever sweeps."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5.0)
        await self.quotas.close()

    async def _settle(self, bill: Bill, tenant: str, generation: str) -> None:
        if not bill.asked:
            await bill.settle(SettledUse(0, 0))
            return
        # What was cancelled has ended within a tenth of a second; its use is known then.
        for pause in _PAUSES:
            await asyncio.sleep(pause)
            used = await self._used(tenant, generation)
            if used is not None:
                await bill.settle(used)
                return

    async def _used(self, tenant: str, generation: str) -> SettledUse | None:
        request = generator_service_pb2.GetUsageRequest(generation=generation)
        for _ in range(_REPLICAS_TRIED):
            try:
                said = await self._generator.GetUsage(request, metadata=((TENANT_METADATA, tenant),), timeout=_ASKED)
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.NOT_FOUND:
                    return None
                # Another replica may have it: each call goes to the next one.
                continue
            return used_by(said.usage, said.cost) if said.ended else None
        _log.warning("no generator knows %s: it never began, or its generator is gone; nothing is charged", generation)
        return SettledUse(0, 0)

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        # In a context of its own: the deadline of the call that ends here is not its.
        task = asyncio.get_running_loop().create_task(work, context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
