"""A bad line: bytes come late, few at a time, again and again only when they are sent once more, by one way alone, or not at all."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from tasks_app.tests.closing import close

PIECE = 1024  # bytes that are carried at once
SENT_AGAIN = 0.2  # seconds after which what was lost is sent again; twice that the next time
AT_ONCE = struct.pack("ii", 1, 0)  # closed so, a connection is reset
Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Call:
    """One connection over the line. `words` are what its client said, the newest of it."""

    def __init__(self, near: Ends, far: Ends) -> None:
        self.near = near
        self.far = far
        self.words = b""
        self.dead = False

    def reset(self) -> None:
        """Both sides are told at once that it is over, in the middle of whatever was said."""
        for _, writer in (self.near, self.far):
            with suppress(OSError):
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
            writer.transport.abort()

    def hush(self) -> None:
        """The client is told that nothing more will come; what it says is still taken, and carried to nobody."""
        self.dead = True
        with suppress(OSError):
            self.near[1].write_eof()


class Line:
    """`delay`: seconds that each byte is under way; `rate`: bytes a second of each connection and way, 0 for as many as come; `loss`: the
    part of pieces that is lost on the way, for which all behind them wait until they were sent again."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._loop = asyncio.new_event_loop()
        self._calls: set[Call] = set()
        self._meets: dict[asyncio.Task[None], asyncio.StreamWriter] = {}  # of all that ever came
        self.delay = 0.0
        self.rate = 0
        self.loss = 0.0
        self.port = 0

    def reset(self) -> None:
        """Break all connections."""
        self._on_each(Call.reset)

    def close_by_half(self) -> None:
        """Close one way of all connections, that to their clients."""
        self._on_each(Call.hush)

    def forget(self, said: bytes = b"") -> None:
        """Those connections on which this was said carry nothing from now on, either way, and nobody is told."""
        self._on_each(lambda call: setattr(call, "dead", call.dead or said in call.words))

    def _on_each(self, do: Callable[[Call], object]) -> None:
        self._loop.call_soon_threadsafe(lambda: [do(call) for call in list(self._calls)])

    async def _serve(self, ready: threading.Event, ending: asyncio.Event) -> None:
        server = await asyncio.start_server(self._met, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await ending.wait()
        await close(server)
        for call in self._calls:
            call.reset()
        await asyncio.sleep(0.1)  # most see by themselves that it is over
        for _ in range(3):  # who was just being let in comes in meanwhile
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            for writer in self._meets.values():  # also of those whose task was cancelled before it began
                writer.transport.abort()
            await asyncio.sleep(0.01)

    def _met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._meets[self._loop.create_task(self._meet(reader, writer))] = writer

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            call = Call((reader, writer), await asyncio.open_connection("127.0.0.1", self._to))
        except OSError:
            writer.transport.abort()
            return
        self._calls.add(call)
        try:
            ways = [asyncio.create_task(self._carry(call, *way)) for way in ((call.near, call.far), (call.far, call.near))]
            _, left = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in left:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        finally:
            self._calls.discard(call)
            for _, end in (call.near, call.far):
                end.transport.abort()

    async def _carry(self, call: Call, here: Ends, there: Ends) -> None:
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(64)
        arriving = asyncio.create_task(self._arrive(call, under_way, there[1]))
        try:
            while piece := await here[0].read(PIECE):
                if here is call.near:
                    call.words = (call.words + piece)[-4 * PIECE :]
                if self.rate:
                    await asyncio.sleep(len(piece) / self.rate)
                await under_way.put((self._loop.time() + self.delay, piece))
        except OSError:
            return
        finally:
            arriving.cancel()
            await asyncio.gather(arriving, return_exceptions=True)

    async def _arrive(self, call: Call, under_way: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        while True:
            due, piece = await under_way.get()
            await asyncio.sleep(due - self._loop.time())
            again = SENT_AGAIN
            while random.random() < self.loss:
                await asyncio.sleep(again)
                again *= 2
            if not call.dead:
                writer.write(piece)
                await writer.drain()


@contextmanager
def line(port: int) -> Iterator[Line]:
    """A line to a port of this machine, in a thread of its own."""
    made, ready, ending = Line(port), threading.Event(), asyncio.Event()
    thread = threading.Thread(target=lambda: made._loop.run_until_complete(made._serve(ready, ending)), name="line")
    thread.start()
    ready.wait()
    try:
        yield made
    finally:
        made._loop.call_soon_threadsafe(ending.set)
        thread.join()
        made._loop.close()
