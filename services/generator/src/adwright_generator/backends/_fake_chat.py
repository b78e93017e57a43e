"""What `FakeOpenAI` answers: streamed chat completions, and everything that can go wrong with one."""

import asyncio
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import cycle
from socket import SO_LINGER, SOL_SOCKET
from typing import Any

from aiohttp import web

from .fake_text import made_up

__all__ = ["Fault", "OpenAICall", "OpenAIScript", "Play", "error_response"]

_TOKEN_CHARACTERS = 4


class Fault(StrEnum):
    """What can go wrong with an answer."""

    OVERLOADED = "overloaded"
    """An error event in a stream that began with status 200."""
    HTTP_429 = "http_429"
    """With `Retry-After`. This and the other statuses come in place of an answer whatever `at` says."""
    HTTP_401 = "http_401"
    HTTP_424 = "http_424"
    VALIDATION = "validation"
    """Status 422."""
    HTTP_500 = "http_500"
    RESET = "reset"
    """The connection is reset."""
    CLOSE = "close"
    """The connection is closed in an orderly way, before the end."""
    STALL = "stall"
    """Nothing comes any more until the caller leaves."""
    MALFORMED = "malformed"
    """An event that is not JSON."""
    HALF_CHARACTER = "half_character"
    """An event that ends inside a UTF-8 sequence."""
    ODD_ERROR = "odd_error"
    """An error in a shape that nobody documents, without `error`: status 400, or an event of a stream."""


_STATUSES: Mapping[Fault, tuple[int, str, str | None]] = {
    Fault.HTTP_429: (429, "rate_limit_error", "rate_limit_exceeded"),
    Fault.HTTP_401: (401, "invalid_request_error", "invalid_api_key"),
    Fault.HTTP_424: (424, "failed_dependency", None),
    Fault.VALIDATION: (422, "invalid_request_error", None),
    Fault.HTTP_500: (500, "server_error", None),
}


@dataclass(frozen=True, slots=True)
class OpenAIScript:
    """What one call does. The defaults are a call that goes well."""

    text: str | None = None
    """Without it: words made from the request, in the shape of its schema."""
    chunk_characters: tuple[int, ...] = (_TOKEN_CHARACTERS,)
    """Sizes of the chunks, over and over."""
    first_delay: float = 0.0
    """Seconds before the first chunk."""
    tokens_per_second: float | None = None
    """Chunks a second; without it as fast as possible."""
    fault: Fault | None = None
    at: int = 0
    """After how many chunks the fault comes; with 0 in place of the first. One beyond the end comes at the end."""
    retry_after: float = 1.0
    """What HTTP_429 says, in seconds."""
    usage: bool = True
    """False: no counts are told, and no [DONE], as some servers do."""


@dataclass(slots=True)
class OpenAICall:
    """One call that the server got."""

    body: dict[str, Any]
    headers: Mapping[str, str]
    """Names are in lower case."""
    chunks: int = 0
    """Chunks with text that were sent."""
    finished: bool = False
    closed_early: bool = False
    """The caller left before the end."""


class Play:
    """One answer."""

    def __init__(self, script: OpenAIScript, call: OpenAICall, messages: Sequence[tuple[str, str]]) -> None:
        self._script = script
        self._call = call
        self._messages = messages

    async def run(self, request: web.Request) -> web.StreamResponse:
        script = self._script
        fault = script.fault
        if fault is not None and fault in _STATUSES:
            headers = {"Retry-After": f"{script.retry_after:g}"} if fault is Fault.HTTP_429 else {}
            return error_response(*_STATUSES[fault], headers)
        if fault is Fault.ODD_ERROR and script.at == 0:
            return web.json_response({"detail": "no"}, status=400)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        await response.prepare(request)
        await _send(response, self._event({"role": "assistant", "content": ""}))
        await self._wait(script.first_delay)
        pieces, whole = self._pieces()
        for piece in pieces:
            if fault is not None and self._call.chunks == script.at:
                return await _spoil(fault, request, response)
            if script.tokens_per_second and self._call.chunks:
                await self._wait(1 / script.tokens_per_second)
            await _send(response, self._event({"content": piece}))
            self._call.chunks += 1
        if fault is not None:
            return await _spoil(fault, request, response)
        await _send(response, self._event({}, "stop" if whole else "length"))
        if script.usage:
            if (self._call.body.get("stream_options") or {}).get("include_usage"):
                await _send(response, self._usage(sum(map(len, pieces))))
            await response.write(b"data: [DONE]\n\n")
        self._call.finished = True
        return response

    def _pieces(self) -> tuple[list[str], bool]:
        """The chunks' texts, and whether they are all that there is to say."""
        body = self._call.body
        text = self._text()
        stops = body.get("stop") or []
        for stop in [stops] if isinstance(stops, str) else stops:
            text = text.partition(stop)[0]
        longest = (body.get("max_completion_tokens") or body.get("max_tokens") or 4096) * _TOKEN_CHARACTERS
        pieces: list[str] = []
        start = 0
        for size in cycle(self._script.chunk_characters):
            if start >= min(len(text), longest):
                return pieces, len(text) <= longest
            pieces.append(text[start : min(start + max(size, 1), longest)])
            start += max(size, 1)
        raise ValueError("chunk_characters needs a size")

    def _text(self) -> str:
        """What there is to say, without what an assistant's message at the end has said already."""
        turns = list(self._messages)
        begun = ""
        if turns[-1][0] == "assistant":
            begun = turns.pop()[1]
        elif len(turns) > 2 and turns[-2][0] == "assistant":
            begun = turns[-2][1]
            del turns[-2:]
        text = self._script.text
        if text is None:
            schema = _schema(self._call.body)
            key = json.dumps([turns, self._call.body.get("seed"), schema], sort_keys=True)
            text = made_up(key, schema)
        return text.removeprefix(begun)

    def _event(self, delta: Mapping[str, Any], reason: str | None = None) -> dict[str, Any]:
        return self._envelope([{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}])

    def _usage(self, characters: int) -> dict[str, Any]:
        asked = _tokens(sum(len(text) for _, text in self._messages))
        told = _tokens(characters)
        usage = {"prompt_tokens": asked, "completion_tokens": told, "total_tokens": asked + told}
        return {**self._envelope([]), "usage": usage}

    def _envelope(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": "chatcmpl-fake",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": self._call.body.get("model", ""),
            "choices": choices,
        }

    async def _wait(self, seconds: float) -> None:
        if seconds > 0:
            await asyncio.sleep(seconds)


def _tokens(characters: int) -> int:
    return -(-characters // _TOKEN_CHARACTERS)


def _schema(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    wanted = body.get("response_format") or {}
    return wanted["json_schema"]["schema"] if wanted.get("type") == "json_schema" else None


def error_response(status: int, kind: str, code: str | None, headers: Mapping[str, str] | None = None) -> web.Response:
    """An error in OpenAI's shape."""
    error = {"message": "The double was told to fail.", "type": kind, "param": None, "code": code}
    return web.json_response({"error": error}, status=status, headers=headers)


async def _send(response: web.StreamResponse, event: Mapping[str, Any]) -> None:
    text = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    await response.write(b"data: " + text.encode() + b"\n\n")


async def _spoil(fault: Fault, request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    transport = request.transport
    match fault:
        case Fault.OVERLOADED:
            error = {"message": "busy", "type": "overloaded_error", "param": None, "code": "overloaded"}
            await _send(response, {"error": error})
        case Fault.ODD_ERROR:
            await _send(response, {"detail": "no"})
        case Fault.MALFORMED:
            await response.write(b'data: {"choices":[{"delta":\n\n')
        case Fault.HALF_CHARACTER:
            await response.write(b'data: {"choices":[{"index":0,"delta":{"content":"caf\xc3"}}]}\n\n')
        case Fault.STALL:
            await asyncio.Event().wait()
        case Fault.RESET if transport is not None:
            # Nothing in the way to linger: the kernel then answers with a reset.
            transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        case Fault.CLOSE if transport is not None:
            transport.close()
        case _:
            raise ValueError(f"{fault} comes in place of an answer, not inside one")
    return response
