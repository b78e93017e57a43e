"""The context service on a free loopback port, with a clock of our own, and resources to give it."""

from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from google.longrunning import operations_pb2_grpc
from google.type import money_pb2

from adwright.context.v1 import context_service_pb2 as pb
from adwright.context.v1 import context_service_pb2_grpc, resources_pb2
from adwright.type.v1 import ad_pb2
from adwright_context.app import SERVICES, build_catalog, build_shelves, register
from adwright_context.catalog import Catalog
from adwright_context.shelves import Limits
from adwright_docstore import Store
from adwright_encoder import Encoder
from adwright_servicekit.metrics import Metrics
from adwright_servicekit.testing import as_tenant, serving


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@dataclass
class Context:
    """A client of the running service, for one tenant at a time."""

    stub: Any
    operations: Any
    catalog: Catalog
    clock: Clock
    tenant: str = "demo"
    kinds: dict[str, str] = field(
        default_factory=lambda: {"Brand": "Brands", "Product": "Products", "Exemplar": "Exemplars"}
    )

    def as_(self, tenant: str) -> "Context":
        return Context(self.stub, self.operations, self.catalog, self.clock, tenant)

    async def __call__(self, method: str, request: Any) -> Any:
        stub = self.operations if method.endswith(("Operation", "Operations")) else self.stub
        return await getattr(stub, method)(request, metadata=as_tenant(self.tenant))

    async def upload(
        self,
        kind: str,
        pieces: Iterable[bytes],
        *,
        parent: str = "",
        csv: bool = False,
        validate_only: bool = False,
    ) -> Any:
        make = getattr(pb, f"Import{self.kinds[kind]}Request")
        config = pb.ImportConfig(
            parent=parent,
            file_format="FILE_FORMAT_CSV" if csv else "FILE_FORMAT_JSONL",
            validate_only=validate_only,
        )

        async def messages() -> AsyncIterator[Any]:
            yield make(config=config)
            for piece in pieces:
                yield make(data=piece)

        return await self(f"Import{self.kinds[kind]}", messages())

    async def brand(self, brand_id: str = "nordlys", **fields: Any) -> resources_pb2.Brand:
        brand = a_brand(**fields)
        return await self("CreateBrand", pb.CreateBrandRequest(brand_id=brand_id, brand=brand))

    async def product(
        self, product_id: str = "tent", parent: str = "brands/nordlys", **fields: Any
    ) -> resources_pb2.Product:
        request = pb.CreateProductRequest(parent=parent, product_id=product_id, product=a_product(**fields))
        return await self("CreateProduct", request)

    async def exemplar(
        self, exemplar_id: str = "plain-en", parent: str = "brands/nordlys", **fields: Any
    ) -> resources_pb2.Exemplar:
        request = pb.CreateExemplarRequest(parent=parent, exemplar_id=exemplar_id, exemplar=an_exemplar(**fields))
        return await self("CreateExemplar", request)


def a_brand(**fields: Any) -> resources_pb2.Brand:
    return resources_pb2.Brand(**{"display_name": "Nordlys", "languages": ["en", "sv"]} | fields)


def a_product(**fields: Any) -> resources_pb2.Product:
    given = {
        "display_name": "Aurora",
        "price": money_pb2.Money(currency_code="EUR", units=249),
        "features": ["Weighs 1.9 kg"],
    }
    return resources_pb2.Product(**given | fields)


def an_exemplar(**fields: Any) -> resources_pb2.Exemplar:
    given = {
        "format": "formats/plain",
        "language": "en",
        "fields": [ad_pb2.AdField(path="text", text="The dark is long. The tent is light.")],
        "rating": 4,
    }
    return resources_pb2.Exemplar(**given | fields)


@asynccontextmanager
async def replica(
    store: Store, clock: Clock, *, encoder: Encoder | None = None, limits: Limits | None = None, readers: Any = ()
) -> AsyncIterator[Context]:
    """One replica of the service over a store that others may use too."""
    catalog = build_catalog(store, clock)
    meter = Metrics("adwright-context", readers=readers).meter
    async with (
        aclosing(build_shelves(catalog, meter, encoder=encoder, limits=limits)) as shelves,
        serving(partial(register, catalog=catalog, shelves=shelves), SERVICES) as channel,
    ):
        stub = context_service_pb2_grpc.ContextServiceStub(channel)
        yield Context(stub, operations_pb2_grpc.OperationsStub(channel), catalog, clock)
