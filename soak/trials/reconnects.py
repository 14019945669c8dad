"""A server is stopped with a thousand live pages open, and begins anew on the same port: all pages open their sockets again at once.

Those of the first run come without a login, those of the second with a token; sessions of people end with the server that gave them.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from soak.client import Client
from soak.figures import Figure
from soak.followers import Follower, follow, watch
from soak.server import Server, serving
from tasks_app.auth.tokens import digest_of
from tasks_app.crowds import room_for
from tasks_app.tests.processes import free_port

SYNCED = 15.0  # seconds
TASKS = 100
TOKEN = "a-token-of-a-thousand-pages"


async def run(full: bool, folder: Path) -> list[Figure]:
    """Once without a login, and in full once with one."""
    room_for(5000)
    pages = 1000 if full else 60
    figures = await _restart(folder / "open", pages, "without a login", (), {})
    if full:
        token = {"IOTASK_TOKENS": f"pages:operator:{digest_of(TOKEN)}"}
        figures += await _restart(folder / "token", pages, "with a token", (f"Authorization: Bearer {TOKEN}",), token)
    return figures


async def _restart(folder: Path, count: int, words: str, headers: Sequence[str], login: dict[str, str]) -> list[Figure]:
    variables = {**login, "IOTASK_MAX_SOCKETS_PER_USER": str(count), "IOTASK_GRACE_SECONDS": "0", "LOG_LEVEL": "warning"}
    with serving(folder / "first", free_port(), **variables) as first:
        port = first.port
        pages = await _open(first, count, headers)
        first.kill(signal.SIGTERM)
        told = await watch(lambda: all(page.code is not None for page in pages), 30)
        await asyncio.to_thread(first.process.stop)
    codes = Counter(page.code for page in pages)
    with serving(folder / "second", port, **variables) as second:
        began = time.monotonic()
        again = await follow(["/live/tasks"] * count, second.port, headers, at_once=count)
        took = time.monotonic() - began
        synced = sum(page.frames > 0 for page in again)
        for page in again:
            page.leave()
        await asyncio.to_thread(second.process.stop)
    return [
        Figure(
            f"{count:,} pages {words}: told that the server restarts (1012)", f"{count}", f"{codes[1012]}", told and codes[1012] == count
        ),
        Figure(f"{count:,} pages {words}: open again", f"{count}", f"{synced}", synced == count),
        Figure(f"{count:,} pages {words}: all show the present after", f"{SYNCED:g} s", f"{took:.1f} s", took <= SYNCED, timed=True),
    ]


async def _open(server: Server, count: int, headers: Sequence[str]) -> list[Follower]:
    if not headers:
        async with Client(server.port) as client:
            tasks = [{"type": "count", "params": {"to": 1000, "interval": 1}}] * TASKS
            assert (await client.ask("POST", "/api/v2/tasks/bulk", {"tasks": tasks})).status == 201
    return await follow(["/live/tasks"] * count, server.port, headers)
