"""Handlers that do what no handler should: each holds the engine's loop for some seconds, by time.sleep, by computing without a pause, by
taking every turn there is, and by one call into C that lets no other thread run. Meanwhile a page and the API are asked again and again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from soak.client import Client, launched, until
from soak.figures import Figure, in_ms, quantile
from soak.server import Server, Visitor, serving

PATHS = {"page": "/", "API": "/api/v2/tasks?limit=50"}
MOST = 0.1  # seconds for an answer
TRIES = 5  # a machine that stands still while the loop is held leaves the watchdog no time to see it


async def run(full: bool, folder: Path) -> list[Figure]:
    """One after the other, on one server."""
    figures = []
    with serving(folder, IOTASK_GRACE_SECONDS="0") as server:
        async with Client(server.port) as client:
            for path in PATHS.values():
                await client.ask("GET", path)  # what is loaded with the first request is not counted
            async with _Asking(server) as asking:
                await asyncio.sleep(2 if full else 0.3)
            figures += asking.figures("nothing held")
            for how in ("sleep", "busy") if full else ("busy",):
                figures += await _held(server, client, how, 3.0 if full else 1.6)
            figures += await _breathless(server, client, 3.0 if full else 0.5)
            figures += await _nothing_ran(server, client, 5.0) if full else []
    return figures


async def _held(server: Server, client: Client, how: str, seconds: float) -> list[Figure]:
    said, tries = len(_of_handlers(server)), 0
    async with _Asking(server) as asking:
        while len(_of_handlers(server)) == said and tries < TRIES:
            tries += 1
            task = await launched(client, "held", how=how, seconds=seconds)
            began = time.monotonic()
            await until(lambda: _told_or_over(server, said, client, task), every=0.02)  # noqa: B023
            told = time.monotonic() - began
            await until(lambda: _completed(client, task))  # noqa: B023
    line = _of_handlers(server)[-1]
    name = f"held for {seconds:g} s by {how}"
    return [
        *asking.figures(name),
        Figure(f"{name}: the watchdog names", "task and line", f"{line['type']} {line['number']}, {_short(line)}", _is_ours(line)),
        Figure(f"{name}: the watchdog says so within", "2 s", f"{told:.2f} s", told <= 2, timed=True),
    ]


async def _breathless(server: Server, client: Client, seconds: float) -> list[Figure]:
    async with _Asking(server) as asking:
        task = await launched(client, "held", how="breathless", seconds=seconds)
        other = await launched(client, "odd")
        await until(lambda: _completed(client, other), every=0.01)
        during = not await _completed(client, task)
        await until(lambda: _completed(client, task))
    name = f"every turn taken for {seconds:g} s"
    said = "goes on and ends" if during else "waits until it is over"
    return [*asking.figures(name), Figure(f"{name}: another task", "goes on and ends", said, during, timed=True)]


async def _nothing_ran(server: Server, client: Client, seconds: float) -> list[Figure]:
    """The limit of one process: while C code holds the interpreter's lock, no thread of it answers. It is told afterwards."""
    async with _Asking(server) as asking:
        task = await launched(client, "held", how="gil", seconds=seconds)
        await until(lambda: _completed(client, task), 120)
        await until(lambda: _told(server, "process_stalled", 1), 30)
    line = _lines(server, "process_stalled")[-1]
    name = f"the interpreter's lock held for {seconds:g} s"
    return [
        Figure(f"{name}: slowest answer (a limit, not a promise)", "none", in_ms(max(asking.took)), True),
        Figure(
            f"{name}: told afterwards",
            "for how long, and why",
            f"{line['message']} At {_short(line)}",
            "C code" in line["message"],
            timed=True,
        ),
    ]


class _Asking:
    """Somebody who looks at the page and somebody who asks the API, at once."""

    def __init__(self, server: Server) -> None:
        self._visitors = {name: Visitor(server, path) for name, path in PATHS.items()}
        self._open = AsyncExitStack()

    async def __aenter__(self) -> _Asking:
        for visitor in self._visitors.values():
            await self._open.enter_async_context(visitor)
        await asyncio.sleep(0.2)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    @property
    def took(self) -> list[float]:
        """Seconds of all answers."""
        return [seconds for visitor in self._visitors.values() for seconds in visitor.took]

    def figures(self, name: str) -> list[Figure]:
        """How long answers took, and whether all came."""
        failed = sum(visitor.failed for visitor in self._visitors.values())
        return [Figure(f"{name}: requests that failed", "0", str(failed), failed == 0)] + [
            Figure(
                f"{name}: {what} answers within",
                in_ms(MOST),
                f"{in_ms(quantile(visitor.took, 0.99))} at p99, {in_ms(max(visitor.took))} at most, of {len(visitor.took):,}",
                max(visitor.took) <= MOST,
                timed=True,
            )
            for what, visitor in self._visitors.items()
        ]


def _lines(server: Server, event: str) -> list[Mapping[str, Any]]:
    return [line for line in server.process.log if line["event"] == event]


def _of_handlers(server: Server) -> list[Mapping[str, Any]]:
    """Lines that name a handler; on a machine that stands still the loop itself may be late."""
    return [line for line in _lines(server, "loop_blocked") if line.get("type")]


async def _told_or_over(server: Server, said: int, client: Client, task: str) -> bool:
    return len(_of_handlers(server)) > said or await _completed(client, task)


async def _told(server: Server, event: str, count: int) -> bool:
    return len(_lines(server, event)) >= count


async def _completed(client: Client, task: str) -> bool:
    return bool((await client.ask("GET", f"/api/v2/tasks/{task}")).json["status"] == "completed")


def _is_ours(line: Mapping[str, Any]) -> bool:
    return line["type"] == "held" and line["number"] > 0 and "soak/handlers.py:" in line["place"]


def _short(line: Mapping[str, Any]) -> str:
    """The place, without folders."""
    return str(line["place"]).rpartition("/")[2]
