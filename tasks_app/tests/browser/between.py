"""Something between a browser and a server, such as offices have: it can refuse sockets, swallow them, or cut what is open."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from tasks_app.tests.closing import close

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]
REFUSAL = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Between:
    """Hands bytes on. `sockets`: "pass", "refuse" (403) or "swallow" (no answer, ever) for WebSocket handshakes; `cut` while nobody gets
    through at all. `asked` are the request lines that came, one for each connection's first request and each handshake."""

    def __init__(self, url: str) -> None:
        self._port = urlsplit(url).port
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self.sockets = "pass"
        self.cut = False
        self.asked: list[str] = []

    def drop(self) -> None:
        """Close all that is open."""
        self._loop.call_soon_threadsafe(self._drop)

    def _drop(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            await self._hand_on(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _hand_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.cut:
            return
        first = await reader.readuntil(b"\r\n\r\n")
        self.asked.append(first.split(b"\r\n", 1)[0].decode())
        if b"upgrade: websocket" in first.lower() and self.sockets != "pass":
            if self.sockets == "refuse":
                writer.write(REFUSAL)
                await writer.drain()
            else:
                await reader.read()
            return
        onward = await asyncio.open_connection("127.0.0.1", self._port)
        onward[1].write(first)
        self._writers.add(onward[1])
        try:
            await self._carry((reader, writer), onward, is_socket=b"upgrade: websocket" in first.lower())
        finally:
            self._writers.discard(onward[1])
            onward[1].transport.abort()

    async def _carry(self, client: Ends, server: Ends, *, is_socket: bool) -> None:
        """Hand on both ways until one side ends."""
        both = {asyncio.create_task(_pour(client[0], server[1])), asyncio.create_task(_pour(server[0], client[1]))}
        _, open_still = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for task in open_still:
            task.cancel()


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(65_536):
            writer.write(piece)
            await writer.drain()
    except OSError:
        return


@contextmanager
def between(url: str, found: Between | None = None) -> Iterator[tuple[Between, str]]:
    """The thing, and the address it listens at; it has a thread of its own."""
    found = found or Between(url)
    thread = threading.Thread(target=found._loop.run_forever)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(asyncio.start_server(found._meet, "127.0.0.1", 0), found._loop).result(60)
    try:
        yield found, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        asyncio.run_coroutine_threadsafe(_end(found, server), found._loop).result(60)
        found._loop.call_soon_threadsafe(found._loop.stop)
        thread.join()
        found._loop.close()


async def _end(found: Between, server: asyncio.Server) -> None:
    """Close, and drop what is open, also who comes meanwhile: each ends by itself."""
    found.cut = True
    await close(server)
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        found._drop()
        await asyncio.wait(others, timeout=0.1)
        for task in others:
            if task.done():
                task.result()
