"""A small world on loopback for tasks to talk to: web server, TCP listener, name server, and a port where nobody listens."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple, cast

from aiohttp import web

HOST = "127.0.0.1"
FILES = {"city-2026-11.mmdb.gz": 48_000_000, "netinst-arm64.iso": 96_000_000, "changelog.txt.gz": 6_000_000}  # bytes
PIECE = 65_536


class World(NamedTuple):
    """Ports, all on loopback."""

    web: int
    listener: int
    names: int
    nobody: int


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    """The servers, until the block is left."""
    loop = asyncio.get_running_loop()
    runner = web.AppRunner(_site(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, HOST, 0)
    await site.start()
    listener = await asyncio.start_server(_greet, HOST, 0)
    names, _ = await loop.create_datagram_endpoint(Names, (HOST, 0))
    with socket.socket() as nobody:
        nobody.bind((HOST, 0))  # bound and not listening: whoever dials is refused
        try:
            yield World(runner.addresses[0][1], _port(listener.sockets[0]), names.get_extra_info("sockname")[1], _port(nobody))
        finally:
            names.close()
            listener.close()
            await runner.cleanup()


def _site() -> web.Application:
    site = web.Application()
    site.add_routes(
        [
            web.get("/health", _health),
            web.get("/reports", _slow),
            web.get("/checkout", _flaky),
            web.get("/files/{name}", _file),
        ]
    )
    return site


async def _health(request: web.Request) -> web.Response:
    await asyncio.sleep(random.uniform(0.005, 0.09))
    return web.Response(text="ok")


async def _slow(request: web.Request) -> web.Response:
    await asyncio.sleep(random.uniform(0.6, 3.5))
    return web.Response(text="a long report")


async def _flaky(request: web.Request) -> web.Response:
    await asyncio.sleep(random.uniform(0.02, 0.2))
    return web.Response(status=random.choices((200, 503), (9, 1))[0])


async def _file(request: web.Request) -> web.StreamResponse:
    size = FILES.get(request.match_info["name"])
    if size is None:
        raise web.HTTPNotFound
    response = web.StreamResponse(headers={"Content-Length": str(size)})
    await response.prepare(request)
    pace = random.uniform(1.5e6, 4e6)  # bytes a second
    with suppress(ConnectionError):  # a download that is cancelled hangs up
        for begin in range(0, size, PIECE):
            await response.write(bytes(min(PIECE, size - begin)))
            await asyncio.sleep(PIECE / pace)
    return response


async def _greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


class Names(asyncio.DatagramProtocol):
    """Answers every question of one name with an address of the documentation range (RFC 1035, section 4)."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is open."""
        self._transport = cast(asyncio.DatagramTransport, transport)  # it is none by its class, only by what it does

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """A question: its header and name come back, with one A record."""
        end = data.find(b"\0", 12) + 5  # the name ends in a zero byte; type and class follow
        if 17 <= end <= len(data):
            header = data[:2] + struct.pack(">5H", 0x8180, 1, 1, 0, 0)
            record = struct.pack(">3HIH4B", 0xC00C, 1, 1, 300, 4, 192, 0, 2, random.randrange(1, 255))
            self._transport.sendto(header + data[12:end] + record, addr)


def _port(sock: socket.socket) -> int:
    port: int = sock.getsockname()[1]
    return port
