"""A live page without a browser: reads frames, acknowledges them, and opens its socket again when it is closed."""

from __future__ import annotations

import asyncio
import random
import re
import time
from typing import Protocol

import websockets
from websockets.typing import Origin

_VERSION = re.compile(r'"version":(\d+)')
_EACH = 4  # frames for one acknowledgement, as the browser's script does it
_BROKEN = (OSError, TimeoutError, websockets.WebSocketException)


class Addressed(Protocol):
    """A server, or whatever leads to it."""

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""


class Page:
    """Use as an asynchronous context. `opened` counts its sockets, `frames` what came; `latest` is the monotonic time of the last."""

    def __init__(self, server: Addressed, path: str = "/live/tasks") -> None:
        self._address = server.url.replace("http", "ws", 1) + path
        self._origin = Origin(server.url)
        self.opened = 0
        self.frames = 0
        self.latest = 0.0

    async def __aenter__(self) -> Page:
        self._living = asyncio.create_task(self._live())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._living.cancel()
        await asyncio.wait({self._living})

    async def visit(self, seconds: float, *, politely: bool) -> None:
        """Open one socket, look for so long, and close it, or vanish."""
        async with self._connection() as socket:
            self.opened += 1
            try:
                async with asyncio.timeout(seconds):
                    await self._read(socket)
            except TimeoutError:
                if not politely:
                    socket.transport.abort()

    async def _live(self) -> None:
        while True:
            try:
                async with self._connection() as socket:
                    self.opened += 1
                    await self._read(socket)
            except _BROKEN:
                await asyncio.sleep(random.uniform(0.1, 0.5))

    def _connection(self) -> websockets.connect:
        return websockets.connect(
            self._address, origin=self._origin, open_timeout=60, close_timeout=5, ping_interval=None, compression=None
        )

    async def _read(self, socket: websockets.ClientConnection) -> None:
        unanswered = 0
        async for frame in socket:
            self.frames += 1
            self.latest = time.monotonic()
            unanswered += 1
            if unanswered == _EACH and (version := _VERSION.search(str(frame))):
                unanswered = 0
                await socket.send(f'{{"ack": {version[1]}}}')
