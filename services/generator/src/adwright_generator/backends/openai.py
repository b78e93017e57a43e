"""Any OpenAI-compatible server: OpenAI itself, vLLM, SGLang, llama.cpp, Ollama, and the many services by token."""

import ipaddress
import logging
import os
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from adwright_servicekit.errors import AdwrightError

from ._openai_errors import error_of
from ._openai_wire import ChatDialect, ChatStream
from .api_keys import ApiKey, KeyConfig
from .base import (
    Backend,
    BackendBusy,
    BackendDeclined,
    BackendEvent,
    BackendFailed,
    BackendInfo,
    BackendRequest,
    BackendUnavailable,
    Continuation,
)
from .config import BackendConfig

if TYPE_CHECKING:
    import httpx2

    from ._openai_client import Answer, ChatClient

__all__ = ["OpenAIBackend", "OpenAIConfig"]

_log = logging.getLogger(__name__)

_OFFICIAL = "api.openai.com"
_SELF_HOSTED = "self_hosted"
_COUNTS_SECONDS = 1.0
"""How long the counts of tokens are waited for after the text is whole."""
_NO_STREAM = frozenset({"application/json", "text/html", "text/plain"})


class OpenAIConfig(BackendConfig):
    """An entry of kind `openai`."""

    kind: Literal["openai"]
    base_url: str = f"https://{_OFFICIAL}/v1"
    model: Annotated[str, Field(min_length=1)]
    api_key: KeyConfig | None = None
    """None: the server needs no key."""
    max_concurrency: Annotated[int, Field(ge=1, le=65_536)] = 512
    structured_output: Literal["json_schema", "json_object", "none"] = "json_schema"
    """How a schema is sent; only with `json_schema` is it held while decoding."""
    continuation: Literal["ask", "prefill"] = "ask"
    """How a text goes on that somebody else began. `prefill` is exact and needs vLLM, SGLang or llama.cpp."""
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] | None = None
    """None: the newer name for OpenAI itself, the older one, which all the others know, for them."""
    schema_keywords: Literal["all", "openai"] | None = None
    """`openai` leaves out what strict structured outputs refuse, such as `maxLength`. None: as the host needs it."""

    @field_validator("base_url")
    @classmethod
    def _is_base_url(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("expected a URL such as https://api.openai.com/v1")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("the URL must hold neither credentials nor a query; a key goes into `api_key`")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _is_honest(self) -> "OpenAIConfig":
        if "residency" not in self.model_fields_set and not _is_near(self.host):
            raise ValueError(f"say where {self.host} processes data: set `residency`, to us or eu for example")
        if self.official and self.residency == _SELF_HOSTED:
            raise ValueError(f"{self.host} is not self-hosted; set `residency` to where it processes data")
        if self.official and self.api_key is None:
            raise ValueError(f"{self.host} needs a key; set `api_key`")
        return self

    @property
    def host(self) -> str:
        """Name or address of the server."""
        return urlsplit(self.base_url).hostname or ""

    @property
    def official(self) -> bool:
        """True for OpenAI's own servers, in any region."""
        return self.host == _OFFICIAL or self.host.endswith("." + _OFFICIAL)

    def dialect(self) -> ChatDialect:
        """How the server wants to be spoken to."""
        keywords = self.schema_keywords or ("openai" if self.official else "all")
        field = self.max_tokens_field or ("max_completion_tokens" if self.official else "max_tokens")
        return ChatDialect(
            self.model,
            max_tokens_field=field,
            structured_output=self.structured_output,
            strict_keywords=keywords == "openai",
            prefill=self.continuation == "prefill",
        )


def _is_near(host: str) -> bool:
    """Whether a host is surely this machine or this cluster. Private addresses are not: a service of somebody else's
    may have one."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or "." not in host or host.endswith((".svc", ".svc.cluster.local"))


class OpenAIBackend(Backend):
    """One server behind one URL. See `Backend` for the contract; it neither limits nor waits.

    What is sent twice: a request whose key was refused, when there is another key by then, and one whose kept
    connection the server dropped before any answer.
    """

    def __init__(
        self,
        config: OpenAIConfig,
        *,
        environ: Mapping[str, str] = os.environ,
        http_client: "httpx2.AsyncClient | None" = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`http_client` replaces the connections; it is not closed here. `clock` is in seconds."""
        self._config = config
        self._dialect = config.dialect()
        self._key = None if config.api_key is None else ApiKey(config.api_key, environ=environ, clock=clock)
        self._http_client = http_client
        self._clock = clock
        self._client: ChatClient | None = None
        self._answers: set[Answer] = set()
        self._in_flight = 0
        self._busy_until = 0.0
        self._info = BackendInfo(
            name=config.name,
            kind="openai",
            model=config.model,
            residency=config.residency,
            max_concurrency=config.max_concurrency,
            constrained_output=config.structured_output == "json_schema",
            price=config.price.price(),
            prompt=config.prompt,
            continuation=Continuation.EXACT if config.continuation == "prefill" else Continuation.ASKED,
        )

    @property
    def info(self) -> BackendInfo:
        """What is known of it before it is asked."""
        return self._info

    @property
    def ready(self) -> bool:
        """True between `start` and `close`, whether or not the server can be reached."""
        return self._client is not None

    @property
    def in_flight(self) -> int:
        """Requests whose answer is being waited for or read."""
        return self._in_flight

    @property
    def predicted_wait(self) -> float:
        """Seconds that are left of the last Retry-After."""
        return max(0.0, self._busy_until - self._clock())

    async def start(self) -> None:
        """Obtains the key. Raises BackendMisconfigured with the remedy; a store that does not answer is asked later."""
        if self._client is not None:
            return
        if self._key is not None:
            try:
                await self._key.get()
            except BackendUnavailable as error:
                _log.warning("Backend %s starts without its API key: %s", self._info.name, error.message)
        from ._openai_client import ChatClient

        self._client = ChatClient(
            self._config.base_url,
            connections=self._config.max_concurrency,
            official=self._config.official,
            http_client=self._http_client,
        )

    async def close(self) -> None:
        """Closes all connections, which raises BackendUnavailable at the readers of open streams."""
        client, self._client = self._client, None
        for answer in tuple(self._answers):
            await answer.close()
        if client is not None:
            await client.close()
        if self._key is not None:
            await self._key.close()

    async def generate(self, request: BackendRequest) -> AsyncGenerator[BackendEvent]:
        """Streams one chat completion. Raises InvalidInput with reason BACKEND_REJECTED or PROMPT_TOO_LONG."""
        self._check(request)
        self._in_flight += 1
        answer = None
        try:
            answer = await self._ask(request)
            self._answers.add(answer)
            async with aclosing(self._events(answer, request)) as events:
                async for event in events:
                    yield event
        except BackendBusy as error:
            self._busy_until = self._clock() + (error.retry_after or 0.0)
            raise
        finally:
            self._in_flight -= 1
            if answer is not None:
                self._answers.discard(answer)
                await answer.close()

    def _check(self, request: BackendRequest) -> None:
        name = self._info.name
        if request.adapter:
            raise BackendFailed(f"Backend {name} has no adapters; name the model of one in `model` instead.")
        if request.prefix and request.json_schema is not None:
            raise BackendDeclined(f"Backend {name} cannot hold a schema behind a text that is begun; start over.")

    async def _ask(self, request: BackendRequest) -> "Answer":
        body = self._dialect.body(request)
        key = None if self._key is None else await self._key.get()
        answer = await self._send(body, key, request.headers)
        if isinstance(answer, AdwrightError) and answer.reason == "BACKEND_UNAUTHENTICATED":
            other = None if self._key is None or key is None else await self._key.refresh(rejected=key)
            if other != key:
                answer = await self._send(body, other, request.headers)
        if isinstance(answer, AdwrightError):
            raise answer
        return answer

    async def _send(
        self, body: Mapping[str, object], key: str | None, headers: Mapping[str, str]
    ) -> "Answer | AdwrightError":
        from ._openai_client import Refused, Unreachable

        if self._client is None:
            return BackendUnavailable(f"Backend {self._info.name} is not running; start it first.")
        try:
            return await self._client.chat(body, key=key, headers=headers)
        except Unreachable as error:
            return BackendUnavailable(f"Backend {self._info.name} cannot be reached ({error}); check `base_url`.")
        except Refused as refused:
            return error_of(self._info.name, refused.body, status=refused.status, headers=refused.headers)

    async def _events(self, answer: "Answer", request: BackendRequest) -> AsyncGenerator[BackendEvent]:
        from ._openai_client import Unreachable

        name = self._info.name
        if answer.content_type in _NO_STREAM:
            raise BackendFailed(f"Backend {name} answered with {answer.content_type}, not a stream; check `base_url`.")
        stream = ChatStream(name, prefix="" if self._dialect.prefill else request.prefix)
        while not stream.done:
            try:
                data = await answer.read(_COUNTS_SECONDS if stream.finished else None)
            except Unreachable as error:
                if stream.finished:
                    break
                raise BackendUnavailable(f"Backend {name} broke the connection off ({error}); try again.") from None
            if not data:
                break
            for chunk in stream.feed(data):
                yield chunk
        for event in stream.end():
            yield event
