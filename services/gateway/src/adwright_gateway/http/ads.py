"""`POST /v1/ads:generate`: an ad as one JSON object, or as events that survive a broken connection."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Request, Response
from google.protobuf.message import Message

from adwright.gateway.v1 import ad_service_pb2, generation_service_pb2
from adwright.type.v1 import ad_event_pb2
from adwright_servicekit.errors import InvalidInput
from adwright_servicekit.scope import Metadata

from .events import LiveAd, LiveAds, sse
from .invoke import Invoker
from .messages import from_json, json_body, to_json
from .openapi import operation, responses
from .relay import Relay
from .responses import LiveResponse, metadata_of, unless_left
from .rules import binding_of
from .schemas import Schemas

__all__ = ["GENERATE", "ads_router", "generated"]

GENERATE: Final = ad_service_pb2.DESCRIPTOR.services_by_name["AdService"].methods_by_name["GenerateAd"]
_EVENTS: Final = "text/event-stream"
_MOST_UNREAD: Final = 256 * 1024


def ads_router(invoker: Invoker, live: LiveAds, schemas: Schemas) -> APIRouter:
    """The route."""
    router = APIRouter()

    async def generate(
        request: Request,
        last_event_id: Annotated[str | None, Header(description="Goes on after this event.")] = None,
        resumable: Annotated[bool, Header(alias="adwright-resumable", description="`false`: leaving stops it.")] = True,
    ) -> Response:
        metadata = metadata_of(request)
        if last_event_id is not None:
            return await _resumed(last_event_id, metadata)
        asked = from_json(await json_body(request), ad_service_pb2.GenerateAdRequest())
        if _EVENTS in request.headers.get("accept", ""):
            return await unless_left(request, _streamed(asked, metadata, resumable))
        headers = {"cache-control": "no-store"}
        whole = await unless_left(request, generated(invoker, asked, metadata, headers))
        return Response(to_json(whole), media_type="application/json", headers=headers)

    async def _streamed(asked: Message, metadata: Metadata, resumable: bool) -> Response:
        tenant = await invoker.tenant(GENERATE, metadata)
        headers: dict[str, str] = {}
        relay = Relay(invoker.stream(GENERATE, asked, metadata, headers), most_unread=_MOST_UNREAD, keep=True)
        started = ad_event_pb2.AdEvent.FromString(await relay.begun()).started
        ad = LiveAd(tenant, relay, resumable, started.generation.rpartition("/")[2])
        live.add(ad)
        return LiveResponse(sse(live, ad, 0), media_type=_EVENTS, headers=headers)

    async def _resumed(last_event_id: str, metadata: Metadata) -> Response:
        ad_id, _, number = last_event_id.rpartition("/")
        if not ad_id or not (number.isascii() and number.isdigit() and len(number) < 10):
            raise InvalidInput.of("Last-Event-ID", "is not the id of an event of this server")
        ad = live.find(await invoker.tenant(GENERATE, metadata), ad_id)
        return LiveResponse(sse(live, ad, int(number) + 1), media_type=_EVENTS)

    @router.post(
        "/v1/generations/{generation}:cancel",
        tags=["AdService"],
        summary="Cancel a stream",
        operation_id="AdService_CancelStream",
        response_class=Response,
        openapi_extra={"security": [{"key": []}]},
        responses=responses({"application/json": {"schema": {"type": "object"}}}),
    )
    async def cancel(request: Request, generation: str) -> Response:
        """Ends a generation that is streamed as events, whoever reads it: leaving alone would let it go on for a
        minute, so that it can be resumed.
        """
        live.cancel(await invoker.tenant(GENERATE, metadata_of(request)), generation)
        return Response("{}", media_type="application/json")

    binding = binding_of(GENERATE)
    assert binding is not None
    described = operation(GENERATE, binding, schemas)
    described["description"] += (
        "\n\nAs JSON: one Generation, when it is whole. With `Accept: text/event-stream`: one AdEvent an event, named "
        "by what happened, ending in `completed` or `error` (a problem). Whoever lost the connection sends the same "
        "request with `Last-Event-ID` within a minute and goes on behind that event."
    )
    described["responses"][200]["content"] = {
        "application/json": {"schema": schemas.of_message(generation_service_pb2.Generation.DESCRIPTOR)},
        _EVENTS: {"schema": schemas.of_message(ad_event_pb2.AdEvent.DESCRIPTOR)},
    }
    router.add_api_route(
        binding.path,
        generate,
        methods=[binding.verb],
        tags=["AdService"],
        operation_id="AdService_GenerateAd",
        response_class=Response,
        **described,
    )
    return router


async def generated(
    invoker: Invoker, asked: ad_service_pb2.GenerateAdRequest, metadata: Metadata, headers: dict[str, str]
) -> generation_service_pb2.Generation:
    """The whole generation; `headers` gets what the answer has to say besides. Raises AdwrightError."""
    whole: Any = generation_service_pb2.Generation(
        state=generation_service_pb2.Generation.STATE_COMPLETED, request=asked
    )
    whole.create_time.FromDatetime(datetime.now(UTC))
    async for data in invoker.stream(GENERATE, asked, metadata, headers):
        event = ad_event_pb2.AdEvent.FromString(data)
        kind = event.WhichOneof("event")
        if kind in ("started", "completed"):
            getattr(whole, kind).CopyFrom(getattr(event, kind))
    whole.name = whole.started.generation
    found: generation_service_pb2.Generation = whole
    return found
