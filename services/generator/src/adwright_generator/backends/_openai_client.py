"""The only module that touches the `openai` package, which takes half a second to import: import this one late.

The package makes the requests: authentication, headers, connections. Its reading of streams is left out, because a
pydantic object for every token costs more than everything else that is done with the token. Connections are those of
aiohttp, which the package supports: it hands out all that one read from the network brought in one piece, and closes
the socket at once when a response is closed before its end.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import aiohttp
import httpx2
import openai

__all__ = ["Answer", "ChatClient", "Refused", "Unreachable"]

_CONNECT_SECONDS = 2.0
_POOL_SECONDS = 4.0
"""For a free place in the pool, the name's lookup and the connection together."""
_OFFICIAL_KEEPALIVE = 30.0
_KEEPALIVE = 4.0
"""Servers on uvicorn, as vLLM and SGLang are, drop idle connections after 5 seconds: be first, or a request is lost."""

_DROPS = (ConnectionResetError, BrokenPipeError, aiohttp.ServerDisconnectedError)
_BROKEN = (openai.APIConnectionError, httpx2.HTTPError, httpx2.StreamError, aiohttp.ClientError, OSError)


class Unreachable(Exception):
    """There is no connection, or none any more. The message is a word for what happened."""


class _Dropped(Unreachable):
    """The connection was there and ended before any answer."""


class Refused(Exception):
    """The server answered with a status that is no success."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        super().__init__(status)
        self.status = status
        self.headers = headers
        self.body = body


class Answer:
    """A response whose body is still to be read."""

    def __init__(self, response: httpx2.Response) -> None:
        self._response = response
        self._parts = response.aiter_bytes()

    @property
    def content_type(self) -> str:
        """Of the body, without parameters, in lower case."""
        return self._response.headers.get("content-type", "").partition(";")[0].strip().lower()

    async def read(self, seconds: float | None = None) -> bytes:
        """What has come; empty at the end, or when nothing came for so many seconds. Raises Unreachable."""
        try:
            async with asyncio.timeout(seconds):
                return await anext(self._parts, b"")
        except TimeoutError:
            return b""
        except _BROKEN as error:
            raise Unreachable(_cause(error)) from error

    async def close(self) -> None:
        """Closes the connection, unless the body was read to its end. A pending `read` raises Unreachable."""
        try:
            await self._response.aclose()
        except _BROKEN:
            return


class ChatClient:
    """Connections to one server."""

    def __init__(
        self, base_url: str, *, connections: int, official: bool, http_client: httpx2.AsyncClient | None = None
    ) -> None:
        """`official` servers get the organization and project from OPENAI_ORG_ID and OPENAI_PROJECT_ID."""
        timeout = httpx2.Timeout(None, connect=_CONNECT_SECONDS, pool=_POOL_SECONDS)
        self._owned = None
        self._closed = False
        if http_client is None:
            # Without redirects: a prompt goes where the configuration says, and nowhere else.
            http_client = self._owned = openai.DefaultAioHttpClient(
                timeout=timeout,
                follow_redirects=False,
                limits=httpx2.Limits(
                    max_connections=connections,
                    max_keepalive_connections=connections,
                    keepalive_expiry=_OFFICIAL_KEEPALIVE if official else _KEEPALIVE,
                ),
            )
        self._client = openai.AsyncOpenAI(
            api_key="given with each request",
            base_url=base_url,
            http_client=http_client,
            timeout=timeout,
            max_retries=0,
        )
        if not official:
            self._client.organization = self._client.project = None

    async def chat(self, body: Mapping[str, Any], *, key: str | None, headers: Mapping[str, str]) -> Answer:
        """Starts a streamed chat completion. Raises Refused and Unreachable.

        A connection that was kept may be closed by the server, llama.cpp's does so after each answer without a word,
        in the moment in which it is used again. The request then goes out once more, on another one.
        """
        authorization = openai.Omit() if key is None else f"Bearer {key}"
        options: openai.RequestOptions = {"headers": {**headers, "Authorization": authorization}}
        try:
            return await self._post(body, options)
        except _Dropped:
            if self._closed:
                raise
            return await self._post(body, options)

    async def _post(self, body: Mapping[str, Any], options: openai.RequestOptions) -> Answer:
        try:
            response = await self._client.post(
                "/chat/completions",
                body=body,
                options=options,
                cast_to=httpx2.Response,
                stream=True,
                stream_cls=openai.AsyncStream[Any],
            )
        except RuntimeError as error:
            if not self._closed:
                raise
            raise Unreachable("closed") from error
        except openai.APIStatusError as error:
            refused = Refused(error.status_code, error.response.headers, error.response.content)
        except _BROKEN as error:
            kind = _Dropped if isinstance(_bottom(error), _DROPS) else Unreachable
            raise kind(_cause(error)) from error
        else:
            # With this `cast_to` it is the response itself, whatever the types say.
            return Answer(cast(httpx2.Response, response))
        # Outside of the handler, so that the package's error, which quotes the server, is in no traceback.
        raise refused

    async def close(self) -> None:
        """Closes all connections, unless they are somebody else's."""
        self._closed = True
        if self._owned is not None:
            await self._owned.aclose()


def _bottom(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _cause(error: BaseException) -> str:
    """The name of what happened below: the types on top of it tell less."""
    return type(_bottom(error)).__name__
