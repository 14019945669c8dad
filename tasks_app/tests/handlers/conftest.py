"""Real servers on loopback: TCP listeners of every temper, web servers that misbehave, a name server."""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import ClassVar, NamedTuple

import aiohttp
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tasks_app.handlers import _egress, _lookups, download
from tasks_app.tests.closing import close
from tasks_app.tests.handlers.names import NameServer

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Serve = Callable[..., Awaitable[int]]
Serving = Callable[[web.RouteTableDef], Awaitable[str]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts TCP servers with a handler of the test's own; gives their ports. Nothing of them outlives the test."""
    servers: list[asyncio.Server] = []
    serving: set[asyncio.Task[None]] = set()

    async def start(handler: Handler, tls: ssl.SSLContext | None = None) -> int:
        async def handled(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await handler(reader, writer)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(handled(reader, writer))
            serving.add(task)
            task.add_done_callback(serving.discard)

        servers.append(await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls))
        return int(servers[-1].sockets[0].getsockname()[1])

    yield start
    for server in servers:
        await close(server)
    while accepting := [task for task in asyncio.all_tasks() if "_accept_connection" in repr(task.get_coro())]:
        await asyncio.wait(accepting)  # a client may have come and gone before its connection was made here
    for task in serving:
        task.cancel()
    await asyncio.gather(*serving, return_exceptions=True)


class Listener:
    """A TCP server that takes every connection, and what it saw."""

    def __init__(self) -> None:
        self.port = 0
        self.accepted = 0
        self.resets = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Wait until the other side hangs up."""
        self.accepted += 1
        try:
            await reader.read()
        except ConnectionResetError:
            self.resets += 1


@pytest.fixture
async def listener(serve: Serve) -> Listener:
    """A TCP server that takes every connection."""
    listener = Listener()
    listener.port = await serve(listener.handle)
    return listener


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that refuses: it is bound, so nobody else can have it, and nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.fixture
def black_hole() -> Iterator[int]:
    """A port that never answers: its backlog is full, so that the kernel drops what comes."""
    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        address = listening.getsockname()
        for _ in range(16):
            dialled = stack.enter_context(socket.socket())
            dialled.setblocking(False)
            dialled.connect_ex(address)
            if not select.select([], [dialled], [], 0.2)[1]:
                break
        else:
            pytest.fail("the backlog does not fill")
        yield address[1]


@pytest.fixture
async def site() -> AsyncIterator[Serving]:
    """Starts web servers with routes of the test's own; gives their root URLs."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(routes: web.RouteTableDef) -> str:
            app = web.Application()
            app.add_routes(routes)
            runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            tcp = web.TCPSite(runner, "127.0.0.1", 0)
            await tcp.start()
            return f"http://127.0.0.1:{runner.addresses[0][1]}"

        yield start


@pytest.fixture
async def name_server(serve: Serve) -> AsyncIterator[NameServer]:
    """A real DNS server with a small zone."""
    server = NameServer()
    await server.start(serve)
    yield server
    server.close()


@pytest.fixture
def names(name_server: NameServer, monkeypatch: pytest.MonkeyPatch) -> NameServer:
    """All lookups but those of `dns_lookup` ask this name server."""
    monkeypatch.setattr(_lookups, "AsyncResolver", partial(aiohttp.AsyncResolver, nameservers=[name_server.address]))
    return name_server


@pytest.fixture
def own_door(monkeypatch: pytest.MonkeyPatch) -> _egress.Door:
    """The door as a process finds it that was told nothing yet; for this test only."""
    fresh = _egress.Door()
    monkeypatch.setattr(_egress, "door", fresh)
    return fresh


@pytest.fixture
def public(own_door: _egress.Door) -> _egress.Door:
    """The same, where tasks may dial public targets."""
    own_door.configure("public")
    return own_door


@pytest.fixture
def dialled() -> list[str]:
    """The addresses that this process dials from here on, each as host:port."""
    _Dials.told.clear()
    return _Dials.told


class _Dials:
    """What Python's audit tells of sockets. A hook cannot be taken away again, so there is one for all tests."""

    told: ClassVar[list[str]] = []

    @classmethod
    def hear(cls, event: str, given: tuple[object, ...]) -> None:
        if event == "socket.connect" and isinstance(given[1], tuple):
            cls.told.append(f"{given[1][0]}:{given[1][1]}")


sys.addaudithook(_Dials.hear)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that downloads go to; it does not exist yet."""
    path = tmp_path / "files"
    monkeypatch.setattr(download.Folder, "path", None)
    download.configure(path)
    return path


class Signed(NamedTuple):
    """What a server needs to speak TLS, and the file with its certificate."""

    context: ssl.SSLContext
    file: Path


@pytest.fixture(scope="session")
def self_signed(tmp_path_factory: pytest.TempPathFactory) -> Signed:
    """TLS for `localhost` with a certificate that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    certificate = builder.sign(key, hashes.SHA256())
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + private)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    return Signed(context, path)
