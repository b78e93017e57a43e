"""Chat completions as OpenAI and its many likenesses speak them: the request's body and the streamed answer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from adwright_servicekit.errors import AdwrightError

from ._openai_errors import error_of
from ._sse import SseParser
from .base import BackendDeclined, BackendFailed, BackendRequest, BackendUnavailable, Chunk, Finish, StopReason
from .seam import Seam

__all__ = ["ChatDialect", "ChatStream", "strict_schema"]

_CONTINUE = (
    "Your answer above was cut off. Continue exactly where your text stops, in the middle of a word if need be, and"
    " begin with a space if one belongs there. Do not repeat any of it, do not comment, write nothing else."
)


@dataclass(frozen=True, slots=True)
class ChatDialect:
    """How one server wants to be spoken to."""

    model: str
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    structured_output: Literal["json_schema", "json_object", "none"] = "json_schema"
    strict_keywords: bool = False
    """True where only OpenAI's subset of JSON Schema is accepted."""
    prefill: bool = False
    """True where the model goes on with an assistant's last message; otherwise it is asked to."""

    def body(self, request: BackendRequest) -> dict[str, Any]:
        """The body of `POST /chat/completions`."""
        body: dict[str, Any] = {
            "model": self.model,
            "messages": self._messages(request),
            self.max_tokens_field: request.max_tokens,
            "temperature": request.temperature,
            "top_p": request.top_p,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if request.seed is not None:
            body["seed"] = request.seed
        if request.stop:
            body["stop"] = list(request.stop)
        if request.prefix and self.prefill:
            body |= {"continue_final_message": True, "add_generation_prompt": False}
        if request.json_schema is not None and self.structured_output != "none":
            body["response_format"] = self._response_format(request.json_schema)
        return body

    def _messages(self, request: BackendRequest) -> list[dict[str, str]]:
        messages = [{"role": message.role, "content": message.content} for message in request.messages]
        if request.prefix:
            messages.append({"role": "assistant", "content": request.prefix})
            if not self.prefill:
                messages.append({"role": "user", "content": _CONTINUE})
        return messages

    def _response_format(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        if self.structured_output == "json_object":
            return {"type": "json_object"}
        accepted = strict_schema(schema) if self.strict_keywords else dict(schema)
        return {"type": "json_schema", "json_schema": {"name": "ad", "strict": True, "schema": accepted}}


_KEYWORDS = frozenset(
    {"$defs", "$ref", "additionalProperties", "anyOf", "const", "definitions", "description", "enum", "format"}
    | {"exclusiveMaximum", "exclusiveMinimum", "items", "maxItems", "maximum", "minItems", "minimum", "multipleOf"}
    | {"pattern", "properties", "required", "title", "type"}
)
"""What strict structured outputs accept. Source: OpenAI, Structured Outputs guide, "Supported schemas"; the lengths
of strings and the compositions other than `anyOf` are not among them."""

_MAPS = frozenset({"properties", "$defs", "definitions"})
_VALUES = frozenset({"const", "enum", "required"})


def strict_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema without keywords that strict structured outputs refuse; it allows more than before, never less."""
    kept: dict[str, Any] = {}
    for key, value in schema.items():
        if key not in _KEYWORDS:
            continue
        if key in _MAPS:
            kept[key] = {name: _strict(part) for name, part in value.items()}
        else:
            kept[key] = value if key in _VALUES else _strict(value)
    return kept


def _strict(value: Any) -> Any:
    if isinstance(value, Mapping):
        return strict_schema(value)
    return [_strict(part) for part in value] if isinstance(value, list | tuple) else value


class _Delta(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None


class _Choice(msgspec.Struct):
    index: int = 0
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Event(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: Any = None


_decode = msgspec.json.Decoder(_Event).decode

_STOPPED = frozenset({"stop", "eos", "eos_token", "stop_sequence", "end_turn"})
_REFUSED = "Backend {} refused the content; rephrase it."


class ChatStream:
    """Reads one streamed answer of backend `name`."""

    def __init__(self, name: str, *, prefix: str = "") -> None:
        """What the answer repeats of `prefix` at its beginning is dropped."""
        self._name = name
        self._parser = SseParser()
        self._seam = Seam(prefix) if prefix else None
        self._reason: StopReason | None = None
        self._usage = _Usage()
        self.done = False
        """True when nothing more is to come."""

    @property
    def finished(self) -> bool:
        """True once the model has said why it stopped; the counts come after that, from some servers."""
        return self._reason is not None

    def feed(self, data: bytes) -> Iterator[Chunk]:
        """All the text in `data` as one chunk, if there is any. Then raises, if there was an error behind it."""
        text, tokens, error = "", 0, None
        try:
            for payload in self._parser.feed(data):
                if payload == b"[DONE]":
                    self.done = True
                    break
                piece = self._take(payload)
                text += piece
                tokens += bool(piece)
        except AdwrightError as caught:
            error = caught
        if tokens:
            yield Chunk((self._seam.feed(text) if self._seam else text).encode(), tokens)
        if error is not None:
            raise error

    def end(self) -> Iterator[Chunk | Finish]:
        """What is left when the connection has ended, or nothing more is waited for. Raises if that was too early."""
        if self._reason is None:
            raise BackendUnavailable(f"Backend {self._name} ended the stream before the generation; try again.")
        if self._seam and (rest := self._seam.end()):
            yield Chunk(rest.encode(), 0)
        yield Finish(self._reason, self._usage.prompt_tokens, self._usage.completion_tokens)

    def _take(self, payload: bytes) -> str:
        try:
            event = _decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise BackendFailed(
                f"Backend {self._name} sent an event that is not a chat completion chunk; check `base_url`."
            ) from None
        if event.usage is not None:
            self._usage = event.usage
        if event.error is not None or (event.choices is None and event.usage is None):
            raise error_of(self._name, payload)
        text = ""
        for choice in event.choices or ():
            if choice.index == 0:
                text += self._take_choice(choice)
        return text

    def _take_choice(self, choice: _Choice) -> str:
        if choice.delta is not None and choice.delta.refusal:
            raise BackendDeclined(_REFUSED.format(self._name))
        if choice.finish_reason is not None:
            self._reason = self._reason_of(choice.finish_reason)
        return (choice.delta.content or "") if choice.delta is not None else ""

    def _reason_of(self, reason: str) -> StopReason:
        if reason in _STOPPED:
            return StopReason.STOP
        if reason == "length":
            return StopReason.LENGTH
        if reason == "content_filter":
            raise BackendDeclined(_REFUSED.format(self._name))
        if reason == "abort":  # vLLM and SGLang, when they shut down.
            raise BackendUnavailable(f"Backend {self._name} gave the generation up; try again.")
        raise BackendFailed(
            f"Backend {self._name} ended the generation for a reason that is none for text; see its log."
        )
