"""What one client may do to a server over HTTP, on many connections at once. Each attack ends by itself; its answers are counted."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator

from soak.client import Client, until
from tasks_app.crowds import room_for

Attack = Callable[
    [int, int], Coroutine[None, None, Counter[str]]
]  # port and how many connections; the statuses of the answers, "closed" for none
HOST = b"Host: localhost\r\n"
GET = b"GET /api/v2/tasks HTTP/1.1\r\n" + HOST
POST = b"POST /api/v2/tasks HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
BULK = POST.replace(b"/tasks ", b"/tasks/bulk ")
PIECE = b"a" * 65_536
FAR = 60.0  # seconds; whatever takes longer has failed
BAD = (
    POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    POST + b"Content-Length: +5\r\n\r\nabcde",
    POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
    b"FOO / HTTP/1.1\r\n" + HOST + b"\r\n",
    POST + b"Content-Length: 1\r\nConnection: close\r\n\r\n{",
)


async def silent(port: int, count: int) -> Counter[str]:
    """Connect, and say nothing."""
    return await _each(port, count, lambda writer: _drips(writer, b"", b""))


async def slow_heads(port: int, count: int) -> Counter[str]:
    """A byte of a head now and then."""
    return await _each(port, count, lambda writer: _drips(writer, b"GET / HTTP/1.1\r\n" + HOST + b"X: ", b"a"))


async def slow_bodies(port: int, count: int) -> Counter[str]:
    """A byte of a body now and then."""
    return await _each(port, count, lambda writer: _drips(writer, POST + b"Content-Length: 60000\r\n\r\n{", b" "))


async def huge_heads(port: int, count: int) -> Counter[str]:
    """A head of 20 MB."""
    return await _each(port, count, lambda writer: _pours(writer, GET + b"X: ", [PIECE] * 320))


async def huge_trailers(port: int, count: int) -> Counter[str]:
    """20 MB of lines behind a body."""
    lines = b"X: aaaaaaaaaa\r\n" * 4096
    return await _each(port, count, lambda writer: _pours(writer, POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", [lines] * 320))


async def huge_bodies(port: int, count: int) -> Counter[str]:
    """200 MB, half of them announced, half of them in chunks."""
    announced = POST + b"Content-Length: 200000000\r\n\r\n"
    chunked = POST + b"Transfer-Encoding: chunked\r\n\r\n"
    pieces = [b"10000\r\n" + PIECE + b"\r\n"] * 3052
    found = await asyncio.gather(
        _each(port, count - count // 2, lambda writer: _pours(writer, announced, [PIECE] * 3052)),
        _each(port, count // 2, lambda writer: _pours(writer, chunked, pieces)),
    )
    return sum(found, Counter())


async def many_values(port: int, count: int) -> Counter[str]:
    """16 MB of JSON, as many values as are looked at, and past that."""
    bodies = [b'{"tasks":[' + b'{"a":[0]},' * number + b"{}]}" for number in (60_000, 1_500_000)]
    whole = [BULK + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body for body in bodies]
    turns = iter(whole * count)
    return await _each(port, count, lambda writer: _pours(writer, b"", _cut(next(turns))))


async def bad_requests(port: int, count: int) -> Counter[str]:
    """Requests that nobody can read, or should, each on a connection of its own, 50 at a time."""
    turns = iter(BAD * (count // len(BAD) + 1))
    places = asyncio.Semaphore(50)

    async def one(said: bytes) -> Counter[str]:
        async with places:
            return await _each(port, 1, lambda writer: _pours(writer, said, []))

    return sum(await asyncio.gather(*(one(next(turns)) for _ in range(count))), Counter())


async def pipelined(port: int, count: int) -> Counter[str]:
    """A thousand requests at once on each connection; all answers are read."""
    asked = b"GET /healthz HTTP/1.1\r\n" + HOST

    async def one() -> Counter[str]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write((asked + b"\r\n") * 999 + asked + b"Connection: close\r\n\r\n")
        answers = await reader.read()
        writer.close()
        return Counter({"200": answers.count(b"HTTP/1.1 200 OK\r\n")})

    return sum(await asyncio.gather(*(one() for _ in range(count))), Counter())


async def slow_readers(port: int, count: int) -> Counter[str]:
    """Ask for a large file twenty times, and read nothing of it, for some seconds."""
    asked = (b"GET /static/vendor/swagger-ui/swagger-ui-bundle.js HTTP/1.1\r\n" + HOST + b"\r\n") * 20
    clients = [socket.socket() for _ in range(count)]
    for client in clients:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        client.setblocking(False)
        await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", port))
        await asyncio.get_running_loop().sock_sendall(client, asked)
    await asyncio.sleep(3)
    for client in clients:
        client.close()
    return Counter({"unread": count})


async def come_and_go(port: int, count: int) -> Counter[str]:
    """Connect and hang up, as fast as it goes; 200 at a time."""
    for _ in range(0, count, 200):
        writers = [(await asyncio.open_connection("127.0.0.1", port))[1] for _ in range(200)]
        for writer in writers:
            writer.transport.abort()
    return Counter({"gone": count})


async def launches(port: int, count: int) -> Counter[str]:
    """So many tasks in one call."""
    async with Client(port) as client:
        body = {"tasks": [{"type": "count", "params": {"to": 5, "interval": 60}, "tags": ["many", "more"]}] * count}
        return Counter({str((await client.ask("POST", "/api/v2/tasks/bulk", body)).status): 1})


async def deletes(port: int, count: int) -> Counter[str]:
    """One action deletes them all; wait until it has."""
    async with Client(port) as client:
        asked = await client.ask("POST", "/api/v2/actions", {"action": "delete", "filter": {"tag": ["many"]}})

        async def done() -> bool:
            return bool((await client.ask("GET", f"/api/v2/tasks/{asked.json['id']}")).json["status"] == "completed")

        await until(done, seconds=120)
        return Counter({str(asked.status): 1})


def attack(name: str, port: int, count: int) -> Counter[str]:
    """One of them, from a process of its own: what it costs the attacker does not delay others who are measured."""
    room_for(5000)
    found: Attack = globals()[name]
    return asyncio.run(found(port, count))


async def _each(port: int, count: int, speak: Callable[[asyncio.StreamWriter], Awaitable[None]]) -> Counter[str]:
    """So many connections that speak at once; how each was answered."""

    async def one() -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        speaking = asyncio.ensure_future(speak(writer))
        try:
            line = await asyncio.wait_for(reader.readline(), FAR)
            return line.split(b" ")[1].decode() if line else "closed"
        except TimeoutError:
            return "no answer"
        except OSError:
            return "closed"
        finally:
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)
            writer.close()

    return Counter(await asyncio.gather(*(one() for _ in range(count))))


async def _drips(writer: asyncio.StreamWriter, begin: bytes, piece: bytes) -> None:
    writer.write(begin)
    while not writer.is_closing():
        await asyncio.sleep(1)
        writer.write(piece)


async def _pours(writer: asyncio.StreamWriter, begin: bytes, pieces: list[bytes]) -> None:
    for piece in _all(begin, pieces):
        writer.write(piece)
        await writer.drain()


def _cut(whole: bytes) -> list[bytes]:
    return [whole[first : first + len(PIECE)] for first in range(0, len(whole), len(PIECE))]


def _all(begin: bytes, pieces: list[bytes]) -> Iterator[bytes]:
    yield begin
    yield from pieces
