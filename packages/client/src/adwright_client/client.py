"""The async client: every call an application makes of adwright, on the one address of the gateway."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from types import TracebackType
from typing import Self, Unpack

from google.longrunning.operations_pb2_grpc import OperationsStub

from adwright.context.v1.context_service_pb2_grpc import ContextServiceStub
from adwright.context.v1.resources_pb2 import Brand, Product
from adwright.evaluator.v1.evaluator_service_pb2 import EvaluateTextRequest, EvaluateTextResponse
from adwright.evaluator.v1.evaluator_service_pb2_grpc import EvaluatorServiceStub
from adwright.gateway.v1.ad_service_pb2_grpc import AdServiceStub
from adwright.gateway.v1.key_service_pb2_grpc import KeyServiceStub
from adwright.generator.v1.generator_service_pb2 import ListFormatsRequest
from adwright.type.v1.ad_pb2 import AdField
from adwright.type.v1.format_pb2 import Format
from adwright_servicekit.channel import open_channel
from adwright_servicekit.errors import InvalidInput
from adwright_servicekit.names import brand_name, format_name
from adwright_servicekit.settings import TlsSettings
from adwright_servicekit.telemetry import Telemetry

from ._caller import Caller
from .catalogue import Brands, exemplars, products
from .evaluations import Evaluations
from .generation import Generation
from .imports import Imports
from .keys import Keys
from .options import GenerateOptions, generate_request
from .settings import ClientSettings
from .suites import Suites

__all__ = ["AsyncClient"]

# Safe to ask again when the gateway was not there: reading, and judging a text.
_IDEMPOTENT = (
    "adwright.gateway.v1.AdService/ListFormats",
    "adwright.context.v1.ContextService/GetBrand",
    "adwright.context.v1.ContextService/ListBrands",
    "adwright.context.v1.ContextService/GetProduct",
    "adwright.context.v1.ContextService/ListProducts",
    "adwright.context.v1.ContextService/GetExemplar",
    "adwright.context.v1.ContextService/ListExemplars",
    "adwright.context.v1.ContextService/ListImportErrors",
    "google.longrunning.Operations/GetOperation",
    "adwright.evaluator.v1.EvaluatorService/RunEvaluation",
    "adwright.evaluator.v1.EvaluatorService/GetEvaluation",
    "adwright.evaluator.v1.EvaluatorService/ListEvaluations",
    "adwright.evaluator.v1.EvaluatorService/ListResults",
    "adwright.evaluator.v1.EvaluatorService/CompareEvaluations",
    "adwright.evaluator.v1.EvaluatorService/CreateLabels",
    "adwright.evaluator.v1.EvaluatorService/ListLabels",
    "adwright.evaluator.v1.EvaluatorService/CalibrateJudge",
    "adwright.evaluator.v1.EvaluatorService/GetSuite",
    "adwright.evaluator.v1.EvaluatorService/ListSuites",
    "adwright.evaluator.v1.EvaluatorService/EvaluateText",
)
# open_channel bounds calls by this; every call brings its own timeout, which must not be cut down by it.
_NO_BOUND = 24 * 3600.0


class AsyncClient:
    """Calls a gateway. Create it inside of a running event loop; close it, or use it with `async with`.

    Errors are those of `adwright_servicekit.errors`, also for what goes wrong before the gateway is reached.
    """

    def __init__(
        self,
        target: str,
        api_key: str,
        *,
        timeout: float = 120.0,
        telemetry: Telemetry | None = None,
        tls: TlsSettings | None = None,
    ) -> None:
        """`timeout` (seconds) is the deadline of calls that bring none. Raises Unauthenticated for no key."""
        self.target = target
        self._caller = Caller(target, api_key, timeout)
        self._channel = open_channel(
            target,
            telemetry or Telemetry("adwright-client"),
            tls=tls,
            idempotent=_IDEMPOTENT,
            default_timeout=_NO_BOUND,
        )
        self._ads = AdServiceStub(self._channel)
        self.keys = Keys(self._caller, KeyServiceStub(self._channel))
        self._evaluator = EvaluatorServiceStub(self._channel)
        context = ContextServiceStub(self._channel)
        operations = OperationsStub(self._channel)
        self.imports = Imports(self._caller, context, operations)
        self.evaluations = Evaluations(self._caller, self._evaluator, operations)
        self.suites = Suites(self._caller, self._evaluator)
        self.brands = Brands(self._caller, context, self.imports)
        self.products = products(self._caller, context, self.imports)
        self.exemplars = exemplars(self._caller, context, self.imports)

    @classmethod
    def from_environ(
        cls, environ: Mapping[str, str], *, timeout: float = 120.0, telemetry: Telemetry | None = None
    ) -> Self:
        """The client that `ADWRIGHT_GATEWAY_TARGET`, `ADWRIGHT_API_KEY` and `ADWRIGHT_TLS_*` describe."""
        settings = ClientSettings.load(environ)
        return cls(settings.target, settings.api_key, timeout=timeout, telemetry=telemetry, tls=settings)

    def generate(self, brand: str, format: str, **options: Unpack[GenerateOptions]) -> Generation:
        """Writes ads; iterate over what is returned. Options are those of `GenerateOptions`."""
        request = generate_request(brand, format, options)
        timeout = options.get("timeout")
        return Generation(
            lambda: self._caller.stream(self._ads.GenerateAd, request, timeout),
            lambda error: self._caller.translate(error, timeout),
        )

    async def list_formats(self) -> AsyncIterator[Format]:
        """All ad formats by name."""
        request = ListFormatsRequest(page_size=200)
        async for found in self._caller.listed(self._ads.ListFormats, request, "formats"):
            yield found

    async def evaluate(
        self,
        fields: str | Mapping[str, str] | Iterable[AdField],
        *,
        format: str = "",
        language: str = "",
        brand: str | Brand | None = None,
        products: Iterable[str | Product] = (),
        scorers: Iterable[str] = (),
        brief: str = "",
        timeout: float | None = None,
    ) -> EvaluateTextResponse:
        """Holds texts (one alone, texts by path, or the fields of an ad) against the scorers.

        Brand and products are looked up where they are names. Raises NotFound, InvalidInput.
        """
        found_brand, found_products = await self._look_up(brand, tuple(products))
        try:
            request = EvaluateTextRequest(
                fields=_as_fields(fields),
                format=format_name(format) if format else "",
                language=language,
                brand=found_brand,
                products=found_products,
                scorers=tuple(scorers),
                brief=brief,
            )
        except (TypeError, ValueError) as error:
            raise InvalidInput(f"this cannot be sent: {error}") from None
        return await self._caller.unary(self._evaluator.EvaluateText, request, timeout)

    async def _look_up(
        self, brand: str | Brand | None, products: tuple[str | Product, ...]
    ) -> tuple[Brand | None, list[Product]]:
        parent = brand_name(brand) if isinstance(brand, str) else brand.name if brand else ""

        async def the_brand() -> Brand | None:
            return await self.brands.get(brand) if isinstance(brand, str) else brand

        async def the_product(product: str | Product) -> Product:
            if isinstance(product, Product):
                return product
            # A full name says its brand itself; whether that is the right one is not for us to say.
            return await self.products.get(product, "" if "/" in product else parent)

        async def the_products() -> list[Product]:
            return list(await asyncio.gather(*(the_product(product) for product in products)))

        return await asyncio.gather(the_brand(), the_products())

    async def close(self) -> None:
        """Ends what still runs."""
        await self._channel.close()
        # Calls that ended just now finish their spans in tasks of their own.
        await asyncio.sleep(0)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _as_fields(fields: str | Mapping[str, str] | Iterable[AdField]) -> list[AdField]:
    if isinstance(fields, str):
        return [AdField(path="text", text=fields)]
    if isinstance(fields, Mapping):
        return [AdField(path=path, text=text) for path, text in fields.items()]
    return list(fields)
