"""Two Celery workers, two dashboards, one Valkey: a worker is killed in the middle, then the broker is killed and comes back empty."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from soak import handlers
from soak.client import Client
from soak.figures import Figure
from soak.handlers import noted_lines
from soak.server import Server, serving
from tasks_app.tests.celery.site import Broker, Worker, broker, worker

ENDED = ("completed", "failed", "cancelled", "interrupted")
PATIENCE = 150.0  # seconds
AWAY = 3.0  # seconds that the broker is gone
SLOTS = 50  # of each worker
PAGE = 200


@dataclass
class Seen:
    """What one dashboard showed while tasks ran: those whose progress it saw."""

    client: Client
    moving: set[str] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)

    async def look(self) -> None:
        """Ask it for its running tasks and its counters."""
        cursor: str | None = ""
        while cursor is not None:
            asked = f"/api/v2/tasks?status=processing&type=stepped&limit={PAGE}" + (f"&cursor={cursor}" if cursor else "")
            page = (await self.client.ask("GET", asked)).json
            self.moving |= {task["id"] for task in page["items"] if (task["progress"] or {}).get("current")}
            cursor = page["next"]
        for status in ENDED:
            total = (await self.client.ask("GET", f"/api/v2/tasks?status={status}&type=stepped&limit=1")).json["total"]
            self.counts[status] = total

    @property
    def ended(self) -> int:
        """How many tasks it shows as ended."""
        return sum(self.counts.values())


async def run(full: bool, folder: Path) -> list[Figure]:
    """A thousand tasks, or a few."""
    count, seconds = (1000, 10.0) if full else (40, 4.0)
    notes = folder / "notes"
    with ExitStack() as stack:
        valkey = stack.enter_context(broker(folder))
        first = stack.enter_context(_worker(valkey, folder, "first"))
        stack.enter_context(_worker(valkey, folder, "second"))
        servers = [stack.enter_context(_dashboard(valkey, folder / name)) for name in ("one", "two")]
        async with _seeing(servers) as dashboards:
            accepted = await _launch(dashboards[0].client, count, seconds, notes)
            await _until(dashboards, lambda: dashboards[0].ended >= count * 0.1)
            first.kill()
            stack.enter_context(_worker(valkey, folder, "third"))
            await _until(dashboards, lambda: dashboards[0].ended >= count * 0.5)
            valkey.kill()
            await asyncio.sleep(AWAY)
            valkey.start()
            began = time.monotonic()
            await _until(dashboards, lambda: all(seen.ended >= len(accepted) for seen in dashboards))
            took = time.monotonic() - began
        log = servers[0].process.log
    return _figures(accepted, dashboards, Counter(str(line.get("task")) for line in log if line["event"] == "task_completed"), notes, took)


def _figures(accepted: list[str], dashboards: list[Seen], settled: Counter[str], notes: Path, took: float) -> list[Figure]:
    count, (one, two) = len(accepted), dashboards
    began = Counter(words[1] for words in noted_lines(notes, "began"))
    lost = [task for task in accepted if not settled[task]]
    doubled = [task for task in accepted if settled[task] > 1]
    again = sum(times > 1 for times in began.values())
    return [
        Figure("tasks accepted", "all", f"{count:,}", count > 0),
        Figure("of them finished", f"{count:,}", f"{one.counts['completed']:,}", one.counts["completed"] == count),
        Figure("lost", "0", f"{len(lost)}", not lost),
        Figure("settled twice", "0", f"{len(doubled)}", not doubled),
        Figure("begun again by another worker, as theirs was killed", "at least 1", f"{again}", again >= 1, timed=True),
        Figure("the second dashboard shows as finished", f"{count:,}", f"{two.counts['completed']:,}", two.counts["completed"] == count),
        Figure(
            "tasks whose progress was seen while they ran, by the first and by the second",
            "most, by both",
            f"{len(one.moving):,} and {len(two.moving):,}",
            min(len(one.moving), len(two.moving)) > count / 2,
            timed=True,
        ),
        Figure("all ended, after the broker was back", f"{PATIENCE:g} s", f"{took:.1f} s", took <= PATIENCE, timed=True),
    ]


def _worker(valkey: Broker, folder: Path, name: str) -> AbstractContextManager[Worker]:
    return worker(valkey.url, folder, name, "threads", SLOTS, handlers.MODULE)


def _dashboard(valkey: Broker, folder: Path) -> AbstractContextManager[Server]:
    return serving(folder, IOTASK_EXECUTOR="celery", IOTASK_BROKER_URL=valkey.url)


@asynccontextmanager
async def _seeing(servers: list[Server]) -> AsyncIterator[list[Seen]]:
    clients = [Client(server.port) for server in servers]
    yield [Seen(client) for client in clients]
    for client in clients:
        client.close()


async def _launch(client: Client, count: int, seconds: float, notes: Path) -> list[str]:
    task = {"type": "stepped", "params": {"file": str(notes), "seconds": seconds, "steps": 10}}
    answer = await client.ask("POST", "/api/v2/tasks/bulk", {"tasks": [task] * count})
    return list(answer.json["ids"])


async def _until(dashboards: list[Seen], holds: Callable[[], bool]) -> None:
    """Look at both until it holds, or patience ends: figures tell."""
    end = time.monotonic() + PATIENCE
    while True:
        for seen in dashboards:
            await seen.look()
        if holds() or time.monotonic() > end:
            return
        await asyncio.sleep(0.5)
