"""The names of headless Services, answered on loopback as a cluster's DNS answers them."""

import asyncio
from collections import Counter
from typing import Any, Self

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

__all__ = ["Names"]

_TTL = 5
"""Seconds, as CoreDNS' kubernetes plugin has it. gRPC does not look at it."""
_DOMAIN = "adwright.svc"


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
        asked = dns.message.from_wire(query)
        answer = dns.message.make_response(asked)
        answer.flags |= dns.flags.AA | dns.flags.RA
        [question] = asked.question
        service = question.name.to_text(omit_final_dot=True).removesuffix(f".{_DOMAIN}")
        if service not in self:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif question.rdtype is dns.rdatatype.A:
            self.asked[service] += 1
            if self[service]:
                answer.answer.append(dns.rrset.from_text_list(question.name, _TTL, "IN", "A", self[service]))
        return answer.to_wire()


class _Answering(asyncio.DatagramProtocol):
    def __init__(self, names: Names) -> None:
        self._names = names
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._transport.sendto(self._names.answer(data), addr)
