"""A network that breaks sockets, again and again, at moments and in ways that chance chooses: chance that can be had again by its seed."""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random

from tasks_app.tests.browser.between import Between, Ends

KINDS = ("at once", "in a frame", "half open", "late", "by the server", "by a goodbye")
UNMASKED = b"\x81\x00"  # a frame no browser sends: the server closes the socket


class _Line:
    """One socket's two ways. `passes` is cleared while all waits; `swallows` while all is lost; `room` is how many bytes still come."""

    def __init__(self) -> None:
        self.passes = asyncio.Event()
        self.passes.set()
        self.swallows = False
        self.room: int | None = None


class Cutter(Between):
    """Breaks each socket once it is open, until there were `count` breaks. `done` counts them by kind."""

    def __init__(self, url: str, *, seed: int, count: int) -> None:
        super().__init__(url)
        self._chance = Random(seed)
        self._left = count
        self.done: Counter[str] = Counter()

    @property
    def over(self) -> bool:
        """Whether all has been broken that was to be."""
        return self._left <= 0

    async def _carry(self, client: Ends, server: Ends, *, is_socket: bool) -> None:
        if not is_socket:
            return await super()._carry(client, server, is_socket=False)
        line = _Line()
        ways = {asyncio.create_task(_flow(client[0], server[1], line)), asyncio.create_task(_flow(server[0], client[1], line, narrow=True))}
        breaks = asyncio.create_task(self._break(line, client[1], server[1]))
        _, going = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        if line.swallows or breaks.done():
            going.add(breaks)
        for task in (*going, breaks):
            task.cancel()
        return None

    async def _break(self, line: _Line, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        await asyncio.sleep(self._chance.uniform(0.01, 0.7))
        if self.over:
            return
        self._left -= 1
        kind = self._chance.choice(KINDS)
        self.done[kind] += 1
        if kind == "in a frame":
            line.room = self._chance.randrange(1, 400)
        elif kind == "by the server":
            server.write(UNMASKED)
        elif kind == "half open":
            line.swallows = True
            await asyncio.sleep(self._chance.uniform(0.2, 0.8))
            client.transport.abort()
        elif kind == "late":
            line.passes.clear()
            await asyncio.sleep(self._chance.uniform(0.2, 0.8))
            line.passes.set()
            await asyncio.sleep(self._chance.uniform(0, 0.02))
            client.transport.abort()
        elif kind == "by a goodbye":
            client.close()
        else:
            client.transport.abort()


async def _flow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: _Line, *, narrow: bool = False) -> None:
    try:
        while piece := await reader.read(65_536):
            await line.passes.wait()
            if line.swallows:
                continue
            ends = narrow and line.room is not None and line.room < len(piece)
            writer.write(piece[: line.room] if ends else piece)
            await writer.drain()
            if narrow and line.room is not None:
                line.room -= len(piece)
            if ends:
                return
    except OSError:
        return
