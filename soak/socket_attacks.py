"""What one client may do to a server over WebSockets, on many of them at once. Each attack ends by itself; what became of its sockets is
counted: the codes they were closed with, "cut" without one, "refused" for a handshake, "open" where nobody closed them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack

from tasks_app.crowds import room_for
from tasks_app.tests.live.raw import BINARY, PING, TEXT, Closed, Raw, Refused, dialled, frame, handshake, opened

Attack = Callable[[str, int], Coroutine[None, None, Counter[str]]]  # address and how many sockets
FAR = 60.0  # seconds; whatever takes longer has failed
STALLS = 30.0  # seconds for which readers that stopped are looked at


async def messages(address: str, count: int) -> Counter[str]:
    """15,000 messages at once on each."""
    return await _each(address, count, lambda client: _pour(client, [frame(TEXT, b"{}") * 1000] * 15))


async def pings(address: str, count: int) -> Counter[str]:
    """A thousand pings a second, with all they can carry, for five seconds; the answers are not read."""
    return await _each(address, count, lambda client: _pour(client, [frame(PING, b"x" * 125) * 100] * 50, pause=0.1))


async def fragments(address: str, count: int) -> Counter[str]:
    """A message in 10,000 parts of one byte, and one in 100,000 empty ones."""
    begin = frame(TEXT, b"x", fin=False)
    parts = [begin, *[frame(0, b"x", fin=False) * 1000] * 10, *[frame(0, b"", fin=False) * 1000] * 100]
    return await _each(address, count, lambda client: _pour(client, parts))


async def huge(address: str, count: int) -> Counter[str]:
    """A message of 1 GB, announced, and as much of it as is taken."""
    return await _each(address, count, lambda client: _pour(client, [frame(TEXT, announced=2**30), *[b"x" * 65_536] * 320]))


async def drips(address: str, count: int) -> Counter[str]:
    """64 KiB of a message that never ends."""
    parts = [frame(TEXT, b" " * 1000, fin=False), *[frame(0, b" " * 1000, fin=False)] * 70]
    return await _each(address, count, lambda client: _pour(client, parts, pause=0.05))


async def nonsense(address: str, count: int) -> Counter[str]:
    """What nobody can read: no JSON, no text, no frames, JSON without end."""
    said = (
        [frame(TEXT, b"}{")] * 3,
        [frame(BINARY, b"\0" * 1000)],
        [b"\xff" * 1000],
        [frame(TEXT, b"[" * 60_000)] * 3,
        [frame(TEXT, b'{"ack":' + b"9" * 60_000 + b"}")] * 3,
        [frame(TEXT, b"\xed\xa0\x80")],
        [frame(TEXT, b"{}", reserved=4)],
    )
    turns = iter(said * (count // len(said) + 1))
    return await _each(address, count, lambda client: _pour(client, next(turns)))


async def stalled(address: str, count: int) -> Counter[str]:
    """Readers that stop reading, while what they look at changes."""
    ended: Counter[str] = Counter()
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(opened(address, receive_buffer=4096)) for _ in range(count)]
        for client in clients:
            client.stop_reading()
        await asyncio.sleep(STALLS)
        for client in clients:
            ended["open" if await _still_there(client) else "cut"] += 1
    return ended


async def half_handshakes(address: str, count: int) -> Counter[str]:
    """Handshakes that do not end."""
    host = address.removeprefix("http://")
    begun = handshake("/live/tasks", host)[:-4]

    async def one() -> str:
        async with dialled(address) as (reader, writer):
            writer.write(begun)
            try:
                return "closed" if not await asyncio.wait_for(reader.read(), FAR) else "answered"
            except OSError:
                return "closed"

    return Counter(await asyncio.gather(*(one() for _ in range(count))))


async def nowhere(address: str, count: int) -> Counter[str]:
    """Handshakes to addresses that are none, 50 at a time."""
    paths = ["/live/nowhere", "/live/%00", "/live/tasks?q=" + "a" * 8000, "/live/tasks/" + "0" * 3000]
    return await _refused(address, [paths[number % len(paths)] for number in range(count)])


async def come_and_go(address: str, count: int) -> Counter[str]:
    """Open and vanish, 50 at a time."""
    places = asyncio.Semaphore(50)

    async def one() -> str:
        async with places, opened(address):
            return "gone"

    return Counter(await asyncio.gather(*(one() for _ in range(count))))


def attack(name: str, address: str, count: int) -> Counter[str]:
    """One of them, from a process of its own: what it costs the attacker does not delay others who are measured."""
    room_for(5000)
    found: Attack = globals()[name]
    return asyncio.run(found(address, count))


async def _each(address: str, count: int, speak: Callable[[Raw], Awaitable[None]]) -> Counter[str]:
    """So many sockets that speak at once; how each ended."""

    async def one() -> str:
        async with opened(address) as client:
            speaking = asyncio.ensure_future(speak(client))
            try:
                closed = await asyncio.wait_for(client.end(), FAR)
                return str(closed.code or "cut")
            except TimeoutError:
                return "open"
            finally:
                speaking.cancel()
                await asyncio.gather(speaking, return_exceptions=True)

    return Counter(await asyncio.gather(*(one() for _ in range(count))))


async def _pour(client: Raw, frames: Sequence[bytes], *, pause: float = 0.0) -> None:
    for one in frames:
        await client.send(one)
        if pause:
            await asyncio.sleep(pause)


async def _refused(address: str, paths: Sequence[str]) -> Counter[str]:
    places = asyncio.Semaphore(50)

    async def one(path: str) -> str:
        try:
            async with places, opened(address, path):
                return "open"
        except Refused as refused:
            return str(refused.status)

    return Counter(await asyncio.gather(*map(one, paths)))


async def _still_there(client: Raw) -> bool:
    """Whether the server still holds this connection: it is asked by a byte, whose answer is a reset where it does not."""
    client.start_reading()
    try:
        async with asyncio.timeout(2):
            while True:
                await client.hear()
    except Closed:
        return False
    except TimeoutError:
        return True
