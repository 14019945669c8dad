"""What one client can do to others over HTTP: each attack beside a second client, who asks for a small page 100 times a second.

Its slowest answers (the 99th percentile) may take twice as long as just before, or 50 ms where that is more. Attacker, client and server
share the same few processors here: the time in which client or server waited for one of them is told apart, as it says nothing of the
server.
"""

from __future__ import annotations

import asyncio
import json
import resource
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import psutil

from soak.attacks import attack
from soak.client import Client, every, until
from soak.figures import Figure, in_mib, in_ms, quantile
from soak.server import Peak, Server, Visitor, serving
from tasks_app.crowds import room_for

LEAST = 0.05  # seconds that an answer may take however short it was before
MEMORY = 32 * 2**20
ATTACKS = (  # words, name, connections in full and in the quick form, how its answers begin
    ("silent connections", "silent", 1000, 20, ("closed",)),
    ("heads that drip in", "slow_heads", 1000, 20, ("closed",)),
    ("bodies that drip in", "slow_bodies", 300, 0, ("408",)),
    ("heads of 20 MB", "huge_heads", 50, 5, ("431", "closed")),  # cut off while they send, not all get to read why
    ("20 MB behind a body", "huge_trailers", 50, 5, ("431", "closed")),
    ("bodies of 200 MB", "huge_bodies", 50, 5, ("413",)),
    ("16 MB of JSON values", "many_values", 10, 2, ("4", "503")),
    ("requests that cannot be read", "bad_requests", 10_000, 500, ("4",)),
    ("a thousand requests at once", "pipelined", 20, 1, ("200",)),
    ("readers that read nothing", "slow_readers", 100, 10, ("unread",)),
    ("connections that come and go", "come_and_go", 10_000, 400, ("gone",)),
)


async def run(full: bool, folder: Path) -> list[Figure]:
    """The attacks one after the other on one server, many tasks at once, and half-open connections on a server with few descriptors."""
    room_for(5000)
    figures: list[Figure] = []
    with ProcessPoolExecutor(1, get_context("spawn")) as attacker, serving(folder / "attacked", IOTASK_MAX_RUNNING="1") as server:
        await _base(server, 0.5)  # what is loaded with the first requests is not counted
        for words, name, many, few, wanted in ATTACKS:
            if count := many if full else few:
                attacking = partial(asyncio.get_running_loop().run_in_executor, attacker, attack, name, server.port, count)
                figures += await _attacked(server, f"{count:,} x {words}", attacking, wanted, seconds=5.0 if full else 0.2)
        figures += _log_lines(folder / "attacked", full)
        figures += await _many_tasks(server, attacker, 10_000 if full else 1000)
    return figures + await _few_descriptors(folder / "few", 2000 if full else 1200)


async def _base(server: Server, seconds: float) -> Visitor:
    async with Visitor(server) as visitor:
        await asyncio.sleep(seconds)
    return visitor


async def _attacked(
    server: Server, words: str, attack: Callable[[], Awaitable[Counter[str]]], wanted: tuple[str, ...], *, seconds: float
) -> list[Figure]:
    answers: Counter[str] = Counter()

    async def attacking() -> None:
        answers.update(await attack())

    figures = await _beside(server, words, attacking, seconds)
    right = sum(number for status, number in answers.items() if status.startswith(wanted))
    said = ", ".join(f"{number:,} x {status}" for status, number in sorted(answers.items()))
    return [Figure(f"{words}: answers", " or ".join(one.ljust(3, "x") for one in wanted), said, right == answers.total()), *figures]


async def _beside(server: Server, words: str, act: Callable[[], Awaitable[None]], seconds: float) -> list[Figure]:
    """Memory, and the answers that another client gets, while something is done: again and again for so many seconds, or there would be
    too few to tell the hundredth part of them."""
    before, end = await _base(server, seconds), time.monotonic() + seconds
    async with Peak(server) as peak, Visitor(server) as visitor:
        await act()
        while time.monotonic() < end:
            await act()
    slow, fair = quantile(visitor.took, 0.99), quantile(visitor.fair, 0.99)
    most = max(2 * quantile(before.fair, 0.99), LEAST)
    said = f"{in_ms(fair)}; {in_ms(slow)} with waits for a processor"
    return [
        Figure(f"{words}: memory", f"+{in_mib(MEMORY)}", f"+{in_mib(peak.more)}", peak.more <= MEMORY, timed=True),
        Figure(f"{words}: another client's p99, of {len(visitor.fair):,} answers", in_ms(most), said, fair <= most, timed=True),
        Figure(f"{words}: another client's failed requests", "0", str(visitor.failed), visitor.failed == 0),
    ]


def _log_lines(folder: Path, full: bool) -> list[Figure]:
    """Lines that the attacks left behind, by the second in which there were most."""
    lines = [json.loads(line) for line in (folder / "logs" / "app.log").read_text("utf-8").splitlines()]
    seconds = Counter(str(line.get("ts") or line.get("time") or line.get("timestamp"))[:19] for line in lines)
    most = max(seconds.values())
    told = any("more like this" in json.dumps(line) for line in lines)
    figures = [Figure("lines in the log, in the second with most of them", "at most 20", str(most), most <= 20)]
    return [*figures, Figure("lines that were not written are counted", "yes", "yes" if told else "no", told)] if full else figures


async def _many_tasks(server: Server, attacker: ProcessPoolExecutor, count: int) -> list[Figure]:
    """Launch many at once and delete them again; the slowest of another client's answers is what counts."""
    figures = []
    for words, name, wanted in (("launched", "launches", "201"), ("deleted", "deletes", "202")):
        async with Visitor(server, pause=0.002) as visitor:
            answers = await asyncio.get_running_loop().run_in_executor(attacker, attack, name, server.port, count)
        what, longest, said = f"{count:,} tasks {words} at once", max(visitor.fair), ", ".join(answers)
        figures.append(Figure(f"{what}: answer", wanted, said, said == wanted))
        figures.append(
            Figure(
                f"{what}: longest wait of another client",
                "100 ms",
                f"{in_ms(longest)}; {in_ms(max(visitor.took))} with waits for a processor",
                longest <= 0.1,
                timed=True,
            )
        )
    async with Client(server.port) as client:
        left = [task for task in await every(client, "/api/v2/tasks", most=10) if task["type"] == "count"]
    return [*figures, Figure(f"{count:,} tasks deleted at once: left", "0", str(len(left)), not left)]


async def _few_descriptors(folder: Path, count: int) -> list[Figure]:
    """Half a head on many connections, where the process may have 1,024 descriptors."""
    with serving(folder) as server:
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (1024, 1024))
        seen = psutil.Process(server.pid)
        async with Visitor(server, pause=0.2) as old:
            ends, streams = await _half_open(server.port, count)
            used, began = _cpu(seen), time.perf_counter()
            await asyncio.sleep(3)
            busy = (_cpu(seen) - used) / (time.perf_counter() - began)
            for _, writer in streams:
                writer.close()
            recovered = await until(lambda: _answers(server.port))
        log = (folder / "logs" / "app.log").read_text("utf-8")
        return [
            Figure(
                f"{count:,} half-open connections, 1,024 descriptors: refused",
                "some, with 503",
                f"{ends['503']:,}",
                0 < ends["503"] < count,
            ),
            Figure(
                "one that was open before: requests that failed", "0", f"{old.failed} of {len(old.took)}", not old.failed and bool(old.took)
            ),
            Figure("processor time meanwhile", "25 %", f"{busy:.0%}", busy <= 0.25, timed=True),
            Figure("new ones once they are gone: served within", "5 s", f"{recovered:.1f} s", recovered <= 5, timed=True),
            Figure("descriptors that could not be had", "0", str(log.count("Too many open files")), "Too many open files" not in log),
        ]


async def _half_open(port: int, count: int) -> tuple[Counter[str], list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]:
    """How many were refused, and all of them."""
    streams = []
    for _ in range(count):
        streams.append(await asyncio.open_connection("127.0.0.1", port))
        streams[-1][1].write(b"GET / HTTP/1.1\r\nHost: localhost\r\n")

    async def refused(reader: asyncio.StreamReader) -> str:
        answer = asyncio.create_task(reader.readline())
        await asyncio.wait({answer}, timeout=2)
        if not answer.done():  # not: cancelled when time was up, as it may have come while this process stood still
            answer.cancel()
            await asyncio.wait({answer})
            return "waits"
        try:
            return answer.result().split(b" ")[1].decode()
        except (OSError, IndexError):
            return "closed"

    return Counter(await asyncio.gather(*(refused(reader) for reader, _ in streams))), streams


async def _answers(port: int) -> bool:
    try:
        async with Client(port) as client:
            return (await client.ask("GET", "/healthz")).status == 200
    except (OSError, asyncio.IncompleteReadError):
        return False


def _cpu(process: psutil.Process) -> float:
    used = process.cpu_times()
    return float(used.user + used.system)
