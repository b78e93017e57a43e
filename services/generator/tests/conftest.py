"""What the tests of the generator share: a brand with a product, and a generator behind a real channel."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any

import pytest
from google.protobuf import json_format

from adwright.context.v1 import resources_pb2
from adwright.generator.v1 import generator_service_pb2 as pb
from adwright.generator.v1 import generator_service_pb2_grpc as pb_grpc
from adwright_checks import default_checks
from adwright_generator.backends.base import Backend
from adwright_generator.convert import Formats
from adwright_generator.fleet import Fleet
from adwright_generator.generation import Generations
from adwright_generator.policy.dispatcher import Limits
from adwright_generator.policy.metered import Metered
from adwright_generator.prompting import PromptLibrary
from adwright_generator.servicer import SERVICE, GeneratorServicer
from adwright_servicekit.telemetry import Telemetry
from adwright_servicekit.testing import as_tenant, serving


@pytest.fixture
def ask() -> Callable[..., pb.GenerateRequest]:
    """A request for an ad of a tent; `residencies` are the brand's, other arguments are fields of the request."""

    def make(ad_format: str = "google-rsa", *, residencies: Iterable[str] = (), **fields: Any) -> pb.GenerateRequest:
        context = json_format.ParseDict(
            {
                "brand": {
                    "name": "brands/nordlys",
                    "display_name": "Nordlys",
                    "languages": ["en", "sv"],
                    "banned_terms": ["cheap"],
                    "competitors": ["Fjellhauk"],
                    "data_policy": {"allowed_residencies": list(residencies)},
                },
                "products": [
                    {
                        "product": {
                            "name": "brands/nordlys/products/aurora-trail-2",
                            "display_name": "Aurora Trail 2",
                            "category": "tent",
                            "features": ["Weighs 1.9 kg", "Pitches in 4 minutes", "Two doors"],
                            "specs": [{"label": "weight", "value": "1.9 kg"}],
                            "price": {"currency_code": "EUR", "units": 249},
                        }
                    }
                ],
                "language": "en",
                "revision": "0123456789abcdef",
            },
            resources_pb2.PromptContext(),
        )
        return pb.GenerateRequest(context=context, format=f"formats/{ad_format}", **fields)

    return make


class Caller:
    """Calls a generator as the gateway does."""

    def __init__(self, stub: Any) -> None:
        self.stub = stub

    async def events(self, request: pb.GenerateRequest, tenant: str = "demo") -> list[Any]:
        return [event async for event in self.stub.Generate(request, metadata=as_tenant(tenant))]


@pytest.fixture
def generator() -> Callable[..., AbstractAsyncContextManager[Caller]]:
    """Serves a generator with these backends, started, in this order."""

    @asynccontextmanager
    async def open_with(*backends: Backend, limits: Limits | None = None) -> AsyncIterator[Caller]:
        for backend in backends:
            await backend.start()
        prompts = PromptLibrary()
        async with Fleet(prompts, Telemetry("adwright-generator")) as fleet:
            metered = [Metered(backend, fleet.spend(backend.info.name)) for backend in backends]
            fleet.dispatcher.replace(metered, limits or Limits())
            servicer = GeneratorServicer(Generations(fleet.dispatcher, prompts, default_checks()), fleet, Formats())
            try:
                add = partial(pb_grpc.add_GeneratorServiceServicer_to_server, servicer)
                async with serving(add, [SERVICE]) as channel:
                    yield Caller(pb_grpc.GeneratorServiceStub(channel))
            finally:
                for backend in backends:
                    await backend.close()

    return open_with
