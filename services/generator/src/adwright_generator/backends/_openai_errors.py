"""What errors of OpenAI-compatible servers mean to us. Their messages may quote the prompt and go nowhere.

Shapes that are understood: `{"error": {"message", "type", "code"}}` (OpenAI, llama.cpp, vLLM, SGLang),
`{"error": "..."}` (Ollama), and the flat `{"object": "error", "type", "code"}` of older vLLM.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from adwright_servicekit.errors import AdwrightError, InvalidInput

from .base import BackendBusy, BackendDeclined, BackendFailed, BackendUnavailable

__all__ = ["error_of", "retry_after"]

_DEFAULT_RETRY_AFTER = 1.0
_MAX_RETRY_AFTER = 3600.0

_QUOTA = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
_REFUSED = frozenset({"content_filter", "content_policy_violation"})
_TOO_LONG = frozenset({"context_length_exceeded", "exceed_context_size_error", "string_above_max_length"})
_TOO_LONG_TEXT = re.compile(r"context (length|size|window)|maximum context|prompt is too long", re.IGNORECASE)
# What these complain about is the configured model, not what the caller wrote.
_OURS = frozenset({"model_not_found", "unknown_parameter", "unsupported_parameter", "unsupported_value"})

_STATUS_OF = {
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "too_many_requests": 429,
    "overloaded": 429,
    "overloaded_error": 429,
    "engine_overloaded": 429,
    "slow_down": 429,
    "tokens": 429,
    "requests": 429,
    "invalid_request_error": 400,
    "badrequesterror": 400,
    "validation": 422,
    "validation_error": 422,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "service_unavailable": 503,
    "service_unavailable_error": 503,
    "serviceunavailable": 503,
    "unavailable_error": 503,
}
"""Status codes for errors inside a stream, by their `code` or `type`."""

# 520 to 524 are those of the content network in front of api.openai.com.
_UNAVAILABLE = frozenset({502, 503, 504, 520, 521, 522, 523, 524, 529})


def error_of(
    name: str, body: bytes, *, status: int | None = None, headers: Mapping[str, str] | None = None
) -> AdwrightError:
    """The error of backend `name` for a response with this status, or for an event inside a stream (no status)."""
    error = _error_object(body)
    code, kind, message = _parts(error)
    inside = status is None
    if status is None:
        status = _status(code, kind)
    said = next((word for word in (code, kind) if _is_word(word)), "")
    what = f"{'error' if inside else status} {said}".strip()
    words = {code, kind}
    if words & _QUOTA:
        return BackendUnavailable(
            f"Backend {name} has no quota left ({what}); raise its limit or use another key.",
            metadata={"code": said},
        )
    if words & _REFUSED:
        return BackendDeclined(f"Backend {name} refused the content; rephrase it.")
    if status == 429:
        return BackendBusy(f"Backend {name} is busy ({what}); try again.", retry_after=retry_after(headers or {}))
    if status == 401:
        return BackendUnavailable(
            f"Backend {name} does not accept its API key; give it a valid one with `api_key`.",
            reason="BACKEND_UNAUTHENTICATED",
        )
    if status in _UNAVAILABLE:
        return BackendUnavailable(f"Backend {name} is unavailable ({what}); try again.")
    if status in (400, 413, 422) and error is not None and not words & _OURS:
        if words & _TOO_LONG or _TOO_LONG_TEXT.search(message):
            return InvalidInput(f"The prompt is too long for backend {name}; shorten it.", reason="PROMPT_TOO_LONG")
        return InvalidInput(
            f"Backend {name} rejected the request ({what}); change the request.", reason="BACKEND_REJECTED"
        )
    if error is None:
        what = "an event of unknown shape" if inside else f"{what} without an error object"
    return BackendFailed(f"Backend {name} failed ({what}); see its log.")


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds from `retry-after-ms` or `Retry-After`; 1 without them, or with a date, which needs equal clocks."""
    for header, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        text = headers.get(header, "").strip()
        if re.fullmatch(r"\d{1,12}(\.\d{1,9})?", text):
            return min(float(text) * unit, _MAX_RETRY_AFTER)
    return _DEFAULT_RETRY_AFTER


def _error_object(body: bytes) -> Any:
    """None where there is none."""
    try:
        data = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if not isinstance(data, dict):
        return None
    if data.get("object") == "error":
        return data
    return data.get("error") or None


def _parts(error: Any) -> tuple[str, str, str]:
    """Its code, type and message, as far as it has them."""
    if isinstance(error, str):
        return "", "", error
    if not isinstance(error, dict):
        return "", "", ""
    code, kind, message = (error.get(key) for key in ("code", "type", "message"))
    return (
        str(code).lower() if isinstance(code, str | int) else "",
        kind.lower() if isinstance(kind, str) else "",
        message if isinstance(message, str) else "",
    )


def _status(code: str, kind: str) -> int | None:
    if re.fullmatch(r"[45]\d\d", code):
        return int(code)
    return _STATUS_OF.get(code) or _STATUS_OF.get(kind)


def _is_word(text: str) -> bool:
    """Whether it is an identifier, and so surely not a part of the prompt."""
    return re.fullmatch(r"[a-z0-9_.-]{1,48}", text) is not None
