"""GenerateAd: context and generator composed into one stream; event bytes pass untouched."""

import logging
import uuid
from collections.abc import AsyncGenerator
from typing import Any

import grpc

from adwright.context.v1 import context_service_pb2, context_service_pb2_grpc, resources_pb2
from adwright.gateway.v1 import ad_service_pb2
from adwright.generator.v1 import generator_service_pb2
from adwright.type.v1 import ad_event_pb2
from adwright_servicekit.errors import Internal
from adwright_servicekit.names import brand_name, child_name, format_name
from adwright_servicekit.rpc_types import Context

from .peers import calling

__all__ = ["AdComposer"]

_log = logging.getLogger(__name__)

_GENERATE = "/adwright.generator.v1.GeneratorService/Generate"

# An AdEvent is a oneof, so the first byte of its encoding is the tag of what happened.
_COMPLETED_TAG = ad_event_pb2.AdEvent(completed=ad_event_pb2.AdCompleted()).SerializeToString()[0]


class AdComposer:
    """Asks context what the prompt needs, hands it to the generator, relays what comes back."""

    def __init__(self, context: grpc.aio.Channel, generator: grpc.aio.Channel) -> None:
        self._context = context_service_pb2_grpc.ContextServiceStub(context)
        self._generate: Any = generator.unary_stream(
            _GENERATE, request_serializer=generator_service_pb2.GenerateRequest.SerializeToString
        )

    async def generate_ad(self, request: ad_service_pb2.GenerateAdRequest, context: Context) -> AsyncGenerator[bytes]:
        """Yields encoded AdEvents. Raises whatever the services behind say, with their reasons."""
        names = _full_names(request)
        with calling("context"):
            assembled = await self._context.AssembleContext(names)
        call = self._generate(_generate_request(request, names, assembled.context))
        last = b""
        try:
            with calling("generator"):
                async for last in call:
                    yield last
        finally:
            call.cancel()
        if last[:1] != bytes([_COMPLETED_TAG]):
            raise Internal("the generation ended without a result", reason="GENERATION_INCOMPLETE")
        _record(ad_event_pb2.AdEvent.FromString(last).completed)


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


def _generate_request(
    request: ad_service_pb2.GenerateAdRequest,
    names: context_service_pb2.AssembleContextRequest,
    context: resources_pb2.PromptContext,
) -> generator_service_pb2.GenerateRequest:
    return generator_service_pb2.GenerateRequest(
        generation=f"generations/{uuid.uuid4().hex}",
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


def _record(completed: ad_event_pb2.AdCompleted) -> None:
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
