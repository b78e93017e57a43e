"""AdEvents and ads in the words of OpenAI's chat completions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from adwright.gateway.v1 import generation_service_pb2
from adwright.type.v1 import ad_event_pb2, ad_pb2
from adwright_servicekit.errors import AdwrightError, Unavailable

from .messages import to_dict
from .problems import status_of

__all__ = ["ChatChunks", "completion", "error_body"]

_FINISH = {ad_event_pb2.AdCompleted.FINISH_REASON_LENGTH: "length"}


def completion(made: generation_service_pb2.Generation, model: str, *, as_json: bool) -> dict[str, Any]:
    """A `chat.completion`; what OpenAI's does not have stands under `adwright`."""
    done = made.completed
    return {
        "id": made.name,
        "object": "chat.completion",
        "created": made.create_time.seconds,
        "model": model,
        "choices": [
            {
                "index": ad.variant,
                "message": {"role": "assistant", "content": _text(ad, made.started, as_json), "refusal": None},
                "logprobs": None,
                "finish_reason": _FINISH.get(done.finish_reason, "stop"),
            }
            for ad in done.ads
        ],
        "usage": _usage(done.usage),
        "adwright": _besides(done),
    }


class ChatChunks:
    """Turns the events of one stream into `chat.completion.chunk`s."""

    def __init__(self, model: str, created: int, *, with_usage: bool) -> None:
        """`created` is in seconds since 1970."""
        self._model = model
        self._created = created
        self._with_usage = with_usage
        self._id = ""
        self._at: dict[int, str] = {}

    def of(self, event: ad_event_pb2.AdEvent) -> Iterable[dict[str, Any]]:
        """The chunks of an event. Raises Unavailable where a text that was sent would have to be taken back."""
        kind = event.WhichOneof("event")
        if kind == "started":
            self._id = event.started.generation
            for variant in range(event.started.variant_count):
                yield self._chunk(variant, {"role": "assistant", "content": ""})
        elif kind == "delta":
            delta = event.delta
            before = self._at.get(delta.variant)
            self._at[delta.variant] = delta.path
            line = "\n" if before not in (None, delta.path) else ""
            yield self._chunk(delta.variant, {"content": line + delta.text})
        elif kind == "switched" and event.switched.resume == ad_event_pb2.AdSwitched.RESUME_RESTARTED:
            if event.switched.variant in self._at:
                raise Unavailable(
                    "the text begins anew on another backend, which a chat stream cannot say: send the request again",
                    reason="STREAM_RESTARTED",
                    retry_after=1.0,
                )
        elif kind == "completed":
            done = event.completed
            for ad in done.ads:
                yield self._chunk(ad.variant, {}, _FINISH.get(done.finish_reason, "stop"))
            if self._with_usage:
                yield self._frame([]) | {"usage": _usage(done.usage), "adwright": _besides(done)}

    def _chunk(self, index: int, delta: Mapping[str, str], finish: str | None = None) -> dict[str, Any]:
        return self._frame([{"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}])

    def _frame(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": self._id,
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": self._model,
            "choices": choices,
        }


def error_body(error: AdwrightError) -> dict[str, Any]:
    """An error in OpenAI's form."""
    status = status_of(error)
    kind = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}.get(
        status, "invalid_request_error" if status < 500 else "server_error"
    )
    field = error.violations[0].field if error.violations else None
    return {"error": {"message": error.message, "type": kind, "param": field, "code": error.reason}}


def _text(ad: ad_pb2.Ad, started: ad_event_pb2.AdStarted, as_json: bool) -> str:
    if not as_json:
        return "\n".join(field.text for field in ad.fields)
    lists = {field.field: field.repeated for field in started.fields}
    found: dict[str, Any] = {}
    for field in ad.fields:
        name = field.path.partition("[")[0]
        if lists.get(name, "[" in field.path):
            found.setdefault(name, []).append(field.text)
        else:
            found[name] = field.text
    return json.dumps(found, ensure_ascii=False)


def _usage(usage: ad_event_pb2.Usage) -> dict[str, int]:
    read, written = usage.input_tokens, usage.output_tokens
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def _besides(done: ad_event_pb2.AdCompleted) -> dict[str, Any]:
    said = to_dict(done)
    return {
        "valid": [ad.valid for ad in done.ads],
        "checks": said["checks"],
        "cost": said.get("cost"),
        "traceId": done.trace_id,
    }
