"""A server that goes on and on: 50 tasks a second, one in a hundred of which goes wrong in one of eight ways, and 500 live pages that come
and go, half of them without a word. Looked at each second; memory is a line through what was seen after the warm-up. It goes on for ten
minutes, or for `SOAK_STEADY_SECONDS`: of an hour a line is asked for that tells slow growth from none."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from soak.client import GONE, Client, launched, metrics, request, until
from soak.figures import Figure, in_mib, quantile
from soak.page import Page
from soak.server import Sample, Server, serving

RATE = 50  # tasks a second
FAULTS = 0.01
KEPT = 2_000  # finished tasks: memory is level once there are so many
WAL = 64 * 2**20
SECONDS = 600  # unless SOAK_STEADY_SECONDS says how many
WARM_UP = 0.3  # of them
LONG = 1800  # seconds after which a line is judged by the hour; one of ten minutes is too short for that
ENDS = ("fails", "raises", "late", "large", "cancelled", "deleted", "rude", "vanishing")


class _Plan(NamedTuple):
    """How long it goes on, how long that is not looked at, and for how many pages."""

    seconds: float
    warm_up: float
    pages: int


class _Seen(NamedTuple):
    """What was held at a moment: seconds since the beginning, the process, asyncio tasks, bytes of the write-ahead log; and how many
    tasks were launched until then."""

    at: float
    sample: Sample
    coroutines: float
    wal: int
    launched: float


async def run(full: bool, folder: Path) -> list[Figure]:
    """Ten minutes in memory, or as long as is asked for, and two with a journal; the short form has the journal alone."""
    if not full:
        return await _steady(folder, _Plan(3, 1, 20), journal=True, judged=False)
    seconds = float(os.environ.get("SOAK_STEADY_SECONDS", SECONDS))  # noqa: TID251 - a trial is no part of the server
    figures = await _steady(folder / "memory", _Plan(seconds, WARM_UP * seconds, 500), journal=False, judged=True)
    return figures + await _steady(folder / "journal", _Plan(120, 0, 200), journal=True, judged=False)


async def _steady(folder: Path, plan: _Plan, *, journal: bool, judged: bool) -> list[Figure]:
    path = folder / "tasks.journal"
    variables = {"IOTASK_JOURNAL": str(path)} if journal else {}
    with serving(folder, IOTASK_KEEP_FINISHED=str(KEPT), IOTASK_GRACE_SECONDS="0", LOG_LEVEL="warning", **variables) as server:
        async with Client(server.port) as client:
            await _tried_out(server, client)
            before = await _look(server, client, path, 0.0)
            seen = await _under_load(server, client, plan, path)
            await until(lambda: _idle(server, client), 120)
            after = await _settled(server, client, path, before)
    name = f"{plan.seconds:g} s, {plan.pages} pages, {'journal' if journal else 'memory'}"
    late = [one for one in seen if one.at >= plan.warm_up]
    rate = (seen[-1].launched - seen[0].launched) / (seen[-1].at - seen[0].at)
    return [
        Figure(f"{name}: tasks a second", f"{RATE}", f"{rate:.1f}", rate > 0.95 * RATE, timed=True),
        *(_slopes(name, late) if judged else []),
        *([_wal(name, seen)] if journal else []),
        _back(f"{name}: descriptors", before.sample.descriptors, after.sample.descriptors),
        _back(f"{name}: threads", before.sample.threads, after.sample.threads),
        _back(f"{name}: asyncio tasks", int(before.coroutines), int(after.coroutines)),
    ]


async def _under_load(server: Server, client: Client, plan: _Plan, journal: Path) -> list[_Seen]:
    work = [_launch(server.port), *(_come_and_go(server) for _ in range(plan.pages))]
    working = [asyncio.create_task(one) for one in work]
    began, seen = time.monotonic(), list[_Seen]()
    while (at := time.monotonic() - began) < plan.seconds:
        seen.append(await _look(server, client, journal, at))
        await asyncio.sleep(1)
        assert not working[0].done(), working[0].exception()
    for one in working:
        one.cancel()
    await asyncio.wait(working)
    return seen


async def _tried_out(server: Server, client: Client) -> None:
    """One of everything: what is loaded or opened with the first use is no leak."""
    for how in ENDS:
        await _one(server.port, client, how)
    await asyncio.gather(*(Page(server).visit(0.5, politely=True) for _ in range(3)))
    await until(lambda: _idle(server, client))


async def _look(server: Server, client: Client, journal: Path, at: float) -> _Seen:
    found = await metrics(client)
    coroutines = sum(found[f'iotask_asyncio_tasks{{loop="{loop}"}}'] for loop in ("web", "engine"))
    return _Seen(at, server.sample(), coroutines, _size(Path(f"{journal}-wal")), found.get('iotask_tasks_launched_total{type="odd"}', 0.0))


async def _settled(server: Server, client: Client, journal: Path, before: _Seen) -> _Seen:
    """What is held once it is no more than before, or patience is over: connections of clients that left are still taken and ended."""
    for _ in range(120):
        after = await _look(server, client, journal, 0.0)
        if after.sample.descriptors <= before.sample.descriptors and after.coroutines <= before.coroutines:
            break
        await asyncio.sleep(1)
    return after


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


async def _idle(server: Server, client: Client) -> bool:
    found = await metrics(client)
    return found["iotask_running"] + found["iotask_waiting"] == 0 and server.connections() <= 1


async def _launch(port: int) -> None:
    """On one connection, and another one where the server has closed it: on a busy machine it may have been silent for too long."""
    following = time.monotonic()
    while True:
        with suppress(*GONE):
            async with Client(port) as client:
                while True:
                    await _one(port, client, random.choice(ENDS) if random.random() < FAULTS else "well")
                    following += 1 / RATE
                    await asyncio.sleep(max(0.0, following - time.monotonic()))
        await asyncio.sleep(0.1)


async def _one(port: int, client: Client, how: str) -> None:
    """A task that ends like this, or a client that does."""
    if how in ("rude", "vanishing"):
        await _rude(port, whole=how == "vanishing")
        return
    asked = {"timeout": 0.5} if how == "late" else {}
    task = await launched(client, "odd", asked=asked, how=how if how in ("fails", "raises", "late", "large") else "well")
    if how == "cancelled":
        await client.ask("POST", f"/api/v2/tasks/{task}/cancel")
    elif how == "deleted":
        await client.ask("DELETE", f"/api/v2/tasks/{task}")


async def _rude(port: int, *, whole: bool) -> None:
    """A client that leaves in the middle of its request, or before the answer."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    asked = request(port, "POST", "/api/v2/tasks", {"type": "odd", "params": {}})
    writer.write(asked if whole else asked[:-5])
    await writer.drain()
    writer.transport.abort()


async def _come_and_go(server: Server) -> None:
    page = Page(server)
    await asyncio.sleep(random.uniform(0, 5))
    while True:
        try:
            await page.visit(random.uniform(1, 10), politely=random.random() < 0.5)
        except GONE:
            await asyncio.sleep(0.5)


def _slopes(name: str, seen: Sequence[_Seen]) -> list[Figure]:
    at = [one.at for one in seen]
    rss = _slope(at, [one.sample.rss for one in seen])
    held = in_mib(quantile([one.sample.rss for one in seen], 0.5))
    unit, most_rss = ("an hour", 2**20 / 3600) if at[-1] >= LONG else ("a minute", 2**20 / 60)
    said = f"{rss * 60 / 2**20:+.2f} MiB a minute, that is {rss * 3600 / 2**20:+.1f} MiB an hour; {held} in the median"
    figures = [Figure(f"{name}: memory's slope after the warm-up", f"1 MiB {unit} at most", said, rss <= most_rss, timed=True)]
    others: dict[str, list[float]] = {
        "descriptors": [one.sample.descriptors for one in seen],
        "threads": [one.sample.threads for one in seen],
        "asyncio tasks": [one.coroutines for one in seen],
    }
    for what, values in others.items():
        more = _slope(at, values) * (at[-1] - at[0])
        most = max(2.0, 0.02 * max(values))
        found = f"{more:+.1f}, between {min(values):g} and {max(values):g}"
        figures.append(Figure(f"{name}: {what}, more at the end of the line", f"{most:.0f} at most", found, more <= most, timed=True))
    return figures


def _slope(at: Sequence[float], values: Sequence[float]) -> float:
    """Of the line of least squares, by the second."""
    middle, mean = sum(at) / len(at), sum(values) / len(values)
    across = sum((one - middle) ** 2 for one in at)
    return sum((one - middle) * (value - mean) for one, value in zip(at, values, strict=True)) / across


def _wal(name: str, seen: Sequence[_Seen]) -> Figure:
    most = max(one.wal for one in seen)
    return Figure(f"{name}: write-ahead log", f"{in_mib(WAL)} at most", in_mib(most), 0 < most <= WAL)


def _back(what: str, before: int, after: int) -> Figure:
    return Figure(f"{what} before, and when all is over", "no more", f"{before}, {after}", after <= before)
