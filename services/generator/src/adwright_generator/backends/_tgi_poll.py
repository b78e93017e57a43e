"""Asks a text-generation-inference server how it is, again and again."""

import asyncio
import logging
from collections.abc import Callable

import aiohttp
import msgspec

from ._tgi_http import read_some
from ._tgi_load import LoadTracker, parse_metrics

__all__ = ["LoadPoll", "ServerInfo"]

_log = logging.getLogger(__name__)

_TIMEOUT = aiohttp.ClientTimeout(total=1.0)
_MOST_BYTES = 1024 * 1024


class ServerInfo(msgspec.Struct, frozen=True):
    """The part of `/info` that counts here. Source: router/src/lib.rs, Info."""

    model_id: str = ""
    max_concurrent_requests: int | None = None
    max_stop_sequences: int | None = None


_decoder = msgspec.json.Decoder(ServerInfo)


class LoadPoll:
    """Keeps a LoadTracker and what `/info` says up to date."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        tracker: LoadTracker,
        *,
        name: str,
        model: str,
        in_flight: Callable[[], int],
    ) -> None:
        """`name` is that of the backend and endpoint, for the log; `model` what is expected to be served."""
        self._session = session
        self._url = url
        self._tracker = tracker
        self._name = name
        self._model = model
        self._in_flight = in_flight
        self._asked = False
        self._warned = False
        self.info = ServerInfo()

    async def forever(self, interval: float) -> None:
        """Polls every `interval` seconds until it is cancelled."""
        while True:
            await asyncio.sleep(interval)
            try:
                await self.once()
            except Exception:  # Without this the load would stay as it is now for ever.
                _log.exception("the load of backend %s cannot be polled", self._name)

    async def once(self) -> None:
        """One look, of at most a second; and one at `/info` when the server is new or has come back."""
        in_flight = self._in_flight()
        try:
            status, body = await self._get("/metrics")
        except TimeoutError:
            self._tracker.timed_out()
        except aiohttp.ClientPayloadError:
            self._tracker.answered(None, in_flight)
        except (aiohttp.ClientError, OSError):
            self._tracker.failed()
        else:
            self._tracker.answered(parse_metrics(body.decode(errors="replace")) if status == 200 else None, in_flight)
        if not self._tracker.reachable:
            self._asked = False
        elif not self._asked:
            await self._ask()

    async def _ask(self) -> None:
        try:
            status, body = await self._get("/info")
        except (aiohttp.ClientError, OSError):  # TimeoutError is an OSError. Asked again with the next poll.
            return
        if status >= 500:
            return
        self._asked = True
        if status != 200:
            return
        try:
            self.info = _decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return
        if self.info.model_id not in ("", self._model) and not self._warned:
            self._warned = True
            # The same weights may have been given as a path, so it goes on.
            _log.warning(
                "backend %s is configured with the model %s, but its server has %s",
                self._name,
                self._model,
                self.info.model_id[:200],
            )

    async def _get(self, path: str) -> tuple[int, bytes]:
        async with self._session.get(self._url + path, timeout=_TIMEOUT, allow_redirects=False) as response:
            return response.status, await read_some(response, _MOST_BYTES)
