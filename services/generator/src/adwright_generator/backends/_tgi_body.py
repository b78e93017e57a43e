"""The body of a generation for text-generation-inference. Source: its router/src/lib.rs and validation.rs, 3.x.

A module of its own because the client library takes a third of a second to import.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from text_generation.types import Grammar, GrammarType, Parameters, Request

from .base import BackendRequest
from .errors import BackendFailed
from .json_rest import rest_pattern

__all__ = ["body_of"]

_MOST_STOPS = 4
"""TGI refuses more unless it was started with another `--max-stop-sequences`; the others are cut here alone."""


class _Parameters(Parameters):  # type: ignore[misc]
    adapter_id: str | None = None


class _Request(Request):  # type: ignore[misc]
    parameters: _Parameters | None = None


def body_of(request: BackendRequest, prompt: str, *, most_stops: int | None = None) -> bytes | None:
    """JSON for `/generate_stream`; None when the prefix is the whole of what the schema asks for.

    `most_stops` is the server's limit. Raises BackendFailed when the prefix does not begin a text of the schema.
    """
    grammar = None
    if request.json_schema is not None:
        grammar = _grammar(request.json_schema, request.prefix)
        if not grammar.value:
            return None
    sampling = request.temperature > 0
    parameters = _Parameters(
        do_sample=sampling,
        # Any value, even 1, turns sampling on; 0 is refused, and so is a top_p of 1.
        temperature=request.temperature if sampling else None,
        top_p=request.top_p if sampling and 0 < request.top_p < 1 else None,
        max_new_tokens=request.max_tokens,
        stop=[stop for stop in request.stop if stop][: most_stops or _MOST_STOPS],
        seed=None if request.seed is None else request.seed % 2**64,
        details=True,
        grammar=grammar,
        adapter_id=request.adapter or None,
    )
    body = _Request(inputs=prompt, parameters=parameters)
    return msgspec.json.encode(body.model_dump(mode="json", exclude_none=True, exclude={"stream"}))


def _grammar(schema: Mapping[str, Any], prefix: str) -> Grammar:
    if not prefix:
        return Grammar(type=GrammarType.Json, value=dict(schema))
    pattern = rest_pattern(schema, prefix)
    if pattern is None:
        raise BackendFailed("The text so far cannot go on as JSON of this schema; begin it anew.")
    return Grammar(type=GrammarType.Regex, value=pattern)
