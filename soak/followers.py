"""Live pages by the thousand, without browsers: each takes frames as they come, acknowledges every fourth, and knows when it heard last."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from typing import Any

from tasks_app.tests.live.raw import ACK_EVERY, CLOSE, PING, PONG, TEXT, frame, handshake

_VERSION = re.compile(rb'"version":(\d+)')


class Follower(asyncio.Protocol):
    """One of them. `frames` came; `silence` is the longest time without one, in seconds; `code` is what it was closed with, 0 where
    nothing was said, None while it is open; `version` is the newest it knows; `refused` is a status instead of a socket."""

    def __init__(self, path: str, port: int, headers: Sequence[str] = ()) -> None:
        self._path = path
        self._port = port
        self._headers = headers
        self._kept = bytearray()
        self._open = False
        self._unanswered = 0
        self._heard = 0.0
        self.frames = 0
        self.silence = 0.0
        self.version = -1
        self.code: int | None = None
        self.refused = 0
        self.synced = asyncio.Event()  # it has a snapshot, or will get none

    def connection_made(self, transport: Any) -> None:
        """Ask for a socket."""
        self._transport = transport
        transport.write(handshake(self._path, f"127.0.0.1:{self._port}", self._headers))

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        if self.code is None:
            self.code = 0
        self.synced.set()

    def data_received(self, data: bytes) -> None:
        """Frames, whole or in parts."""
        self._kept += data
        if not self._open and not self._opened():
            return
        while (found := self._next()) is not None:
            self._take(*found)

    def leave(self) -> None:
        """Without a word."""
        self._transport.abort()

    def quiet_for(self) -> float:
        """The longest silence, the present one included."""
        return max(self.silence, time.monotonic() - self._heard)

    def _say(self, said: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(said)

    def _opened(self) -> bool:
        head, end, rest = bytes(self._kept).partition(b"\r\n\r\n")
        if not end:
            return False
        if not head.startswith(b"HTTP/1.1 101 "):
            self.refused = int(head.split(b" ")[1])
            self._transport.close()
            return False
        self._open, self._kept, self._heard = True, bytearray(rest), time.monotonic()
        return True

    def _next(self) -> tuple[int, bool, bytes] | None:
        kept = self._kept
        if len(kept) < 2:
            return None
        size, begin = kept[1], 2
        if size > 125:
            begin = 4 if size == 126 else 10
            size = int.from_bytes(kept[2:begin], "big") if len(kept) >= begin else 2**40
        if len(kept) < begin + size:
            return None
        payload = bytes(kept[begin : begin + size])
        first = kept[0]
        del kept[: begin + size]
        return first & 15, bool(first & 128), payload

    def _take(self, opcode: int, whole: bool, payload: bytes) -> None:
        if opcode == PING:
            self._say(frame(PONG, payload))
        elif opcode == CLOSE:
            self.code = int.from_bytes(payload[:2], "big")
            self._say(frame(CLOSE, payload))
        elif opcode == TEXT:
            self._frame(payload, whole)

    def _frame(self, payload: bytes, whole: bool) -> None:
        now = time.monotonic()
        self.frames += 1
        self.silence, self._heard = max(self.silence, now - self._heard), now
        self.synced.set()
        found = _VERSION.search(payload, 0, 200)
        if found is None:
            return
        self.version = int(found[1])
        heartbeat = whole and len(payload) < 100
        self._unanswered += not heartbeat
        if self._unanswered >= ACK_EVERY:
            self._unanswered = 0
            self._say(frame(TEXT, b'{"ack":%d}' % self.version))


async def follow(
    paths: Sequence[str], port: int, headers: Sequence[str] = (), *, at_once: int = 100, kind: type[Follower] = Follower
) -> list[Follower]:
    """A follower for each path, so many dialling at the same time; returns when each has a snapshot, or was refused."""
    places = asyncio.Semaphore(at_once)
    loop = asyncio.get_running_loop()

    async def one(path: str) -> Follower:
        async with places:
            _, found = await loop.create_connection(lambda: kind(path, port, headers), "127.0.0.1", port)
            await asyncio.wait_for(found.synced.wait(), 300)
            return found

    return list(await asyncio.gather(*map(one, paths)))


async def watch(holds: Callable[[], bool], seconds: float) -> bool:
    """Whether it holds at last, within so many seconds."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        await asyncio.sleep(0.05)
    return True
