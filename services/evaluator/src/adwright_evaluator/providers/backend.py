"""`backend:NAME`: a backend of the generator's configuration, asked with the prompt as it is.

`openai:chat:MODEL` and the like of promptfoo mean the backend that serves that model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from adwright.generator.v1 import generator_service_pb2 as generator_pb
from adwright_evaluator.clients import Clients, usd
from adwright_evaluator.model import JSON, Answer, Usage
from adwright_servicekit.errors import InvalidInput

from .base import Question

__all__ = ["BackendProvider"]

_OPTIONS: Final[Mapping[str, type | tuple[type, ...]]] = {
    "max_tokens": int,
    "temperature": (int, float),
    "top_p": (int, float),
    "seed": int,
    "stop": list,
    "residencies": list,
    "adapter": str,
}
_PASSED_OVER: Final = frozenset({"apiKey", "apiKeyEnvar", "apiHost", "apiBaseUrl", "organization", "label"})
"""Where the model is and what opens it stands in the generator's configuration."""


class BackendProvider:
    """Config: what `CompleteTextRequest` takes (`max_tokens`, `temperature`, `top_p`, `seed`, `stop`, …)."""

    def __init__(self, clients: Clients, tenant: str, backend: str, config: Mapping[str, JSON]) -> None:
        """Raises InvalidInput for a setting that is unknown or of another kind."""
        self._clients = clients
        self._tenant = tenant
        self._backend = backend
        self._options = _options(backend, config)
        self.key = json.dumps(["backend", backend, self._options], sort_keys=True)

    async def answer(self, question: Question) -> Answer:
        """One answer; repeats with a seed have each their own."""
        options = dict(self._options)
        if question.repeat and "seed" in options:
            options["seed"] = (options["seed"] + question.repeat) % 2**32
        prompt = question.prompt
        messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
        return _answer(*await self._clients.complete(self._tenant, messages, backend=self._backend, **options))


def _answer(said: generator_pb.CompleteTextResponse, seconds: float) -> Answer:
    """The generator's answer in the words of evaluations; the latency is without the wait for a turn."""
    whole = said.finish_reason == generator_pb.CompleteTextResponse.FINISH_REASON_STOP
    queued = said.queued.seconds + said.queued.nanos / 1e9
    return Answer(
        output=said.text,
        latency_ms=max(0.0, seconds - queued) * 1000,
        cost_usd=usd(said.cost),
        usage=Usage(said.usage.input_tokens, said.usage.output_tokens, said.usage.model_calls),
        finish_reason="stop" if whole else "length",
        trace_id=said.trace_id,
        model=said.model,
        metadata={"backend": said.backend},
    )


def _options(backend: str, config: Mapping[str, JSON]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in config.items():
        if name in _PASSED_OVER:
            continue
        kind = _OPTIONS.get(name)
        if kind is None:
            raise InvalidInput.of(
                f"providers.{backend}.config.{name}", f"is not a setting of a backend: there are {', '.join(_OPTIONS)}"
            )
        if not isinstance(value, kind) or isinstance(value, bool):
            raise InvalidInput.of(f"providers.{backend}.config.{name}", "is of another kind than this setting")
        found[name] = value
    return found
