"""Who may call the server, and what: everything needs the key, but for the look whether it is up.

vLLM's own `--api-key` leaves paths such as /invocations, /tokenize and /pause open (its security guide: "Do not rely
exclusively on --api-key"), and the address of a Modal function is public. vLLM puts this in front by
`--middleware=guard.Guard`. Pure ASGI, so that streams pass through untouched.
"""

import hmac
import json
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

__all__ = ["Guard"]

Message = MutableMapping[str, Any]
App = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]

_OPEN = frozenset({"/health"})
_SERVED = frozenset({"/v1/chat/completions", "/v1/completions", "/v1/models", "/metrics"})


class Guard:
    """Wraps the server. Raises KeyError where there is no key, so that nothing is ever served without one."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._keys = [key.strip().encode() for key in os.environ["ADWRIGHT_MODAL_API_KEY"].split(",") if key.strip()]
        if not self._keys:
            raise KeyError("ADWRIGHT_MODAL_API_KEY is empty: put the key into the secret adwright-modal")

    async def __call__(
        self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        """Lets a request through, or answers it with 401 or 404 as OpenAI does."""
        if scope["type"] == "lifespan" or (scope["type"] == "http" and scope["path"] in _OPEN):
            await self._app(scope, receive, send)
        elif scope["type"] == "http" and not self._shown(scope["headers"]):
            await _refuse(send, 401, "the API key is missing or wrong: send it as 'authorization: Bearer KEY'")
        elif scope["type"] == "http" and scope["path"] in _SERVED:
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await _refuse(send, 404, f"{scope['path']} is not served here")
        # Nothing else, such as a websocket, gets in; the server closes it without an answer.

    def _shown(self, headers: list[tuple[bytes, bytes]]) -> bool:
        shown = [value for name, value in headers if name.lower() == b"authorization"]
        if len(shown) != 1:
            return False
        scheme, _, key = shown[0].partition(b" ")
        return scheme.lower() == b"bearer" and any(hmac.compare_digest(key, one) for one in self._keys)


async def _refuse(send: Callable[[Message], Awaitable[None]], status: int, message: str) -> None:
    kind = "authentication_error" if status == 401 else "invalid_request_error"
    body = json.dumps({"error": {"message": message, "type": kind, "code": status}}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
