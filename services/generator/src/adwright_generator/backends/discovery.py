"""Finds the replicas behind the URLs of a backend."""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from .errors import BackendUnavailable

__all__ = ["Endpoint", "Resolve", "discover"]

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Gives the IP addresses of a host name and port; raises OSError when there are none."""

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One replica."""

    url: str
    """As configured: its host name is what TLS and the Host header speak of."""
    address: str
    """IP address."""
    port: int

    @property
    def name(self) -> str:
        """`10.1.2.3:80`, or `[fd00::1]:80`."""
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


async def _getaddrinfo(host: str, port: int) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for *_, sockaddr in found]


async def discover(urls: Sequence[str], *, resolve: Resolve = _getaddrinfo, timeout: float = 5.0) -> list[Endpoint]:
    """An endpoint for each address of each URL, in the order of the URLs, then of the addresses.

    `timeout` is in seconds, for each name. A name that does not resolve does not harm the others; raises
    BackendUnavailable when none does. Two URLs with the same address stay two endpoints: behind one proxy they are
    different servers.
    """
    distinct = list(dict.fromkeys(urls))
    found = await asyncio.gather(*(_endpoints(url, resolve, timeout) for url in distinct))
    endpoints = [endpoint for of_one in found for endpoint in of_one]
    if not endpoints:
        names = ", ".join(sorted({urlsplit(url).hostname or url for url in distinct})) or "none"
        raise BackendUnavailable(f"No address found for the host names of the backend ({names}); check them and DNS.")
    return endpoints


async def _endpoints(url: str, resolve: Resolve, timeout: float) -> list[Endpoint]:
    parts = urlsplit(url)
    port = parts.port or _PORTS.get(parts.scheme, 80)
    try:
        async with asyncio.timeout(timeout):
            addresses = await resolve(parts.hostname or "", port)
    except (
        OSError,
        UnicodeError,
    ):  # OSError has TimeoutError and gaierror beneath it; UnicodeError is a bad IDNA name.
        return []
    return [Endpoint(url, address, port) for address in sorted(set(addresses), key=_order)]


def _order(address: str) -> tuple[int, int | str]:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return 9, address
    return parsed.version, int(parsed)
