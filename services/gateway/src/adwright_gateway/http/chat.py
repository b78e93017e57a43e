"""`POST /v1/chat/completions`: what speaks to OpenAI can speak in a brand's voice, by naming it as the model."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from pydantic import ValidationError
from starlette.responses import JSONResponse

from adwright.context.v1 import context_service_pb2
from adwright.gateway.v1 import ad_service_pb2
from adwright.generator.v1 import generator_service_pb2
from adwright.type.v1 import ad_event_pb2
from adwright_servicekit.errors import AdwrightError, InvalidInput

from .ads import GENERATE, generated
from .chat_messages import ChatRequest
from .chat_words import ChatChunks, completion, error_body
from .invoke import Invoker
from .messages import json_body
from .problems import headers_of, invalid_input, status_of
from .relay import Relay
from .responses import LiveResponse, metadata_of, unless_left
from .schemas import Schemas

__all__ = ["chat_router"]

_BRANDS: Final = context_service_pb2.DESCRIPTOR.services_by_name["ContextService"].methods_by_name["ListBrands"]
_FORMATS: Final = ad_service_pb2.DESCRIPTOR.services_by_name["AdService"].methods_by_name["ListFormats"]
_MOST_UNREAD: Final = 256 * 1024
_DONE: Final = format_sse_event(data_str="[DONE]")
_DETAILS: Final = frozenset({"products", "tone", "audience", "prompt_version", "backend", "max_repairs"})


def chat_router(invoker: Invoker, schemas: Schemas) -> APIRouter:
    """The routes; their errors are OpenAI's."""
    router = APIRouter(tags=["OpenAI-compatible"])
    described = ChatRequest.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.components |= described.pop("$defs") | {"ChatRequest": described}

    @router.post(
        "/v1/chat/completions",
        response_class=Response,
        summary="Chat completion",
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ChatRequest"}}},
            },
            "security": [{"key": []}],
        },
    )
    async def chat(request: Request) -> Response:
        """An ad of a brand as a chat completion, streamed with `stream`. `model` is `BRAND/FORMAT`.

        A stream cannot take a text back, so a streamed ad is not repaired; whether it is valid stands in the last
        chunk (`stream_options.include_usage`), under `adwright`.
        """
        try:
            asked = _parsed(await json_body(request))
            metadata, headers = metadata_of(request), dict[str, str]()
            if not asked.stream:
                made = await unless_left(request, generated(invoker, _ad_request(asked), metadata, headers))
                as_json = asked.response_format is not None and asked.response_format.type != "text"
                return JSONResponse(completion(made, asked.model, as_json=as_json), headers=headers)
            relay = Relay(
                invoker.stream(GENERATE, _ad_request(asked), metadata, headers), most_unread=_MOST_UNREAD, keep=False
            )
            await unless_left(request, relay.begun())
            return LiveResponse(_chunks(relay, asked), media_type="text/event-stream", headers=headers)
        except AdwrightError as error:
            return JSONResponse(error_body(error), status_of(error), headers_of(error))

    @router.get("/v1/models", response_class=Response, summary="List models", openapi_extra={"security": [{"key": []}]})
    async def models(request: Request) -> Response:
        """Every brand in every format, as the models that `/v1/chat/completions` knows."""
        metadata = metadata_of(request)
        try:
            brands = await invoker.unary(_BRANDS, context_service_pb2.ListBrandsRequest(page_size=1000), metadata)
            formats = await invoker.unary(_FORMATS, generator_service_pb2.ListFormatsRequest(), metadata)
        except AdwrightError as error:
            return JSONResponse(error_body(error), status_of(error), headers_of(error))
        assert isinstance(brands, context_service_pb2.ListBrandsResponse)
        assert isinstance(formats, generator_service_pb2.ListFormatsResponse)
        names = [
            f"{brand.name.removeprefix('brands/')}/{fmt.name.removeprefix('formats/')}"
            for brand in brands.brands
            for fmt in formats.formats
        ]
        entries = [{"id": name, "object": "model", "created": 0, "owned_by": "adwright"} for name in names]
        return JSONResponse({"object": "list", "data": entries})

    return router


async def _chunks(relay: Relay, asked: ChatRequest) -> AsyncGenerator[bytes]:
    with_usage = asked.stream_options is not None and asked.stream_options.include_usage
    chunks = ChatChunks(asked.model, int(time.time()), with_usage=with_usage)
    try:
        yield KEEPALIVE_COMMENT
        async for batch in relay.read():
            yield b"".join(
                format_sse_event(data_str=json.dumps(chunk, ensure_ascii=False, separators=(",", ":")))
                for _, data in batch
                for chunk in chunks.of(ad_event_pb2.AdEvent.FromString(data))
            )
        yield _DONE
    except AdwrightError as error:
        yield format_sse_event(data_str=json.dumps(error_body(error), ensure_ascii=False))
    finally:
        relay.cancel()


def _parsed(body: dict[str, object]) -> ChatRequest:
    try:
        return ChatRequest.model_validate(body)
    except ValidationError as error:
        raise invalid_input(error.errors()) from None


def _ad_request(asked: ChatRequest) -> ad_service_pb2.GenerateAdRequest:
    brand, _, rest = asked.model.removeprefix("brands/").partition("/")
    fmt, _, language = rest.partition("/")
    details = asked.metadata or {}
    if unknown := sorted(details.keys() - _DETAILS):
        raise InvalidInput.of(f"metadata.{unknown[0]}", f"is not known; there are: {', '.join(sorted(_DETAILS))}")
    repairs = details.get("max_repairs", "0" if asked.stream else "2")
    if repairs not in ("0", "1", "2", "3", "4", "5"):
        raise InvalidInput.of("metadata.max_repairs", "must be a number from 0 to 5")
    return ad_service_pb2.GenerateAdRequest(
        brand=brand,
        format=fmt or "plain",
        language=language,
        brief="\n\n".join(message.text for message in asked.messages if message.role != "assistant"),
        products=[name.strip() for name in details.get("products", "").split(",") if name.strip()],
        tone=details.get("tone", ""),
        audience=details.get("audience", ""),
        prompt_version=details.get("prompt_version", ""),
        backend=details.get("backend", ""),
        variant_count=asked.n or 1,
        seed=asked.seed,
        max_repairs=int(repairs),
    )
