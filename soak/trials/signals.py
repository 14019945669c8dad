"""SIGTERM with 1,000 tasks that run and 500 that wait, with little grace and with much, without a journal and with one; and at bad moments:
while the server starts, while it reads its journal, with a request that never ends, with handlers that do not stop, with a blocked loop."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from soak.client import Client, every, launched, metrics, request, until
from soak.figures import Figure
from soak.handlers import noted_lines
from soak.server import Server, serving, starting

GRACE_OF_END = 5.0  # seconds beyond the grace, at bad moments
GRACE_OF_WORK = 2.0  # and with handlers that let go
SIGNALLED = signal.SIGTERM


async def run(full: bool, folder: Path) -> list[Figure]:
    """All of it."""
    figures = []
    running, waiting = (1000, 500) if full else (40, 20)
    for grace, seconds in ((1.0, 600.0), (30.0, 4.0)) if full else ((0.3, 600.0),):
        for journal in (False, True) if full else (True,):
            place = folder / f"{grace:g}-{journal}"
            figures += await _with_many(place, running, waiting, grace, seconds, journal=journal)
    figures += await _at_bad_moments(folder, full)
    return figures


async def _with_many(folder: Path, running: int, waiting: int, grace: float, seconds: float, *, journal: bool) -> list[Figure]:
    variables = {"IOTASK_LIMITS": f"noted={running}", "IOTASK_GRACE_SECONDS": str(grace)}
    variables |= {"IOTASK_JOURNAL": str(folder / "tasks.journal")} if journal else {}
    notes = folder / "notes.txt"
    with serving(folder, **variables) as server:
        async with Client(server.port) as client:
            wanted = {"type": "noted", "params": {"file": str(notes), "seconds": seconds}}
            await client.ask("POST", "/api/v2/tasks/bulk", {"tasks": [wanted] * (running + waiting)})
            await until(lambda: _began(notes, running))
        code, took = await _ended(server)
        last = server.process.log[-1]
    name = f"{running:,} running, {waiting} waiting, grace {grace:g} s, {'journal' if journal else 'memory'}"
    by_themselves = seconds < grace
    most = (seconds if by_themselves else grace) + GRACE_OF_WORK
    figures = [
        Figure(f"{name}: `finally` ran", f"{running:,}", f"{(left := len(noted_lines(notes, 'left'))):,}", left == running),
        Figure(f"{name}: exit code", "0", str(code), code == 0),
        Figure(f"{name}: ended within", f"{most:g} s", f"{took:.2f} s", took <= most, timed=True),
        _settled(name, last, running, 0 if journal else waiting, by_themselves=by_themselves),
    ]
    return figures + (await _afterwards(name, folder, variables, running, waiting, by_themselves=by_themselves) if journal else [])


def _settled(name: str, last: Any, running: int, waiting: int, *, by_themselves: bool) -> Figure:
    wanted = {"completed": running, "interrupted": waiting} if by_themselves else {"completed": 0, "interrupted": running + waiting}
    found = {word: last.get(word, 0) for word in wanted}
    said = ", ".join(f"{count:,} {word}" for word, count in found.items())
    return Figure(f"{name}: settled", ", ".join(f"{count:,} {word}" for word, count in wanted.items()), said, found == wanted)


async def _afterwards(
    name: str, folder: Path, variables: dict[str, str], running: int, waiting: int, *, by_themselves: bool
) -> list[Figure]:
    """What the next process finds in the journal."""
    with serving(folder, **variables) as server:
        async with Client(server.port) as client:
            tasks = await every(client, "/api/v2/tasks")
        server.kill()
    ended = sum(task["status"] == ("completed" if by_themselves else "interrupted") for task in tasks)
    kept = sum(task["status"] in ("pending", "processing") and len(task["attempts"]) < 2 for task in tasks)
    holds = (ended, kept) == (running, waiting)
    return [Figure(f"{name}: kept by the journal", f"{running:,} ended, {waiting} waiting", f"{ended:,} ended, {kept} waiting", holds)]


async def _at_bad_moments(folder: Path, full: bool) -> list[Figure]:
    figures = []
    if full:
        figures.append(await _while_it_starts(folder / "start", 20))
        figures.append(await _while_it_recovers(folder / "recovery", 10))
    moments: dict[str, Callable[[Server, Client], Awaitable[object]]] = {
        "half a head": lambda server, _: _half(server, 40),
        "half a body": lambda server, _: _half(server, None),
        "a handler that does not stop": lambda server, client: _launched(server, client, "stubborn"),
        "a thread that does not stop": lambda server, client: _launched(server, client, "stubborn_thread"),
        "a blocked loop": _blocked,
    }
    for what, begin in moments.items() if full else list(moments.items())[:1]:
        figures.append(await _at(folder / what.replace(" ", "-"), what, begin))
    return figures


async def _at(folder: Path, what: str, begin: Callable[[Server, Client], Awaitable[object]]) -> Figure:
    with serving(folder, IOTASK_GRACE_SECONDS="0.5") as server:
        async with Client(server.port) as client:
            held = await begin(server, client)
            code, took = await _ended(server)
        if isinstance(held, asyncio.StreamWriter):
            held.close()
    return _figure(f"SIGTERM with {what}", 0.5 + GRACE_OF_END, [took], {code})


async def _while_it_starts(folder: Path, times: int) -> Figure:
    took, codes = [], set()
    for number in range(times):
        with starting(folder) as process:
            await asyncio.sleep(random.uniform(0.05, 1.5) if number else 0)
            began = time.monotonic()
            codes.add(await asyncio.to_thread(process.stop, SIGNALLED, 60))
            took.append(time.monotonic() - began)
    return _figure(f"SIGTERM at a random moment of the start, {times} times", GRACE_OF_END, took, codes)


async def _while_it_recovers(folder: Path, times: int) -> Figure:
    variables = {"IOTASK_JOURNAL": str(folder / "tasks.journal"), "IOTASK_LIMITS": "count=1", "IOTASK_GRACE_SECONDS": "0"}
    with serving(folder, **variables) as server:
        async with Client(server.port) as client:
            for _ in range(10):
                await client.ask("POST", "/api/v2/tasks/bulk", {"tasks": [{"type": "count"}] * 10_000})
        await _ended(server)
    took, codes = [], set()
    for _ in range(times):
        with starting(folder, **variables) as process:
            await asyncio.sleep(random.uniform(1.0, 3.0))
            began = time.monotonic()
            codes.add(await asyncio.to_thread(process.stop, SIGNALLED, 60))
            took.append(time.monotonic() - began)
    return _figure(f"SIGTERM while 100,000 tasks are read from the journal, {times} times", GRACE_OF_END, took, codes)


def _figure(what: str, most: float, took: list[float], codes: set[int]) -> Figure:
    """Before Python is up a signal ends it without a word; that is no fault."""
    fine = codes <= {0, -SIGNALLED}
    said = f"{max(took):.2f} s, exit code {' or '.join(map(str, sorted(codes)))}"
    return Figure(f"{what}: ended within", f"{most:g} s", said, fine and max(took) <= most, timed=fine)


async def _half(server: Server, size: int | None) -> asyncio.StreamWriter:
    """A request of which so many bytes are sent; None: all but the end of its body. The connection, to be held."""
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    whole = request(server.port, "POST", "/api/v2/tasks", {"type": "count"})
    writer.write(whole[: -3 if size is None else size])
    await asyncio.sleep(0.2)
    return writer


async def _launched(server: Server, client: Client, type_name: str, **params: Any) -> None:
    await launched(client, type_name, **params)
    await until(lambda: _running(client))


async def _blocked(server: Server, client: Client) -> None:
    await _launched(server, client, "held", how="sleep", seconds=600)


async def _running(client: Client) -> bool:
    return (await metrics(client))["iotask_running"] >= 1


async def _began(notes: Path, count: int) -> bool:
    return len(noted_lines(notes, "began")) >= count


async def _ended(server: Server) -> tuple[int, float]:
    began = time.monotonic()
    code = await asyncio.to_thread(server.process.stop, SIGNALLED, 120)
    return code, time.monotonic() - began
