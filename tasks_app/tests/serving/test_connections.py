"""What `serve` and `runserver` do with clients that send too much, too slowly, or nothing that can be read."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import websockets
from uvicorn import Config
from uvicorn.server import ServerState

from tasks_app.serving import connections
from tasks_app.serving.connections import BoundedHttp
from tasks_app.serving.inbox import MAX_MESSAGE
from tasks_app.serving.socket_connections import BoundedWebSocket
from tasks_app.tests.processes import started

HEAD = b"POST /api/v2/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


async def hello(scope, receive, send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"hi"})


async def listening(application) -> tuple[asyncio.Server, int]:
    """BoundedHttp in front of an application, on a free port."""
    config = Config(application, lifespan="off", log_config=None, ws=BoundedWebSocket)
    config.load()
    server = await asyncio.get_running_loop().create_server(
        lambda: BoundedHttp(config=config, server_state=ServerState(), app_state={}), "127.0.0.1", 0
    )
    port: int = server.sockets[0].getsockname()[1]
    return server, port


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(connections, "STALLED_SECONDS", 0.3)


@pytest.fixture
def quite_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long enough for who is served in the end, on a machine that has other things to do."""
    monkeypatch.setattr(connections, "HEAD_SECONDS", 1.5)
    monkeypatch.setattr(connections, "STALLED_SECONDS", 1.5)


async def drip(writer: asyncio.StreamWriter, piece: bytes) -> None:
    """Send a piece now and then, until the other side is gone."""
    while not writer.is_closing():
        writer.write(piece)
        await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("begin", "piece"),
    [(b"", b""), (b"GET / HTTP/1.1\r\n", b"X: a\r\n"), (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\r\n"), (b"GET / HTTP/1.1\r\n\r\nG", b"E")],
)
async def test_a_head_that_does_not_come_or_comes_in_drips_is_not_waited_for(quick, begin, piece):
    server, port = await listening(hello)
    async with server:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(begin)
        dripping = asyncio.create_task(drip(writer, piece))
        try:
            async with asyncio.timeout(60):
                await reader.read()
        except ConnectionResetError:
            pass
        dripping.cancel()
        writer.close()


async def test_a_head_that_is_whole_in_time_may_have_an_answer_that_takes_longer(quite_quick):
    async def slow(scope, receive, send) -> None:
        await asyncio.sleep(1.8)
        await hello(scope, receive, send)

    server, port = await listening(slow)
    async with server, httpx.AsyncClient() as client:
        assert (await client.get(f"http://127.0.0.1:{port}/")).text == "hi"


@pytest.mark.parametrize("piece", [b"a" * 8000, b"\r\nX: " + b"a" * 8000])
async def test_a_head_of_any_size_is_refused_past_its_limit(piece):
    server, port = await listening(hello)
    async with server:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nX: a")
        for _ in range(9):
            writer.write(piece)
            await asyncio.sleep(0.01)
        answer = await reader.readuntil(b"\r\n")
        writer.close()
    assert answer == b"HTTP/1.1 431 Request Header Fields Too Large\r\n"


async def test_many_requests_in_one_piece_are_all_answered():
    server, port = await listening(hello)
    async with server:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 5000 + b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
        async with asyncio.timeout(120):
            answered = await reader.read()
        writer.close()
    assert answered.count(b"HTTP/1.1 200 OK") == 5001


async def test_a_reader_that_takes_nothing_is_let_go(quick):
    let_go = asyncio.Event()

    async def much(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(1000):  # more than the sockets of both sides hold: it ends only when nobody is waited for
            await send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True})
        let_go.set()

    server, port = await listening(much)
    async with server:
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            async with asyncio.timeout(60):
                await let_go.wait()


async def test_a_reader_that_goes_on_reading_slowly_gets_everything(quite_quick):
    async def some(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"16000000")]})
        await send({"type": "http.response.body", "body": b"x" * 16_000_000})

    server, port = await listening(some)
    async with server:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1_000_000)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        for _ in range(16):
            await reader.readexactly(1_000_000)
            await asyncio.sleep(0.12)
        writer.close()


async def test_what_is_no_http_is_refused_as_a_problem(served):
    reader, writer = await asyncio.open_connection("127.0.0.1", int(served.rpartition(":")[2]))
    writer.write(b"\x16\x03\x01 hello\r\n\r\n")
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in head
    assert json.loads(body)["code"] == "bad_request"


async def test_a_handshake_that_is_no_get_is_answered(served):
    reader, writer = await asyncio.open_connection("127.0.0.1", int(served.rpartition(":")[2]))
    writer.write(
        b"POST /live/tasks HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nContent-Length: 0\r\n\r\n"
    )
    async with asyncio.timeout(60):
        assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 404 ")
    writer.close()


class Unread(asyncio.Transport):
    """A transport whose reader takes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    def write(self, data: Any) -> None:
        self.written += data


async def test_pings_of_a_client_that_reads_nothing_are_not_answered_into_memory():
    config = Config(hello, lifespan="off", log_config=None)
    config.load()
    protocol = BoundedWebSocket(config=config, server_state=ServerState(), app_state={})
    protocol.transport = Unread()
    ping = websockets.frames.Frame(websockets.frames.Opcode.PING, b"x" * 100)
    for _ in range(2):
        protocol.conn.recv_frame(ping)
        protocol.handle_ping()
        protocol.pause_writing()
    assert len(protocol.transport.written) == 102


@pytest.fixture(scope="module")
def developing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real `manage.py runserver`."""
    output: Path = tmp_path_factory.mktemp("developing") / "output"
    with started(output, "manage.py", "runserver", "--noreload", "0") as process:
        process.wait_until(lambda: "Listening on TCP address" in process.said)
        yield "http://" + process.said.split("Listening on TCP address ")[1].split()[0]
        assert "Traceback" not in process.said
        assert process.stop() == 0


@pytest.fixture(params=["serve", "runserver"])
def either(request: pytest.FixtureRequest) -> str:
    address: str = request.getfixturevalue("served" if request.param == "serve" else "developing")
    return address


async def say_and_listen(client: websockets.ClientConnection, said: list[str | bytes]) -> None:
    for message in said:
        await client.send(message)
    while True:
        await client.recv()


@pytest.mark.parametrize(("said", "code"), [([b"\0"], 1003), (["}{"] * 3, 1008), (['{"ack":1}'] * 300, 1008)])
async def test_a_socket_that_is_misused_is_closed_with_a_code_that_says_why(either, said, code):
    async with websockets.connect(either.replace("http", "ws") + "/live/tasks", origin=either) as client:
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await say_and_listen(client, said)
    assert closed.value.rcvd
    assert closed.value.rcvd.code == code


async def test_a_page_of_many_long_names_is_shown_by_a_socket(either):
    task = {"type": "count", "name": "n" * 200, "run_at": "2900-01-01T00:00:00Z"}
    async with httpx.AsyncClient(base_url=f"{either}/api/v2") as api:
        ids = (await api.post("/tasks/bulk", json={"tasks": [task] * 100})).json()["ids"]
        async with websockets.connect(either.replace("http", "ws") + "/live/tasks", origin=either) as client:
            while len(await client.recv()) <= MAX_MESSAGE:  # more than a browser may say at a time
                pass
        (await api.post("/actions", json={"action": "delete", "ids": ids})).raise_for_status()


@pytest.mark.parametrize(
    "origin", ["http://[evil", "null", "http://localhost:1", "https://{host}", "http://{host}.evil.example", "http://x@{host}"]
)
async def test_a_socket_from_another_origin_is_refused(either, origin):
    with pytest.raises(websockets.InvalidStatus) as refused:
        await websockets.connect(
            either.replace("http", "ws") + "/live/tasks", origin=websockets.Origin(origin.format(host=either.removeprefix("http://")))
        )
    assert refused.value.response.status_code in (400, 403)


def test_neither_server_says_what_it_is(either):
    assert "server" not in httpx.get(f"{either}/healthz").headers


def test_a_body_of_any_size_in_chunks_is_refused_and_not_stored(either):
    def chunks() -> Iterator[bytes]:
        for _ in range(40):
            yield b"x" * 1_048_576

    try:
        answer = httpx.post(f"{either}/api/v2/tasks", content=chunks(), headers={"Content-Type": "application/json"}, timeout=60)
    except httpx.WriteError:  # `serve` does not read on for ever
        return
    assert answer.status_code == 413
    assert answer.json()["code"] == "body_too_large"


def test_streams_that_nobody_reads_need_no_memory(either):
    process = server_at(either)
    readers = [unread_stream(either) for _ in range(10)]
    ids = httpx.post(
        f"{either}/api/v2/tasks/bulk",
        json={"tasks": [{"type": "count", "params": {"to": 200, "interval": 0.05}, "name": "n" * 200} for _ in range(300)]},
    ).json()["ids"]
    before = process.memory_info().rss
    while httpx.get(f"{either}/api/v2/tasks/{ids[-1]}").json()["status"] != "completed":
        time.sleep(0.1)
    grown = process.memory_info().rss - before
    for reader in readers:
        reader.close()
    assert grown < 30_000_000


def unread_stream(address: str) -> socket.socket:
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    client.connect(("127.0.0.1", int(address.rpartition(":")[2])))
    client.sendall(b"GET /api/v2/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return client


def server_at(address: str) -> psutil.Process:
    """The process that listens there."""
    port = int(address.rpartition(":")[2])
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):  # of another test, which ends just now
            if any(found.laddr.port == port for found in child.net_connections("tcp")):
                return child
    raise LookupError(address)
