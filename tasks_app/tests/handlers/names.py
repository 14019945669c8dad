"""A small but real DNS server for the tests, on UDP and TCP."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Awaitable, Callable

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

_ZONE = """
web.test. 300 A 192.0.2.7
web.test. 60 A 192.0.2.8
web.test. 300 AAAA 2001:db8::7
web.test. 600 MX 10 mail.test.
web.test. 600 NS ns1.test.
web.test. 600 TXT "v=spf1 -all" " and more"
web.test. 900 SOA ns1.test. admin.test. 2026010101 3600 900 604800 300
www.test. 120 CNAME web.test.
_dmarc.web.test. 60 TXT "v=DMARC1"
7.2.0.192.in-addr.arpa. 60 PTR web.test.
7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. 60 PTR six.test.
here.test. 60 A 127.0.0.1
two.test. 60 A 127.0.0.1
two.test. 60 A 127.0.0.2
odd.test. 60 TXT "\\255\\000<script>"
"""


class NameServer:
    """Answers for its zone. `silent.test` and all below it are never answered, `broken.test` with SERVFAIL, `wide.test` over TCP only."""

    def __init__(self) -> None:
        self.port = 0
        self.asked: list[str] = []
        self._turns: dict[str, list[list[str]]] = {}
        self._answered: dict[tuple[tuple[str, int], bytes], bytes] = {}
        self._records = [line.split(maxsplit=3) for line in _ZONE.strip().splitlines()]
        self._records += [["wide.test.", "60", "TXT", f'"{number:03} {"x" * 200}"'] for number in range(250)]

    def tell(self, name: str, *answers: list[str]) -> None:
        """Answer for a name with these addresses, with no time to live: those of the first list when it is first asked for, and so on;
        the last list stays."""
        self._turns[f"{name}. A"] = [[text for text in answer if ":" not in text] for answer in answers]
        self._turns[f"{name}. AAAA"] = [[text for text in answer if ":" in text] for answer in answers]

    @property
    def address(self) -> str:
        """Where it listens, as ip:port."""
        return f"127.0.0.1:{self.port}"

    async def start(self, serve: Callable[..., Awaitable[int]]) -> None:
        """Listen on one port, for TCP with the given server and for UDP."""
        loop = asyncio.get_running_loop()
        while not self.port:
            port = await serve(self._serve)
            with contextlib.suppress(OSError):  # somebody has it for UDP: another one
                self._udp, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), local_addr=("127.0.0.1", port))
                self.port = port

    def close(self) -> None:
        """Stop listening."""
        self._udp.close()

    def answer_again(self, packet: bytes, address: tuple[str, int]) -> bytes | None:
        """The answer to a datagram. One that comes again, as its sender had no patience with a busy machine, is no other question."""
        wire = self._answered.get((address, packet)) or self.answer(packet, room=1232)
        if wire is not None:
            self._answered[address, packet] = wire
        return wire

    def answer(self, packet: bytes, *, room: int) -> bytes | None:
        """The answer to a question, cut where it does not fit."""
        question = dns.message.from_wire(packet)
        name, kind = question.question[0].name, question.question[0].rdtype
        self.asked.append(f"{name} {dns.rdatatype.to_text(kind)}")
        if name.is_subdomain(dns.name.from_text("silent.test")):
            return None
        response = dns.message.make_response(question, recursion_available=True)
        if name == dns.name.from_text("broken.test"):
            response.set_rcode(dns.rcode.SERVFAIL)
        else:
            self._fill(response, name.to_text().lower(), dns.rdatatype.to_text(kind))
        wire = response.to_wire(max_size=65_535)
        if len(wire) > room:
            response.answer.clear()
            response.flags |= dns.flags.TC
            wire = response.to_wire()
        return wire

    def _fill(self, response: dns.message.Message, name: str, kind: str) -> None:
        if turns := self._turns.get(f"{name} {kind}"):
            values = turns.pop(0) if len(turns) > 1 else turns[0]
            response.answer += [dns.rrset.from_text(name, 0, "IN", kind, value) for value in values]
            return
        known = [record for record in self._records if record[0] == name]
        if not known:
            response.set_rcode(dns.rcode.NXDOMAIN)
        for owner, ttl, type_, value in known:
            if type_ in (kind, "CNAME"):
                response.answer.append(dns.rrset.from_text(owner, int(ttl), "IN", type_, value))
            if type_ == "CNAME" != kind:
                self._fill(response, value, kind)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = struct.unpack("!H", await reader.readexactly(2))[0]
        wire = self.answer(await reader.readexactly(length), room=65_535)
        if wire is not None:
            writer.write(struct.pack("!H", len(wire)) + wire)
        await reader.read()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: NameServer) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        wire = self._server.answer_again(data, addr)
        if wire is not None:
            self._transport.sendto(wire, addr)
