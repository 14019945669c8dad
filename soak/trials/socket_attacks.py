"""What one client can do to others over WebSockets, each attack beside a second client who asks for a small page 100 times a second, and a
live page that is open from the first attack to the last. A hundred tasks report ten times a second meanwhile.

The second client's slowest answers (the 99th percentile) may take twice as long as just before, or 50 ms where that is more: attacker,
client and server share the same few cores here.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from soak.beside import base, beside
from soak.client import Client
from soak.figures import Figure
from soak.followers import follow, watch
from soak.server import Server, serving
from soak.socket_attacks import attack
from tasks_app.crowds import room_for

SILENCE = 5.0  # seconds
ATTACKS = (  # words, name, sockets in full and in the quick form, what becomes of them
    ("15,000 messages at once", "messages", 20, 4, ("1008", "cut")),
    ("1,000 pings a second", "pings", 50, 4, ("1008", "cut")),
    ("messages in many parts", "fragments", 20, 4, ("1008", "cut")),
    ("1 GB announced", "huge", 50, 5, ("1009", "cut")),
    ("messages that do not end", "drips", 100, 5, ("1009",)),
    ("nonsense", "nonsense", 105, 14, ("1002", "1003", "1007", "1008")),
    ("handshakes that do not end", "half_handshakes", 500, 10, ("closed",)),
    ("handshakes to nowhere", "nowhere", 4000, 40, ("404",)),
    ("sockets that come and go", "come_and_go", 3000, 100, ("gone",)),
    ("readers that stop reading", "stalled", 100, 0, ("cut",)),
)


async def run(full: bool, folder: Path) -> list[Figure]:
    """The attacks one after the other on one server."""
    room_for(5000)
    with (
        ProcessPoolExecutor(1, get_context("spawn")) as attacker,
        serving(folder, IOTASK_LIMITS="count=200", LOG_LEVEL="warning") as server,
    ):
        await _busy(server, 100 if full else 10)
        [page] = await follow(["/live/tasks"], server.port)
        await base(server)  # what is loaded with the first requests is not counted
        figures: list[Figure] = []
        for words, name, many, few, wanted in ATTACKS:
            if count := many if full else few:
                attacking = partial(asyncio.get_running_loop().run_in_executor, attacker, attack, name, server.url, count)
                figures += await _attacked(server, f"{count:,} x {words}", attacking, wanted)
        figures.append(Figure("a live page beside all of them: closed", "no", "no" if page.code is None else "yes", page.code is None))
        silence = page.quiet_for()
        figures.append(Figure("its longest time without a frame", f"{SILENCE:g} s", f"{silence:.1f} s", silence <= SILENCE, timed=True))
        page.leave()
        left = await _sockets_left(server)
        figures.append(Figure("connections that are left afterwards", "0", str(left), left == 0))
        told = "Traceback" in server.process.said
        return [*figures, Figure("tracebacks in what the server says", "none", "some" if told else "none", not told)]


async def _busy(server: Server, count: int) -> None:
    tasks = [{"type": "count", "params": {"to": 1_000_000, "interval": 0.1}}] * count
    async with Client(server.port) as client:
        assert (await client.ask("POST", "/api/v2/tasks/bulk", {"tasks": tasks})).status == 201


async def _attacked(
    server: Server, words: str, attacking: Callable[[], asyncio.Future[Counter[str]]], wanted: tuple[str, ...]
) -> list[Figure]:
    ends: Counter[str] = Counter()

    async def act() -> None:
        ends.update(await attacking())

    figures = await beside(server, words, act)
    right = sum(number for end, number in ends.items() if end in wanted)
    said = ", ".join(f"{number:,} x {end}" for end, number in sorted(ends.items()))
    return [Figure(f"{words}: they end", " or ".join(wanted), said, right == ends.total()), *figures]


async def _sockets_left(server: Server) -> int:
    await watch(lambda: server.connections() == 0, 60)
    return server.connections()
