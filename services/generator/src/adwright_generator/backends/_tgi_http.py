"""The HTTP connections of one replica."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from .discovery import Endpoint
from .errors import BackendFailed, BackendUnavailable

__all__ = ["connection_errors", "open_session", "read_some"]

_CONNECT_TIMEOUT = 2.0
# aiohttp stops reading from the socket at twice this.
_READ_BYTES = 64 * 1024


def open_session(endpoint: Endpoint) -> aiohttp.ClientSession:
    """A session that connects to the endpoint's address alone, within 2 seconds and without an end in time."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            resolver=_Pinned(endpoint),
            use_dns_cache=False,
            limit=0,
            # A connection that the server closed while it was idle would look like a failed request.
            force_close=True,
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"Accept-Encoding": "identity"},
        auto_decompress=False,
        # The second one is for the TCP handshake, the first for that of TLS too.
        timeout=aiohttp.ClientTimeout(connect=2 * _CONNECT_TIMEOUT, sock_connect=_CONNECT_TIMEOUT),
        read_bufsize=_READ_BYTES,
    )


async def read_some(response: aiohttp.ClientResponse, most_bytes: int) -> bytes:
    """The body, or about its first `most_bytes`."""
    data = bytearray()
    while len(data) < most_bytes and (more := await response.content.readany()):
        data += more
    return bytes(data)


@contextmanager
def connection_errors(backend: str) -> Iterator[None]:
    """Errors of the connection as ours. Without their causes: aiohttp's may quote what was received."""
    try:
        yield
    except aiohttp.ClientResponseError as error:
        raise BackendFailed(f"Backend {backend} does not speak HTTP ({type(error).__name__}).") from None
    except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError.
        raise BackendUnavailable(
            f"Backend {backend} cannot be reached or closed the connection ({type(error).__name__})."
        ) from None


class _Pinned(AbstractResolver):
    """Finds nothing but the endpoint, whatever the name: TLS and Host keep that of the URL."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        address = self._endpoint.address
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=self._endpoint.port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    async def close(self) -> None:
        """Holds nothing."""
