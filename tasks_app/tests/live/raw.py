"""A WebSocket client that can do everything wrong: frames as bytes, over a socket that the tests hold."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import struct
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
PATIENCE = 60.0  # seconds
ACK_EVERY = 4  # frames
UPGRADE = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"


class Closed(Exception):
    """The other side closed: `code` of its close frame, None where there was none; `reason`."""

    def __init__(self, code: int | None, reason: str = "") -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class Refused(Exception):
    """The handshake was answered with something else: `status`, `head`, `body`."""

    def __init__(self, head: str, body: bytes) -> None:
        super().__init__(head.partition("\r\n")[0])
        self.status = int(head.split(" ")[1]) if head else 0
        self.head = head
        self.body = body


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, reserved: int = 0, announced: int | None = None) -> bytes:
    """A masked frame, the mask being zeros; `announced` lies about its length."""
    size = len(payload) if announced is None else announced
    short = size if size < 126 else 126 if size < 65_536 else 127
    more = b"" if size < 126 else struct.pack("!H" if size < 65_536 else "!Q", size)
    return bytes([fin << 7 | reserved << 4 | opcode, 0x80 | short]) + more + bytes(4) + payload


def handshake(path: str, host: str, headers: Sequence[str] = ()) -> bytes:
    """What a browser's page sends; `headers` beside that, as lines."""
    key = base64.b64encode(os.urandom(16)).decode()
    own = [f"Host: {host}", f"Origin: http://{host}", f"Sec-WebSocket-Key: {key}"]
    lines = "".join(f"{line}\r\n" for line in (*own, *headers))
    return f"GET {path} HTTP/1.1\r\n{lines}{UPGRADE}\r\n".encode("latin-1")


class Raw:
    """An open socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.frames = 0
        self.pongs = 0
        self.answers_pings = True

    def stop_reading(self) -> None:
        """Take nothing more."""
        transport: Any = self.writer.transport
        transport.pause_reading()

    def start_reading(self) -> None:
        """Take it again."""
        transport: Any = self.writer.transport
        transport.resume_reading()

    async def send(self, *frames: bytes) -> None:
        """Frames, as they are."""
        self.writer.write(b"".join(frames))
        await self.writer.drain()

    async def say(self, message: Any) -> None:
        """A message as JSON, or as it is where it is text."""
        await self.send(frame(TEXT, (message if isinstance(message, str) else json.dumps(message)).encode()))

    async def hear(self) -> Any:
        """The next message, as JSON. Answers pings. Raises Closed."""
        message = b""
        while True:
            opcode, fin, payload = await self._frame()
            if opcode == CLOSE:
                await self._end(payload)
            elif opcode == PING and self.answers_pings:
                with suppress(OSError):  # whoever is gone is found out when more is read
                    await self.send(frame(PONG, payload))
            elif opcode == PONG:
                self.pongs += 1
            elif opcode in (0, TEXT):
                message += payload
                if fin:
                    return json.loads(message)

    async def follow(self) -> dict[str, Any]:
        """The next frame, acknowledged as a page would."""
        found: dict[str, Any] = await self.hear()
        if "counters" in found:
            self.frames += 1
            if self.frames % ACK_EVERY == 0:
                await self.say({"ack": found["version"]})
        return found

    async def snapshot(self) -> dict[str, Any]:
        """The next snapshot. Raises Closed."""
        while not (found := await self.hear()).get("snapshot"):
            pass
        return dict(found)

    async def error(self) -> dict[str, Any]:
        """The next frame that is an error. Raises Closed."""
        while "error" not in (found := await self.hear()):
            pass
        return dict(found["error"])

    async def end(self) -> Closed:
        """How it is closed, whatever is said before."""
        try:
            while True:
                await self.hear()
        except Closed as closed:
            return closed

    async def _end(self, payload: bytes) -> None:
        with suppress(OSError):
            await self.send(frame(CLOSE, payload))
        raise Closed(struct.unpack("!H", payload[:2])[0] if payload else None, payload[2:].decode())

    async def _frame(self) -> tuple[int, bool, bytes]:
        try:
            first, second = await self.reader.readexactly(2)
            size = second & 0x7F
            if size > 125:
                size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8), "big")
            return first & 15, bool(first & 0x80), await self.reader.readexactly(size)
        except (asyncio.IncompleteReadError, OSError):
            raise Closed(None) from None


class SlowPage:
    """A page that takes a little at a time. It acknowledges frames, and answers pings, when it has read so far."""

    def __init__(self, client: Raw) -> None:
        self._client = client
        self._kept = asyncio.StreamReader()
        self._page = Raw(self._kept, client.writer)
        self._version = -1
        self._over = False  # it was closed
        self._taking = asyncio.create_task(self._take())

    async def read(self, seconds: float, size: int, pause: float = 1.0) -> None:
        """For so long, at most so many bytes at a time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not await self._feed(size):
                return
            await asyncio.sleep(pause)

    async def catch_up(self, version: int) -> float | None:
        """Read on at once: the seconds until a frame is as new as this version, None where the socket was closed."""
        began = time.monotonic()
        while self._version < version and not self._over:
            await self._feed(65_536)
        await self.leave()
        return None if self._over else time.monotonic() - began

    async def leave(self) -> None:
        """Read no more."""
        self._taking.cancel()
        await asyncio.wait({self._taking})

    async def _feed(self, size: int) -> bool:
        try:
            data = await self._client.reader.read(size)
        except OSError:
            data = b""
        if data:
            self._kept.feed_data(data)
        else:
            self._kept.feed_eof()
        await asyncio.sleep(0)
        return bool(data)

    async def _take(self) -> None:
        unanswered = 0
        try:
            while True:
                found = await self._page.hear()
                self._version = found["version"]
                unanswered += "counters" in found
                if unanswered == ACK_EVERY:
                    unanswered = 0
                    await self._page.say({"ack": self._version})
        except (Closed, OSError):
            self._over = True


@asynccontextmanager
async def dialled(
    address: str, *, receive_buffer: int = 0, source: str = ""
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to `http://host:port`. `receive_buffer` bytes are what our kernel keeps, 0: as many as usual; `source` is where it
    comes from."""
    host, _, port = address.removeprefix("http://").rpartition(":")
    plain = socket.socket()
    if receive_buffer:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    if source:
        plain.bind((source, 0))
    plain.setblocking(False)
    await asyncio.get_running_loop().sock_connect(plain, (host, int(port)))
    reader, writer = await asyncio.open_connection(sock=plain, limit=receive_buffer or 2**16)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)


@asynccontextmanager
async def opened(address: str, path: str = "/live/tasks", headers: Sequence[str] = (), **dial: Any) -> AsyncIterator[Raw]:
    """An open socket. Raises Refused."""
    async with dialled(address, **dial) as (reader, writer):
        async with asyncio.timeout(PATIENCE):
            writer.write(handshake(path, address.removeprefix("http://"), headers))
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            if not head.startswith("HTTP/1.1 101 "):
                raise Refused(head, await reader.read())
        yield Raw(reader, writer)
