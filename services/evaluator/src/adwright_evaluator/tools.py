"""What scorers may reach: judges, vectors, the files of the suite."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from adwright.generator.v1 import generator_service_pb2 as generator_pb
from adwright_evaluator.assertions import JUDGED
from adwright_evaluator.clients import Clients, usd
from adwright_evaluator.embedding import PackagedEmbedder
from adwright_evaluator.model import (
    JSON,
    Answer,
    AssertionSet,
    Case,
    Completion,
    Embedder,
    Judge,
    ProviderSpec,
    Usage,
)
from adwright_evaluator.providers.registry import backend_named
from adwright_evaluator.runs.cache import AnswerCache, content_key
from adwright_servicekit.errors import InvalidInput, NotFound

__all__ = ["RunTools"]

_PACKAGED: Final = "packaged"


class RunTools:
    """The tools of one run; what judges said before is not asked again."""

    def __init__(
        self,
        clients: Clients,
        tenant: str,
        backends: Sequence[generator_pb.BackendStatus],
        files: Mapping[str, bytes],
        cache: AnswerCache | None,
        now: Callable[[], datetime],
        *,
        judge: str = "",
        allow_python: bool = False,
    ) -> None:
        """`judge` is the provider that grades where an assertion names none; empty: the generator's choice."""
        self.allow_python = allow_python
        self._clients = clients
        self._tenant = tenant
        self._backends = backends
        self._files = files
        self._cache = cache
        self._now = now
        self._judge = judge

    def judge(self, spec: ProviderSpec | None) -> Judge:
        """The model that `spec` names. Raises InvalidInput."""
        wanted = spec.id if spec is not None else self._judge or "backend"
        name = backend_named(wanted, self._backends)
        if name is None:
            there = ", ".join(f"backend:{backend.name}" for backend in self._backends)
            where = str(spec.place) if spec is not None else "judge"
            raise InvalidInput.of(where, f"no backend is meant by the judge {wanted!r}: there are {there}")
        return _BackendJudge(self, name, spec.config if spec is not None else {})

    def check_judges(self, cases: Iterable[Case]) -> None:
        """That there is a judge for every assertion that asks one. Raises InvalidInput."""
        seen: set[str | None] = set()
        for case in cases:
            for each in case.assertions:
                for assertion in each.assertions if isinstance(each, AssertionSet) else (each,):
                    wanted = assertion.provider.id if assertion.provider is not None else None
                    # Panels name their judges elsewhere, and check them themselves.
                    if assertion.type in JUDGED and wanted not in seen and not assertion.config.get("judges"):
                        seen.add(wanted)
                        self.judge(assertion.provider)

    def embedder(self, spec: ProviderSpec | None) -> Embedder:
        """The packaged encoder; no other one is known. Raises InvalidInput."""
        if spec is not None and spec.id not in ("", _PACKAGED):
            raise InvalidInput.of(
                str(spec.place), f"vectors are made by {_PACKAGED!r} only, not by {spec.id!r}: leave the provider out"
            )
        return _EMBEDDER

    def file(self, name: str) -> bytes:
        """A file of the suite. Raises NotFound."""
        try:
            return self._files[name.removeprefix("file://").removeprefix("./")]
        except KeyError:
            raise NotFound(f"the suite has no file {name!r}", reason="FILE_NOT_FOUND") from None

    async def complete(
        self, backend: str, messages: Sequence[Mapping[str, str]], options: dict[str, Any]
    ) -> Completion:
        """What a backend says, or said to the same before."""
        key = content_key("judge", backend, list(messages), options)
        if self._cache is not None and (known := await self._cache.get(key)) is not None:
            return Completion(str(known.output), model=known.model)
        said, _ = await self._clients.complete(self._tenant, messages, backend=backend, **options)
        usage = Usage(said.usage.input_tokens, said.usage.output_tokens, said.usage.model_calls)
        if self._cache is not None:
            await self._cache.put(key, Answer(said.text, usage=usage, model=said.model), self._now())
        return Completion(said.text, usage, usd(said.cost), said.model)


class _BackendJudge:
    """A backend of the generator that grades."""

    def __init__(self, tools: RunTools, backend: str, config: Mapping[str, JSON]) -> None:
        self._tools = tools
        self._backend = backend
        self._config = config

    @property
    def id(self) -> str:
        """`backend:NAME`."""
        return f"backend:{self._backend}" if self._backend else "backend"

    async def complete(
        self,
        messages: Sequence[Mapping[str, str]],
        *,
        json_schema: Mapping[str, JSON] | None = None,
        max_tokens: int = 1024,
        seed: int | None = None,
    ) -> Completion:
        """Always the likeliest token, so that a verdict can be had again."""
        options: dict[str, Any] = {
            "max_tokens": max_tokens,
            "temperature": float(str(self._config.get("temperature", 0))),
        }
        if json_schema is not None:
            options["json_schema"] = json.dumps(json_schema)
        if seed is not None:
            options["seed"] = seed
        return await self._tools.complete(self._backend, messages, options)


_EMBEDDER = PackagedEmbedder()
