"""A gateway for tests: real gRPC on loopback, saying what the test wrote down.

::

    async with FakeGateway() as gateway:
        gateway.script = [AdEvent(started=...), 0.5, AdEvent(delta=...), Unavailable("gone")]
        async with AsyncClient(gateway.address, gateway.api_key) as client: ...
"""

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterable
from types import TracebackType
from typing import Any, Self

from google.longrunning.operations_pb2 import Operation
from google.longrunning.operations_pb2_grpc import OperationsServicer, add_OperationsServicer_to_server
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message

from adwright.context.v1 import context_service_pb2 as context
from adwright.context.v1.context_service_pb2_grpc import (
    ContextServiceServicer,
    add_ContextServiceServicer_to_server,
)
from adwright.context.v1.resources_pb2 import Brand, Exemplar, Product
from adwright.evaluator.v1.evaluator_service_pb2 import EvaluateTextRequest, EvaluateTextResponse
from adwright.evaluator.v1.evaluator_service_pb2_grpc import (
    EvaluatorServiceServicer,
    add_EvaluatorServiceServicer_to_server,
)
from adwright.gateway.v1.ad_service_pb2 import GenerateAdRequest
from adwright.gateway.v1.ad_service_pb2_grpc import AdServiceServicer, add_AdServiceServicer_to_server
from adwright.generator.v1.generator_service_pb2 import ListFormatsRequest, ListFormatsResponse
from adwright.type.v1.ad_event_pb2 import AdEvent
from adwright.type.v1.format_pb2 import Format
from adwright_servicekit.call import Identity
from adwright_servicekit.errors import (
    AdwrightError,
    FailedPrecondition,
    NotFound,
    OutOfRange,
    Unauthenticated,
    Unavailable,
)
from adwright_servicekit.names import parent_of
from adwright_servicekit.server import Server
from adwright_servicekit.settings import ServerSettings
from adwright_servicekit.telemetry import Telemetry

__all__ = ["IMPORT", "FakeGateway", "Step"]

IMPORT = "operations/context-1"
"""The name of every import."""

Step = AdEvent | AdwrightError | float
"""What a scripted stream does next: send an event, end in an error, or wait (seconds)."""


class FakeGateway:
    """Serves on a free loopback port while it is entered."""

    def __init__(self, *, api_key: str = "adw_test", page_size: int = 2) -> None:
        """Lists come in pages of `page_size`, whatever is asked for."""
        self.api_key = api_key
        self.page_size = page_size
        self.script: list[Step] = []
        """What GenerateAd does, from the beginning for every call."""
        self.verdict = EvaluateTextResponse()
        self.import_response = context.ImportSummary()
        """What becomes of the rows of every import."""
        self.imported = bytearray()
        """The bytes of the last import."""
        self.breaks: list[int] = []
        """After so many bytes of a call to UploadImport it breaks off, once each, with half of them kept."""
        self.stall = False
        """Imports are begun, and then nothing more is said of them."""
        self.uploading = asyncio.Event()
        """Set when an import is sent something."""
        self.import_metadata = context.ImportMetadata()
        self.brands: list[Brand] = []
        self.products: list[Product] = []
        self.exemplars: list[Exemplar] = []
        self.formats: list[Format] = []
        self.error: AdwrightError | None = None
        """When set, every call ends in it."""
        self.requests: list[Message] = []
        """Everything that was asked, in order."""
        self.traces: list[str] = []
        """The trace ids that calls came with."""
        self.cancelled = asyncio.Event()
        """Set when a caller left a stream before its end."""
        self.address = ""
        self._server: Server | None = None

    async def identify(self, _method: str, metadata: Iterable[tuple[str, str | bytes]]) -> Identity:
        """Who calls, by API key."""
        found = dict(metadata)
        self.traces.extend(str(found.get("traceparent", "")).split("-")[1:2])
        if found.get("authorization") != f"Bearer {self.api_key}":
            raise Unauthenticated("this API key is not known: ask for a new one", reason="API_KEY_UNKNOWN")
        return Identity(tenant="demo")

    def note(self, request: Message) -> None:
        """Keeps the request, and fails when the gateway is told to."""
        self.requests.append(request)
        if self.error is not None:
            raise self.error

    def operation(self, *, done: bool) -> Any:
        """The last import, as it stands."""
        stands = self.import_metadata
        stands.committed_bytes, stands.committed_crc32 = len(self.imported), zlib.crc32(self.imported)
        message = Operation(name=IMPORT, done=done)
        message.metadata.Pack(stands)
        if done:
            message.response.Pack(self.import_response)
        return message

    def page(self, items: list[Any], token: str) -> tuple[list[Any], str]:
        """One page, and the token of the next."""
        start = int(token or 0)
        end = start + self.page_size
        return items[start:end], str(end) if end < len(items) else ""

    async def __aenter__(self) -> Self:
        telemetry = Telemetry("fake-gateway")
        settings = ServerSettings.load({})
        self._server = Server("127.0.0.1:0", [], settings, telemetry, identify=self.identify)
        # The calls that no client makes are not there.
        add_AdServiceServicer_to_server(_Ads(self), self._server.grpc)  # type: ignore[abstract]
        add_ContextServiceServicer_to_server(_Context(self), self._server.grpc)  # type: ignore[abstract]
        add_OperationsServicer_to_server(_Operations(self), self._server.grpc)
        add_EvaluatorServiceServicer_to_server(_Evaluator(self), self._server.grpc)  # type: ignore[abstract]
        await self._server.start()
        self.address = self._server.address
        return self

    async def stop(self) -> None:
        """Ends everything at once, like a gateway that crashes."""
        if self._server is not None:
            await self._server.stop(grace=0)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()


class _Ads(AdServiceServicer):
    def __init__(self, fake: FakeGateway) -> None:
        self._fake = fake

    async def GenerateAd(self, request: GenerateAdRequest, _: Any) -> AsyncIterator[AdEvent]:
        self._fake.note(request)
        try:
            for step in self._fake.script:
                match step:
                    case float():
                        await asyncio.sleep(step)
                    case AdwrightError():
                        raise step
                    case _:
                        yield step
        except (asyncio.CancelledError, GeneratorExit):
            self._fake.cancelled.set()
            raise

    async def ListFormats(self, request: ListFormatsRequest, _: Any) -> ListFormatsResponse:
        self._fake.note(request)
        formats, token = self._fake.page(self._fake.formats, request.page_token)
        return ListFormatsResponse(formats=formats, next_page_token=token)


class _Evaluator(EvaluatorServiceServicer):
    def __init__(self, fake: FakeGateway) -> None:
        self._fake = fake

    async def EvaluateText(self, request: EvaluateTextRequest, _: Any) -> EvaluateTextResponse:
        self._fake.note(request)
        return self._fake.verdict


class _Context(ContextServiceServicer):
    def __init__(self, fake: FakeGateway) -> None:
        self._fake = fake

    def _find(self, items: list[Any], request: Any) -> Any:
        self._fake.note(request)
        for item in items:
            if item.name == request.name:
                return item
        raise NotFound(f"there is no {request.name}: list what there is")

    def _remove(self, items: list[Any], request: Any) -> Any:
        found = self._find(items, request)
        items.remove(found)
        return found

    def _page(self, items: list[Any], request: Any) -> tuple[list[Any], str]:
        self._fake.note(request)
        parent = getattr(request, "parent", "")
        return self._fake.page([item for item in items if parent_of(item.name) == parent], request.page_token)

    async def StartImport(self, request: context.StartImportRequest, _: Any) -> Any:
        self._fake.note(request)
        self._fake.imported.clear()
        self._fake.import_metadata = context.ImportMetadata(collection=request.collection, config=request.config)
        return self._fake.operation(done=False)

    async def UploadImport(self, requests: AsyncIterator[context.UploadImportRequest], _: Any) -> Any:
        fake, received, finished = self._fake, b"", False
        break_at = fake.breaks.pop(0) if fake.breaks else None
        async for request in requests:
            fake.note(request)
            fake.uploading.set()
            if fake.stall:
                await asyncio.sleep(3600)
            match request.WhichOneof("part"):
                case "start" if request.start.offset != len(fake.imported):
                    raise OutOfRange("the import is elsewhere", reason="IMPORT_OFFSET")
                case "data":
                    received += request.data
                case "finish":
                    finished = True
            if break_at is not None and len(received) >= break_at:
                fake.imported += received[: len(received) // 2]
                raise Unavailable("gone for a moment", reason="CONTEXT_UNAVAILABLE")
        fake.imported += received
        return fake.operation(done=finished)

    async def ListImportErrors(self, request: context.ListImportErrorsRequest, _: Any) -> Any:
        self._fake.note(request)
        errors, token = self._fake.page(list(self._fake.import_response.errors), request.page_token)
        return context.ListImportErrorsResponse(errors=errors, next_page_token=token)

    async def ExportResources(self, request: context.ExportResourcesRequest, _: Any) -> AsyncIterator[Any]:
        self._fake.note(request)
        items: dict[int, list[Any]] = {
            context.COLLECTION_BRANDS: self._fake.brands,
            context.COLLECTION_PRODUCTS: self._fake.products,
            context.COLLECTION_EXEMPLARS: self._fake.exemplars,
        }
        there = [item for item in items[request.collection] if parent_of(item.name) == request.parent]
        for count, item in enumerate(there, start=1):
            line = MessageToJson(item, indent=None, ensure_ascii=False, preserving_proto_field_name=True)
            yield context.ExportResourcesResponse(data=f"{line}\n".encode(), exported_count=count)

    async def GetBrand(self, request: context.GetBrandRequest, _: Any) -> Brand:
        found: Brand = self._find(self._fake.brands, request)
        return found

    async def ListBrands(self, request: context.ListBrandsRequest, _: Any) -> context.ListBrandsResponse:
        brands, token = self._page(self._fake.brands, request)
        return context.ListBrandsResponse(brands=brands, next_page_token=token)

    async def DeleteBrand(self, request: context.DeleteBrandRequest, _: Any) -> Brand:
        if not request.force and any(parent_of(p.name) == request.name for p in self._fake.products):
            raise FailedPrecondition(f"{request.name} has products: delete with force", reason="BRAND_NOT_EMPTY")
        removed: Brand = self._remove(self._fake.brands, request)
        return removed

    async def GetProduct(self, request: context.GetProductRequest, _: Any) -> Product:
        found: Product = self._find(self._fake.products, request)
        return found

    async def ListProducts(self, request: context.ListProductsRequest, _: Any) -> context.ListProductsResponse:
        products, token = self._page(self._fake.products, request)
        return context.ListProductsResponse(products=products, next_page_token=token)

    async def DeleteProduct(self, request: context.DeleteProductRequest, _: Any) -> Product:
        removed: Product = self._remove(self._fake.products, request)
        return removed

    async def GetExemplar(self, request: context.GetExemplarRequest, _: Any) -> Exemplar:
        found: Exemplar = self._find(self._fake.exemplars, request)
        return found

    async def ListExemplars(self, request: context.ListExemplarsRequest, _: Any) -> context.ListExemplarsResponse:
        exemplars, token = self._page(self._fake.exemplars, request)
        return context.ListExemplarsResponse(exemplars=exemplars, next_page_token=token)

    async def DeleteExemplar(self, request: context.DeleteExemplarRequest, _: Any) -> Exemplar:
        removed: Exemplar = self._remove(self._fake.exemplars, request)
        return removed


class _Operations(OperationsServicer):  # type: ignore[misc]
    def __init__(self, fake: FakeGateway) -> None:
        self._fake = fake

    async def GetOperation(self, request: Any, _: Any) -> Any:
        self._fake.note(request)
        if request.name != IMPORT:
            raise NotFound(f"there is no {request.name}", reason="OPERATION_NOT_FOUND")
        return self._fake.operation(done=False)
