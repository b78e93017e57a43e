"""Eight gateways, two tenants, callers who leave, backends that die, gateways killed with -9: nothing is lost of what
was used, and no one is admitted above the limit.
"""

import asyncio
import contextlib
import os
import random
import signal
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from tools.stack import free_ports

from adwright.context.v1 import context_service_pb2 as context_pb
from adwright.context.v1 import context_service_pb2_grpc as context_grpc
from adwright.context.v1 import resources_pb2
from adwright.gateway.v1 import ad_service_pb2 as pb
from adwright.gateway.v1 import ad_service_pb2_grpc as pb_grpc
from adwright.gateway.v1 import quota_service_pb2, quota_service_pb2_grpc
from adwright.generator.v1 import generator_service_pb2 as generator_pb
from adwright.generator.v1 import generator_service_pb2_grpc as generator_grpc
from adwright.type.v1 import ad_event_pb2
from adwright_docstore import open_store
from adwright_gateway.keys import KeyStore
from adwright_gateway.ledger import Limits
from adwright_gateway.tenants import Tenants
from adwright_resources.stores import utc_now
from adwright_servicekit.call import current_tenant
from adwright_servicekit.errors import NotFound, Unavailable
from adwright_servicekit.testing import served

GATEWAYS, KILLED = 8, 3
TENANTS = ("north", "south")
STREAMS = 5
CALLS = 14
AD = pb.GenerateAdRequest(brand="nordlys", format="plain", brief="light")


class Context(context_grpc.ContextServiceServicer):
    async def AssembleContext(self, request: Any, context: Any) -> context_pb.AssembleContextResponse:
        brand = resources_pb2.Brand(name=request.brand, display_name="Nordlys", languages=["en"])
        return context_pb.AssembleContextResponse(context=resources_pb2.PromptContext(brand=brand, language="en"))


class Spender(generator_grpc.GeneratorServiceServicer):
    """Knows what was really used, as a generator does."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.used: dict[str, generator_pb.GetUsageResponse] = {}
        self.tokens: Counter[str] = Counter()
        self.running: Counter[str] = Counter()
        self.most_running: Counter[str] = Counter()

    async def Generate(self, request: Any, context: Any) -> AsyncGenerator[ad_event_pb2.AdEvent]:
        tenant = current_tenant()
        self.running[tenant] += 1
        self.most_running[tenant] = max(self.most_running[tenant], self.running[tenant])
        said = self.used[request.generation] = generator_pb.GetUsageResponse()
        dies_at = self._chance.choice([None, None, None, 3])
        try:
            yield ad_event_pb2.AdEvent(started=ad_event_pb2.AdStarted(generation=request.generation, variant_count=1))
            said.usage.input_tokens = self._chance.randrange(50, 500)
            for number in range(self._chance.randrange(2, 20)):
                if number == dies_at:
                    raise Unavailable("the model server went away", reason="BACKENDS_UNAVAILABLE")
                said.usage.output_tokens += self._chance.randrange(1, 9)
                yield ad_event_pb2.AdEvent(delta=ad_event_pb2.AdDelta(path="text", text="x"))
                await asyncio.sleep(self._chance.uniform(0, 0.02))
            yield ad_event_pb2.AdEvent(completed=ad_event_pb2.AdCompleted(usage=said.usage))
        finally:
            said.ended = True
            self.running[tenant] -= 1
            self.tokens[tenant] += said.usage.input_tokens + said.usage.output_tokens

    async def GetUsage(self, request: Any, context: Any) -> generator_pb.GetUsageResponse:
        if request.generation not in self.used:
            raise NotFound("it did not run here", reason="GENERATION_NOT_FOUND")
        return self.used[request.generation]


async def gateway(environ: dict[str, str], port: int, http: int) -> asyncio.subprocess.Process:
    environ = environ | {
        "ADWRIGHT_GATEWAY_LISTEN": f"127.0.0.1:{port}",
        "ADWRIGHT_GATEWAY_HTTP_LISTEN": f"127.0.0.1:{http}",
    }
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "adwright_gateway", env=environ, stderr=asyncio.subprocess.DEVNULL
    )


@pytest.mark.timeout(180)
async def test_spend_recorded_is_spend_used_and_nobody_is_admitted_above_the_limit(tmp_path: Path) -> None:
    seed = int(os.environ.get("ADWRIGHT_TEST_SEED", "20261124"))
    chance = random.Random(seed)
    spender, ports = Spender(chance), free_ports(2 * GATEWAYS)
    path = tmp_path / "gateway.db"
    async with open_store("sqlite", path=path) as store:
        keys = KeyStore(store, utc_now)
        secrets = {tenant: (await keys.create(tenant, ["generate", "read"]))[1] for tenant in TENANTS}
        for tenant in TENANTS:
            await Tenants(store, keys).set_limits(tenant, Limits(concurrent_streams=STREAMS))
    metadata = {tenant: (("authorization", f"Bearer {secret}"),) for tenant, secret in secrets.items()}

    async with (
        served(partial(context_grpc.add_ContextServiceServicer_to_server, Context()), []) as context,
        served(partial(generator_grpc.add_GeneratorServiceServicer_to_server, spender), []) as generator,
    ):
        environ = {key: value for key, value in os.environ.items() if not key.startswith(("ADWRIGHT_", "OTEL_"))} | {
            "ADWRIGHT_GATEWAY_SQLITE_PATH": str(path),
            "ADWRIGHT_CONTEXT_TARGET": context.address,
            "ADWRIGHT_GENERATOR_TARGET": generator.address,
            "ADWRIGHT_MAX_DEADLINE": "5",
        }
        processes = [await gateway(environ, *pair) for pair in zip(ports[:GATEWAYS], ports[GATEWAYS:], strict=True)]
        channels = [grpc.aio.insecure_channel(f"127.0.0.1:{port}") for port in ports[:GATEWAYS]]
        outcomes: Counter[str] = Counter()
        try:
            for channel in channels:
                await asyncio.wait_for(channel.channel_ready(), 60)

            async def call(number: int, channel: grpc.aio.Channel) -> None:
                tenant = TENANTS[number % 2]
                leaves_after = chance.choice([None, None, None, 1, 4])
                stream = pb_grpc.AdServiceStub(channel).GenerateAd(AD, metadata=metadata[tenant])
                seen = 0
                try:
                    async for _ in stream:
                        seen += 1
                        if seen == leaves_after:
                            stream.cancel()
                            outcomes["left"] += 1
                            return
                    outcomes["completed"] += 1
                except grpc.aio.AioRpcError as error:
                    outcomes[error.code().name] += 1
                    await asyncio.sleep(chance.uniform(0.05, 0.2))
                finally:
                    await asyncio.sleep(chance.uniform(0, 0.05))

            async def caller(number: int) -> None:
                for turn in range(CALLS):
                    await call(number + turn, channels[number % GATEWAYS])

            async def killer() -> None:
                for process in chance.sample(processes, KILLED):
                    await asyncio.sleep(chance.uniform(0.2, 0.8))
                    process.send_signal(signal.SIGKILL)
                    await process.wait()

            await asyncio.gather(killer(), *(caller(number) for number in range(3 * GATEWAYS)))
            alive = next(
                channel for channel, process in zip(channels, processes, strict=True) if process.returncode is None
            )
            found = await settled(alive, metadata)
        finally:
            for channel in channels:
                await channel.close()
            for process in processes:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        assert not any(spender.running.values())
        assert {tenant: found[tenant] for tenant in TENANTS} == dict(spender.tokens), (seed, outcomes)
        assert all(spender.most_running[tenant] <= STREAMS for tenant in TENANTS), spender.most_running
        # All that the test is about did happen.
        assert {"completed", "left", "RESOURCE_EXHAUSTED", "UNAVAILABLE"} <= set(outcomes), outcomes


async def settled(channel: grpc.aio.Channel, metadata: dict[str, Any]) -> dict[str, int]:
    """The tokens of each tenant, once no generation has anything set aside."""
    stub = quota_service_pb2_grpc.QuotaServiceStub(channel)
    found: dict[str, int] = defaultdict(int)
    async with asyncio.timeout(60):
        for tenant, shown in metadata.items():
            while True:
                said = await stub.GetQuota(quota_service_pb2.GetQuotaRequest(), metadata=shown)
                if not said.tenant.streams:
                    break
                await asyncio.sleep(0.25)
            found[tenant] = said.tenant.tokens
    return found
