"""Two thousand live pages for ten minutes, while a thousand tasks report once a second and ten thousand finished ones are kept. Three
more readers take 1 kB a second, and catch up at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple

from soak.client import Client, every, until
from soak.figures import Figure, in_ms, quantile
from soak.followers import Follower, follow
from soak.server import Peak, Server, Visitor, serving
from tasks_app.crowds import room_for
from tasks_app.tests.live.raw import SlowPage, opened

MEMORY = 250_000_000  # bytes
BULK = 1000
SILENCE = 5.0  # seconds; a heartbeat comes every two
KILOBYTE = 1000
CATCH_UP = 5.0  # seconds


class _Plan(NamedTuple):
    """How many pages, for how many seconds, beside how many tasks."""

    pages: int
    seconds: float
    finished: int
    running: int
    slow: int


async def run(full: bool, folder: Path) -> list[Figure]:
    """The long form judges memory and time as well."""
    plan = _Plan(2000, 600, 10_000, 1000, 3) if full else _Plan(100, 5, 200, 50, 1)
    room_for(5000)
    sockets = {"IOTASK_MAX_SOCKETS": str(plan.pages + plan.slow)}
    with serving(folder, IOTASK_LIMITS="count=5000", IOTASK_GRACE_SECONDS="0", **sockets) as server:
        ids = await _tasks(server, plan)
        async with Peak(server, every=0.5) as peak:
            return [*await _pages(server, plan, ids), _memory(plan, peak)]


async def _tasks(server: Server, plan: _Plan) -> list[str]:
    """Finished ones, and some that run on; the ids of those."""
    ids: list[str] = []
    async with Client(server.port) as client:
        for count, params in ((plan.finished, {"to": 1, "interval": 0}), (plan.running, {"to": 100_000, "interval": 1})):
            for begin in range(0, count, BULK):
                body = {"tasks": [{"type": "count", "params": params, "name": "one of many"}] * min(BULK, count - begin)}
                answer = await client.ask("POST", "/api/v2/tasks/bulk", body)
                assert answer.status == 201, answer.body
                ids = ids + answer.json["ids"] if params["interval"] else []

        async def ready() -> bool:
            done = (await client.ask("GET", "/api/v2/tasks?status=completed&limit=1")).json["total"]
            busy = (await client.ask("GET", "/api/v2/tasks?status=processing&limit=1")).json["total"]
            return bool(done == plan.finished and busy == plan.running)

        await until(ready, 120)
    return ids


def _paths(count: int, ids: Sequence[str]) -> list[str]:
    """Most look at the list, some at a filter of it, some at one of twenty tasks."""
    kinds = ["/live/tasks"] * 7 + ["/live/tasks?status=processing", "/live/tasks?status=completed", "one"]
    chosen = [kinds[number % len(kinds)] for number in range(count)]
    return [f"/live/tasks/{ids[number % 20]}" if path == "one" else path for number, path in enumerate(chosen)]


async def _pages(server: Server, plan: _Plan, ids: Sequence[str]) -> list[Figure]:
    pages = await follow(_paths(plan.pages, ids), server.port)
    async with AsyncExitStack() as stack, Visitor(server, pause=0.05) as visitor:
        slow = [SlowPage(await stack.enter_async_context(opened(server.url, receive_buffer=4096))) for _ in range(plan.slow)]
        reading = [asyncio.create_task(one.read(plan.seconds, KILOBYTE)) for one in slow]
        await asyncio.sleep(plan.seconds)
        await asyncio.gather(*reading)
        dropped = [page for page in pages if page.code is not None]
        silence = max(page.quiet_for() for page in pages)
        frames = sum(page.frames for page in pages) / len(pages) / plan.seconds
        caught_up = [await one.catch_up(await _newest(server)) for one in slow]
    for page in pages:
        page.leave()
    return [*_counts(plan, pages, dropped), *_times(plan, silence, frames, visitor), *_slow(plan, caught_up)]


def _counts(plan: _Plan, pages: Sequence[Follower], dropped: Sequence[Follower]) -> list[Figure]:
    refused = sum(page.refused > 0 for page in pages)
    name = f"{plan.pages:,} sockets for {plan.seconds:g} s"
    return [
        Figure(f"{name}: refused", "0", str(refused), refused == 0),
        Figure(f"{name}: dropped", "0", str(len(dropped)), not dropped),
    ]


def _times(plan: _Plan, silence: float, frames: float, visitor: Visitor) -> list[Figure]:
    slow = quantile(visitor.took, 0.99)
    return [
        Figure("the longest time without a frame on any of them", f"{SILENCE:g} s", f"{silence:.1f} s", silence <= SILENCE, timed=True),
        Figure("frames a second on one of them", "at least 0.5", f"{frames:.2f}", frames >= 0.5, timed=True),
        Figure("another client's p99", "100 ms", in_ms(slow), slow <= 0.1, timed=True),
    ]


def _slow(plan: _Plan, caught_up: Sequence[float | None]) -> list[Figure]:
    alive = [seconds for seconds in caught_up if seconds is not None]
    longest = max(alive, default=0.0)
    return [
        Figure(f"readers of 1 kB/s for {plan.seconds:g} s: still open", f"{plan.slow}", f"{len(alive)}", len(alive) == plan.slow),
        Figure("they have the newest state after", f"{CATCH_UP:g} s", f"{longest:.1f} s", longest <= CATCH_UP, timed=True),
    ]


def _memory(plan: _Plan, peak: Peak) -> Figure:
    return Figure(
        f"memory, with {plan.finished:,} finished and {plan.running:,} running tasks",
        "250 MB",
        f"{peak.most / 1e6:,.0f} MB",
        peak.most <= MEMORY,
        timed=True,
    )


async def _newest(server: Server) -> int:
    """The highest version of any task the list shows now."""
    async with Client(server.port) as client:
        return max(int(task["version"]) for task in await every(client, "/api/v2/tasks", most=1))
