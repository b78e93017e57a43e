"""The names of headless Services, answered on loopback as a cluster's DNS answers them."""

import asyncio
import ipaddress
import struct
from collections import Counter
from typing import Any, Self

__all__ = ["Names"]

_TTL = 5
"""Seconds, as CoreDNS' kubernetes plugin has it. gRPC does not look at it."""
_DOMAIN = "adwright.svc"
# RFC 1035: header, question, resource record.
_HEADER = struct.Struct("!6H")
_AN_ANSWER, _NO_SUCH_NAME = 0x8580, 0x8583
_ADDRESS, _INTERNET = 1, 1
_NAME_OF_THE_QUESTION = 0xC00C


class Names(dict[str, list[str]]):
    """By Service: the addresses of its ready replicas. An async context manager that answers while it is entered."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: Counter[str] = Counter()
        """How often a name was looked up, by Service."""
        self._transport: asyncio.DatagramTransport | None = None

    def target(self, service: str, port: int) -> str:
        """The gRPC target of a Service: in a cluster `dns:///SERVICE:PORT`, here with this server as authority."""
        assert self._transport is not None
        host, at = self._transport.get_extra_info("sockname")
        return f"dns://{host}:{at}/{service}.{_DOMAIN}:{port}"

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: _Answering(self), ("127.0.0.1", 0))
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._transport is not None
        self._transport.close()

    def answer(self, query: bytes) -> bytes:
        """The answer to a question, both as they are on the wire."""
        labels, at = [], _HEADER.size
        while length := query[at]:
            labels.append(query[at + 1 : at + 1 + length].decode())
            at += 1 + length
        end = at + 5
        (kind,) = struct.unpack_from("!H", query, at + 1)
        service = ".".join(labels).lower().removesuffix(f".{_DOMAIN}")
        addresses = self.get(service, []) if kind == _ADDRESS else []
        self.asked[service] += kind == _ADDRESS
        says = _AN_ANSWER if service in self else _NO_SUCH_NAME
        header = _HEADER.pack(int.from_bytes(query[:2]), says, 1, len(addresses), 0, 0)
        records = [
            struct.pack("!3HIH", _NAME_OF_THE_QUESTION, _ADDRESS, _INTERNET, _TTL, 4)
            + ipaddress.IPv4Address(address).packed
            for address in addresses
        ]
        return header + query[_HEADER.size : end] + b"".join(records)


class _Answering(asyncio.DatagramProtocol):
    def __init__(self, names: Names) -> None:
        self._names = names
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._transport.sendto(self._names.answer(data), addr)
