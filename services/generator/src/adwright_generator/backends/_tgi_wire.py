"""What text-generation-inference answers: events of `/generate_stream`, and its errors as ours.

Source: router/src/lib.rs (StreamResponse, ErrorResponse) and router/src/infer/mod.rs (error types), 3.x. Its messages
may quote the request, so none but those about a parameter's limits are passed on.
"""

from dataclasses import dataclass

import msgspec

from adwright_servicekit.errors import AdwrightError, InvalidInput

from .base import Finish, StopReason
from .errors import BackendBusy, BackendDeclined, BackendFailed, BackendUnavailable

__all__ = ["Batch", "decode", "error_of_event", "error_of_status"]

_RETRY_AFTER = 1.0
_LONGEST_MESSAGE = 200
# How validation messages begin that are made of names and numbers alone; those about grammars quote the schema.
_VALIDATION = "Input validation error: "
_TOO_LONG = ("`inputs` tokens + `max_new_tokens` must be", "`inputs` must have less than")
# Limits of this server, not faults of the request: another backend may know how.
_SERVERS_LIMITS = ("grammar is not", "cannot compile regex")


class _Token(msgspec.Struct, gc=False):
    text: str = ""
    special: bool = False


class _Details(msgspec.Struct, gc=False):
    finish_reason: str
    generated_tokens: int | None = None
    input_length: int | None = None


class _Event(msgspec.Struct, gc=False):
    token: _Token | None = None
    generated_text: str | None = None
    details: _Details | None = None
    error: str | None = None
    error_type: str = ""


@dataclass(slots=True)
class Batch:
    """What arrived together."""

    text: str = ""
    tokens: int = 0
    """Without the model's control tokens, which are no text."""
    finish: Finish | None = None
    error: AdwrightError | None = None


_decoder = msgspec.json.Decoder(_Event)


def decode(payloads: list[bytes], backend: str) -> Batch:
    """The tokens of some events, up to the last event or the first that is an error."""
    batch = Batch()
    texts = []
    for payload in payloads:
        try:
            event = _decoder.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError):
            batch.error = BackendFailed(f"Backend {backend} sent an event that cannot be read.")
            break
        token = event.token
        if token is None:
            batch.error = error_of_event(event.error, event.error_type, backend)
            break
        if not token.special:
            texts.append(token.text)
            batch.tokens += 1
        if event.generated_text is not None or event.details is not None:
            batch.finish = _finish(event.details)
            break
    batch.text = "".join(texts)
    return batch


def _finish(details: _Details | None) -> Finish:
    if details is None:
        return Finish(StopReason.STOP)
    reason = StopReason.LENGTH if details.finish_reason == "length" else StopReason.STOP
    return Finish(reason, input_tokens=details.input_length, output_tokens=details.generated_tokens)


def error_of_event(error: str | None, error_type: str, backend: str) -> AdwrightError:
    """The error that an event or a body tells."""
    match error_type:
        case "overloaded":
            return BackendBusy(f"Backend {backend} is full; try again.", retry_after=_RETRY_AFTER)
        case "validation":
            return _rejected(error or "", backend)
        case _ if error is None:
            return BackendFailed(f"Backend {backend} sent an event that is neither a token nor an error.")
        case _:
            kind = error_type if error_type.isidentifier() and len(error_type) <= 40 else "unknown"
            return BackendFailed(f"Backend {backend} failed while generating (error type {kind}).")


def error_of_status(status: int, body: bytes, retry_after: str | None, backend: str) -> AdwrightError:
    """The error of an answer that is none of 200. `retry_after` is the header, in seconds or as a date."""
    match status:
        case 429:
            try:
                seconds = float(retry_after or "")
            except ValueError:
                seconds = _RETRY_AFTER
            # A date, a negative number and NaN are not worth more than a try soon.
            seconds = seconds if 0 <= seconds <= 3600 else _RETRY_AFTER
            return BackendBusy(f"Backend {backend} is full; try again.", retry_after=seconds)
        case 413:
            return InvalidInput(f"The prompt is too long for backend {backend}; shorten it.", reason="PROMPT_TOO_LONG")
        case 422:
            try:
                event = _decoder.decode(body)
            except (msgspec.DecodeError, UnicodeDecodeError):
                event = _Event()
            return _rejected(event.error or "", backend)
        case 502 | 503 | 504:
            return BackendUnavailable(f"Backend {backend} is not available (HTTP {status}).")
        case _:
            return BackendFailed(f"Backend {backend} answered with HTTP {status}.")


def _rejected(message: str, backend: str) -> AdwrightError:
    told = message.removeprefix(_VALIDATION)
    if told.startswith(_SERVERS_LIMITS):
        return BackendDeclined(f"Backend {backend} cannot hold this grammar while decoding; use another backend.")
    if told.startswith(_TOO_LONG):
        return InvalidInput(
            f"The prompt is too long for backend {backend} ({told[:_LONGEST_MESSAGE]}); shorten it.",
            reason="PROMPT_TOO_LONG",
        )
    # Messages about a parameter begin with its name in backticks.
    known = f" ({told})" if told.startswith("`") and len(told) <= _LONGEST_MESSAGE else ""
    return InvalidInput(f"Backend {backend} rejects the request{known}; change it.", reason="BACKEND_REJECTED")
