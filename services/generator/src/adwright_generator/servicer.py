"""GeneratorService: protobuf in, protobuf out; the work is done elsewhere."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from adwright.generator.v1 import generator_service_pb2 as pb
from adwright.generator.v1 import generator_service_pb2_grpc as pb_grpc
from adwright.type.v1 import ad_event_pb2, format_pb2
from adwright_checks.convert import format_to_pb
from adwright_servicekit.call import current_call
from adwright_servicekit.errors import InvalidInput, NotFound
from adwright_servicekit.rpc_types import Context
from adwright_servicekit.telemetry import trace_id

from .backends.base import StopReason
from .completion import Completions
from .convert import Formats, duration, event_to_pb, job_from, usage_to_pb, usd
from .fleet import Fleet
from .generation import Generations
from .status import backends_to_pb
from .usage_book import UsageBook

__all__ = ["SERVICE", "GeneratorServicer"]

SERVICE: str = pb.DESCRIPTOR.services_by_name["GeneratorService"].full_name

_DEFAULT_PAGE = 50


class GeneratorServicer(pb_grpc.GeneratorServiceServicer):
    """Translates between the wire and the domain."""

    def __init__(self, generations: Generations, fleet: Fleet, formats: Formats) -> None:
        self._generations = generations
        self._usage: UsageBook = generations.usage
        self._fleet = fleet
        self._formats = formats
        self._completions = Completions(fleet.dispatcher, formats)

    async def Generate(self, request: pb.GenerateRequest, context: Context) -> AsyncGenerator[ad_event_pb2.AdEvent]:
        trace = trace_id()
        async with aclosing(self._generations.run(job_from(request, self._formats, current_call()))) as events:
            async for event in events:
                yield event_to_pb(event, trace)

    async def CompleteText(self, request: pb.CompleteTextRequest, context: Context) -> pb.CompleteTextResponse:
        done = await self._completions.complete(request, current_call())
        whole = done.reason is StopReason.STOP
        return pb.CompleteTextResponse(
            text=done.text,
            finish_reason=pb.CompleteTextResponse.FINISH_REASON_STOP
            if whole
            else pb.CompleteTextResponse.FINISH_REASON_LENGTH,
            usage=usage_to_pb(done.usage),
            cost=usd(done.usage.cost_usd),
            backend=done.backend,
            model=done.model,
            duration=duration(done.duration),
            queued=duration(done.queued),
            trace_id=trace_id(),
        )

    async def GetUsage(self, request: pb.GetUsageRequest, context: Context) -> pb.GetUsageResponse:
        used = self._usage.find(request.generation)
        if used is None:
            raise NotFound(
                f"{request.generation} did not run here, or ended more than an hour ago", reason="GENERATION_NOT_FOUND"
            )
        return pb.GetUsageResponse(usage=usage_to_pb(used.account), cost=usd(used.account.cost_usd), ended=used.ended)

    async def ListBackends(self, request: pb.ListBackendsRequest, context: Context) -> pb.ListBackendsResponse:
        return backends_to_pb(self._fleet)

    async def GetFormat(self, request: pb.GetFormatRequest, context: Context) -> format_pb2.Format:
        return format_to_pb(self._formats.get(request.name))

    async def ListFormats(self, request: pb.ListFormatsRequest, context: Context) -> pb.ListFormatsResponse:
        names = sorted(self._formats.by_name)
        # The formats are few and fixed while the process runs: the last name seen is token enough.
        if request.page_token and request.page_token not in names:
            raise InvalidInput.of("page_token", "is not one that ListFormats gave", reason="INVALID_PAGE_TOKEN")
        start = names.index(request.page_token) + 1 if request.page_token else 0
        page = names[start : start + (request.page_size or _DEFAULT_PAGE)]
        more = start + len(page) < len(names)
        return pb.ListFormatsResponse(
            formats=[format_to_pb(self._formats.get(name)) for name in page],
            next_page_token=page[-1] if page and more else "",
        )
