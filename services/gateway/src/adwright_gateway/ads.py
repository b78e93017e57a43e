"""GenerateAd: context and generator composed into one stream; event bytes pass untouched."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import grpc

from adwright.context.v1 import context_service_pb2, context_service_pb2_grpc, resources_pb2
from adwright.gateway.v1 import ad_service_pb2
from adwright.generator.v1 import generator_service_pb2
from adwright.type.v1 import ad_event_pb2
from adwright_servicekit.call import current_identity
from adwright_servicekit.errors import AdwrightError, Internal
from adwright_servicekit.names import brand_name, child_name, format_name
from adwright_servicekit.rpc_types import Context

from .admission import Admission
from .event_kinds import KINDS
from .metering import Bill, Meter
from .peers import calling
from .recorder import Record, Recorder

__all__ = ["AdComposer"]

_log = logging.getLogger(__name__)

_GENERATE = "/adwright.generator.v1.GeneratorService/Generate"


class AdComposer:
    """Asks context what the prompt needs, hands it to the generator, relays what comes back."""

    def __init__(
        self,
        context: grpc.aio.Channel,
        generator: grpc.aio.Channel,
        recorder: Recorder,
        meter: Meter,
        admission: Admission,
    ) -> None:
        self._admission = admission
        self._recorder = recorder
        self._meter = meter
        self._context = context_service_pb2_grpc.ContextServiceStub(context)
        self._generate: Any = generator.unary_stream(
            _GENERATE, request_serializer=generator_service_pb2.GenerateRequest.SerializeToString
        )

    async def generate_ad(self, request: ad_service_pb2.GenerateAdRequest, context: Context) -> AsyncGenerator[bytes]:
        """Yields encoded AdEvents. Raises whatever the services behind say, with their reasons."""
        names = _full_names(request)
        with self._admission.admitted(request.priority):
            async for event in self._admitted(request, names):
                yield event

    async def _admitted(
        self, request: ad_service_pb2.GenerateAdRequest, names: context_service_pb2.AssembleContextRequest
    ) -> AsyncGenerator[bytes]:
        identity = current_identity()
        record = self._recorder.begin(identity, _with_full_names(request, names))
        async with self._meter.admitted(identity, record.name, request.variant_count or 1) as bill:
            with calling("context"):
                assembled = await self._context.AssembleContext(names)
            generate = _generate_request(record.name, request, names, assembled.context)
            async with aclosing(self._written(generate, record, bill)) as events:
                async for event in events:
                    yield event

    async def _written(
        self, request: generator_service_pb2.GenerateRequest, record: Record, bill: Bill
    ) -> AsyncGenerator[bytes]:
        bill.asked = True
        call = self._generate(request)
        try:
            async for event in _relayed(call, record, bill):
                yield event
        except AdwrightError as error:
            record.failed(error)
            raise
        except (asyncio.CancelledError, GeneratorExit):
            record.cancelled()
            raise
        finally:
            call.cancel()


async def _relayed(call: Any, record: Record, bill: Bill) -> AsyncGenerator[bytes]:
    """The events as they are; those that tell what became of the generation are written down before they go on."""
    kind = None
    with calling("generator"):
        async for data in call:
            kind = KINDS.get(data[0])
            if kind == "started":
                record.started(ad_event_pb2.AdEvent.FromString(data).started)
            elif kind == "completed":
                completed = ad_event_pb2.AdEvent.FromString(data).completed
                await asyncio.gather(record.completed(completed), bill.completed(completed))
                _log_completed(completed)
            yield data
    if kind != "completed":
        raise Internal("the generation ended without a result", reason="GENERATION_INCOMPLETE")


def _full_names(request: ad_service_pb2.GenerateAdRequest) -> context_service_pb2.AssembleContextRequest:
    brand = brand_name(request.brand)
    return context_service_pb2.AssembleContextRequest(
        brand=brand,
        products=[
            child_name(brand, "products", product, f"products[{index}]")
            for index, product in enumerate(request.products)
        ],
        format=format_name(request.format),
        language=request.language,
        brief=request.brief,
    )


def _with_full_names(
    request: ad_service_pb2.GenerateAdRequest, names: context_service_pb2.AssembleContextRequest
) -> ad_service_pb2.GenerateAdRequest:
    full = ad_service_pb2.GenerateAdRequest()
    full.CopyFrom(request)
    full.brand, full.format = names.brand, names.format
    full.products[:] = names.products
    return full


def _generate_request(
    generation: str,
    request: ad_service_pb2.GenerateAdRequest,
    names: context_service_pb2.AssembleContextRequest,
    context: resources_pb2.PromptContext,
) -> generator_service_pb2.GenerateRequest:
    return generator_service_pb2.GenerateRequest(
        generation=generation,
        context=context,
        format=names.format,
        brief=request.brief,
        audience=request.audience,
        tone=request.tone,
        variant_count=request.variant_count,
        field_counts=request.field_counts,
        prompt_version=request.prompt_version,
        backend=request.backend,
        seed=request.seed if request.HasField("seed") else None,
        max_repairs=request.max_repairs if request.HasField("max_repairs") else None,
        adapter=request.adapter,
        priority=request.priority,
    )


def _log_completed(completed: ad_event_pb2.AdCompleted) -> None:
    usage = completed.usage
    _log.info(
        "generation completed",
        extra={
            "finish_reason": ad_event_pb2.AdCompleted.FinishReason.Name(completed.finish_reason),
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "model_calls": usage.model_calls,
            "valid_ads": sum(ad.valid for ad in completed.ads),
        },
    )
