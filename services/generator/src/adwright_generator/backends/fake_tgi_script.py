"""What the TGI double does with one call, as data, and the events that go over the wire for it.

Source of the protocol: text-generation-inference 3.x, router/src/lib.rs, server.rs and validation.rs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

from .fake_tgi_text import fitting, matches, rest_of, said, split_prompt, tokens_of

__all__ = ["ERROR_EVENTS", "Answer", "Fault", "RejectedError", "TgiScript", "answer", "error_event", "frame"]


class Fault(StrEnum):
    """What goes wrong. In place of the first event, those named after a status are that; later, error events."""

    OVERLOADED = "overloaded"
    HTTP_429 = "http_429"
    HTTP_424 = "http_424"
    VALIDATION = "validation"
    HTTP_500 = "http_500"
    GENERATION_ERROR = "generation_error"
    RESET = "reset"
    """The TCP connection is reset."""
    CLOSE = "close"
    """The TCP connection is closed in the middle of the response."""
    END = "end"
    """The response ends in order, without the last event."""
    STALL = "stall"
    """Nothing comes any more, until the peer leaves or the server stops."""
    MALFORMED = "malformed"
    """An event that is not JSON."""
    INVALID_UTF8 = "invalid_utf8"
    """An event whose text ends inside a code point."""
    HALF_CHARACTER = "half_character"
    """Bytes that end inside a code point and inside an event; then the connection is closed."""
    ODD_ERROR = "odd_error"
    """An error event without `error`."""


@dataclass(frozen=True, slots=True)
class TgiScript:
    """What one call does. The defaults are a call that goes well."""

    text: str | None = None
    """Without it: words made from the prompt, in the shape of its grammar."""
    tokens: tuple[int, ...] = (4,)
    """Sizes of the tokens in characters, over and over; 0 is a token without text."""
    first_delay: float | None = None
    tokens_per_second: float | None = None
    """These two replace what the server was started with."""
    fault: Fault | None = None
    at: int = 0
    """How many events come before the fault; it comes in place of the last one at the latest."""


class RejectedError(Exception):
    """Validation of the request failed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Tokens to send, and how they end."""

    tokens: tuple[str, ...]
    """Of text. After them comes one for the end, where the finish reason is `eos_token`."""
    finish_reason: str
    input_length: int

    @property
    def events(self) -> int:
        """How many events there are."""
        return len(self.tokens) + (self.finish_reason == "eos_token")

    def event(self, index: int, seed: int | None = None) -> bytes:
        """One event, from 0. There is no space behind `data:`, and no other field."""
        last = index == self.events - 1
        text = self.tokens[index] if index < len(self.tokens) else "<|eot_id|>"
        token = b'{"id":%d,"text":%s,"logprob":-0.25,"special":%s}' % (
            1000 + index,
            msgspec.json.encode(text),
            b"true" if index >= len(self.tokens) else b"false",
        )
        if not last:
            return b'data:{"index":%d,"token":%s,"generated_text":null,"details":null}\n\n' % (index + 1, token)
        end = {
            "generated_text": "".join(self.tokens),
            "details": {
                "finish_reason": self.finish_reason,
                "generated_tokens": self.events,
                "seed": seed,
                "input_length": self.input_length,
            },
        }
        return b'data:{"index":%d,"token":%s,%s\n\n' % (index + 1, token, msgspec.json.encode(end)[1:])


def answer(
    body: Mapping[str, Any],
    script: TgiScript,
    *,
    length: int,
    max_total_tokens: int,
    schemas: dict[tuple[str, int | None], Mapping[str, Any]],
) -> Answer:
    """What a request gets. `schemas` remembers what was asked for, as a continued prompt tells no schema.

    Raises RejectedError as TGI's validation does.
    """
    prompt, parameters = body.get("inputs") or "", body.get("parameters") or {}
    input_length = -(-len(prompt) // 4) + 1
    most = parameters.get("max_new_tokens", 100)
    _validate(prompt, parameters, input_length, most, max_total_tokens)
    conversation, prefix = split_prompt(prompt)
    seed = parameters.get("seed")
    grammar = parameters.get("grammar") or {}
    if grammar.get("type") in ("json", "json_schema"):
        value = grammar["value"]
        schemas[conversation, seed] = value.get("schema", value) if grammar["type"] == "json_schema" else value
    schema = schemas.get((conversation, seed)) if grammar else None
    text = said(conversation, seed, schema, length) if script.text is None else script.text
    rest = rest_of(text, prefix)
    if grammar.get("type") == "regex":
        rest = _held_to(grammar["value"], rest, scripted=script.text is not None)
    tokens = tokens_of(rest, script.tokens)
    so_far = ""
    for count, token in enumerate(tokens[:most], 1):
        so_far += token
        # TGI looks for stop texts at the end of the text alone.
        if token and so_far.endswith(tuple(parameters.get("stop") or ("\0",))):
            return Answer(tokens[:count], "stop_sequence", input_length)
    return Answer(tokens[:most], "length" if len(tokens) >= most else "eos_token", input_length)


def _held_to(pattern: str, rest: str, *, scripted: bool) -> str:
    try:
        if matches(pattern, rest):
            return rest
        other = "" if scripted else fitting(pattern)
        if not scripted and matches(pattern, other):
            return other
    except ValueError as error:
        raise RejectedError(f"grammar is not valid: {error}") from error
    raise RejectedError("grammar is not valid: the double has no text for it")


def _validate(prompt: str, parameters: Mapping[str, Any], input_length: int, most: int, max_total_tokens: int) -> None:
    temperature, top_p, stop = parameters.get("temperature"), parameters.get("top_p"), parameters.get("stop") or ()
    if temperature is not None and temperature <= 0:
        raise RejectedError("`temperature` must be strictly positive")
    if top_p is not None and not 0 < top_p < 1:
        raise RejectedError("`top_p` must be > 0.0 and < 1.0")
    if most <= 0:
        raise RejectedError("`max_new_tokens` must be strictly positive")
    if len(stop) > 4:
        raise RejectedError(f"`stop` supports up to 4 stop sequences. Given: {len(stop)}")
    if not prompt:
        raise RejectedError("`inputs` cannot be empty")
    if input_length + most > max_total_tokens:
        raise RejectedError(
            f"`inputs` tokens + `max_new_tokens` must be <= {max_total_tokens}."
            f" Given: {input_length} `inputs` tokens and {most} `max_new_tokens`"
        )
    grammar = parameters.get("grammar")
    if grammar and grammar.get("type") == "json" and "properties" not in grammar["value"]:
        raise RejectedError("grammar is not valid: Grammar must have a 'properties' field")


def error_event(message: str, kind: str) -> bytes:
    """An error as TGI streams it."""
    return b"data:%s\n\n" % msgspec.json.encode({"error": message, "error_type": kind})


ERROR_EVENTS = {
    Fault.OVERLOADED: error_event("Model is overloaded", "overloaded"),
    Fault.HTTP_429: error_event("Model is overloaded", "overloaded"),
    Fault.HTTP_424: error_event("Request failed during generation: CUDA error", "generation"),
    Fault.GENERATION_ERROR: error_event("Request failed during generation: CUDA error", "generation"),
    Fault.VALIDATION: error_event("Input validation error: `inputs` cannot be empty", "validation"),
    Fault.HTTP_500: error_event("Incomplete generation stream", "incomplete_generation_stream"),
    Fault.ODD_ERROR: b'data:{"message":"something else"}\n\n',
    Fault.MALFORMED: b'data:{"index":1,"token":{"id":5,"te\n\n',
    Fault.INVALID_UTF8: b'data:{"index":1,"token":{"id":5,"text":"\xe2\x82","logprob":0,"special":false}}\n\n',
}
"""What is sent for the faults that are an event."""


def frame(event: bytes) -> bytes:
    """One chunk of HTTP chunked transfer coding."""
    return b"%x\r\n%b\r\n" % (len(event), event)
