"""The server is stopped with SIGSTOP and goes on with SIGCONT, as when a laptop sleeps or a virtual machine is paused: tasks run, start
times and timeouts fall into the pause, pages are open, and clients ask for things that the kernel keeps for it."""

from __future__ import annotations

import asyncio
import datetime
import signal
import time
from collections import Counter
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

from soak.client import Client, every, metrics, until
from soak.figures import Figure
from soak.handlers import noted_lines
from soak.page import Page
from soak.server import Server, serving

PAGES, EACH = 20, 25  # pages that are open; tasks of each kind
BACK = 10.0  # seconds after which every page shows something new again


async def run(full: bool, folder: Path) -> list[Figure]:
    """Pauses of several lengths: the last one is longer than a socket's pings wait."""
    figures = []
    with serving(folder, IOTASK_GRACE_SECONDS="0") as server:
        async with Client(server.port) as client:
            await client.ask("GET", "/api/v2/tasks")
            await asyncio.gather(*(Page(server).visit(0.3, politely=True) for _ in range(PAGES)))
            await until(lambda: _nobody_is_there(server, client))
            base = server.sample().descriptors
            for seconds in (3.0, 15.0, 45.0) if full else (1.5,):
                figures += await _paused(server, client, folder / f"notes-{seconds:g}.txt", seconds)
            await until(lambda: _nobody_is_there(server, client))
            with suppress(AssertionError):  # one may be closed a moment later: the figure tells
                await until(lambda: _no_more_than(server, base))
            after = server.sample().descriptors
    return [*figures, Figure("descriptors before and after", str(base), str(after), after <= base)]


async def _no_more_than(server: Server, descriptors: int) -> bool:
    return server.sample().descriptors <= descriptors


async def _nobody_is_there(server: Server, client: Client) -> bool:
    """Whether no socket is open but that of this client."""
    found = await metrics(client)
    return found["iotask_running"] == 0 and server.connections() <= 1


async def _paused(server: Server, client: Client, notes: Path, seconds: float) -> list[Figure]:
    async with AsyncExitStack() as stack:
        pages = [await stack.enter_async_context(Page(server)) for _ in range(PAGES)]
        ids = await _launched(client, notes, seconds)
        await until(lambda: _all_look(pages, 0.0))
        opened = sum(page.opened for page in pages)
        server.kill(signal.SIGSTOP)
        asked = [asyncio.create_task(_asked_meanwhile(server.port)) for _ in range(EACH)]
        await asyncio.sleep(seconds)
        server.kill(signal.SIGCONT)
        went_on = time.monotonic()
        ids["meanwhile"] = [await one for one in asked]
        await until(lambda: _all_look(pages, went_on))
        back = time.monotonic() - went_on
        await until(lambda: _ended(client))
        anew = sum(page.opened for page in pages) - opened
    tasks = {task["id"]: task for task in await every(client, "/api/v2/tasks", 2_000)}
    name = f"stopped for {seconds:g} s"
    return [
        *(_kind(f"{name}: {kind}", [tasks.get(task) for task in of_kind], notes) for kind, of_kind in ids.items()),
        Figure(
            f"{name}: {PAGES} pages show something new within",
            f"{BACK:g} s",
            f"{back:.2f} s, {anew} sockets opened anew",
            back <= BACK,
            timed=True,
        ),
    ]


async def _launched(client: Client, notes: Path, seconds: float) -> dict[str, list[str]]:
    """Tasks that run on, tasks whose start time falls into the pause, and tasks whose time is up in it."""
    due = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=0.5 + seconds / 2)
    kinds: dict[str, dict[str, Any]] = {
        "running": {"params": {"file": str(notes), "seconds": seconds + 1}},
        "due meanwhile": {"params": {"file": str(notes), "seconds": 0.1}, "run_at": due.isoformat().replace("+00:00", "Z")},
        "out of time meanwhile": {"params": {"file": str(notes)}, "timeout": 0.5 + seconds / 2},
    }
    found = {}
    for kind, asked in kinds.items():
        answer = await client.ask("POST", "/api/v2/tasks/bulk", {"tasks": [{"type": "noted", **asked}] * EACH})
        found[kind] = answer.json["ids"]
    await until(lambda: _began(notes, EACH * 2))
    return found


async def _asked_meanwhile(port: int) -> str:
    async with Client(port) as client:
        answer = await client.ask("POST", "/api/v2/tasks", {"type": "double", "params": {"value": 21}})
        return str(answer.json["id"])


def _kind(name: str, tasks: list[Any], notes: Path) -> Figure:
    """Each is there, ended as it should, and began once."""
    wanted = "failed" if "out of time" in name else "completed"
    began = Counter(words[1] for words in noted_lines(notes, "began"))
    ended = sum(task is not None and task["status"] == wanted for task in tasks)
    once = sum(task is not None and len(task["attempts"]) == 1 and began.get(task["id"], 1) == 1 for task in tasks)
    return Figure(f"{name}: {wanted}, after one attempt", f"{EACH}, {EACH}", f"{ended}, {once}", (ended, once) == (EACH, EACH))


async def _all_look(pages: list[Page], since: float) -> bool:
    return all(page.latest > since for page in pages)


async def _ended(client: Client) -> bool:
    found = await metrics(client)
    return found["iotask_running"] + found["iotask_waiting"] == 0


async def _began(notes: Path, count: int) -> bool:
    return len(noted_lines(notes, "began")) >= count
