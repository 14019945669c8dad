"""Handlers that do not stop, in a coroutine and in a thread: one past its timeout, one that was cancelled, and then seventeen at once."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from soak.client import Client, launched, metrics, until
from soak.figures import Figure
from soak.server import serving

TIMEOUT = 1.0
MOST = 6.0  # seconds beyond the timeout, or the cancel
TOO_MANY = 17


async def run(full: bool, folder: Path) -> list[Figure]:
    """A slot each: what waits behind a stuck handler gets its turn."""
    figures = []
    variables = {} if full else {"IOTASK_CANCEL_GRACE_SECONDS": "0.5"}
    with serving(folder, IOTASK_LIMITS="stubborn=1,stubborn_thread=1", IOTASK_GRACE_SECONDS="0", **variables) as server:
        async with Client(server.port) as client:
            for type_name in ("stubborn", "stubborn_thread") if full else ("stubborn",):
                figures += await _past_its_timeout(client, type_name)
                figures += await _cancelled(client, type_name)
            figures += await _too_many(client)
    return figures


async def _past_its_timeout(client: Client, type_name: str) -> list[Figure]:
    before = (await metrics(client))["iotask_stuck"]
    task = await launched(client, type_name, asked={"timeout": TIMEOUT})
    following = await launched(client, type_name)
    began = time.monotonic()
    await _is(client, following, lambda found: found["status"] == "processing")
    took = time.monotonic() - began
    found = await _task(client, task)
    counted = (await metrics(client))["iotask_stuck"] - before
    said = f"{found['status']}, {found['error']['type']}: {found['error']['message']}"
    await client.ask("POST", f"/api/v2/tasks/{following}/cancel?force=true")
    await _is(client, following, lambda found: found["status"] == "cancelled")
    return [
        Figure(f"{type_name} past its timeout: said of it", "failed, may still be running", said, "may still be running" in said),
        Figure(f"{type_name} past its timeout: counted as stuck", "1", f"{counted:g}", counted == 1),
        _slot(type_name, "past its timeout", TIMEOUT + MOST, took),
    ]


async def _cancelled(client: Client, type_name: str) -> list[Figure]:
    task, following = [await launched(client, type_name) for _ in range(2)]
    await _is(client, task, lambda found: found["status"] == "processing")
    began = time.monotonic()
    await client.ask("POST", f"/api/v2/tasks/{task}/cancel")
    await _is(client, following, lambda found: found["status"] == "processing")
    took = time.monotonic() - began
    found = await _task(client, task)
    for one in (task, following):
        await client.ask("POST", f"/api/v2/tasks/{one}/cancel?force=true")
        await _is(client, one, lambda found: found["status"] == "cancelled")
    return [
        Figure(
            f"{type_name} cancelled: marked", "stuck", "stuck" if found["cancel"]["stuck"] else found["status"], found["cancel"]["stuck"]
        ),
        _slot(type_name, "cancelled", MOST, took),
    ]


async def _too_many(client: Client) -> list[Figure]:
    """Those above count already: more are added until there are seventeen."""
    await client.ask("PATCH", "/api/v2/queues/stubborn", {"concurrency": TOO_MANY})
    tasks = [await launched(client, "stubborn") for _ in range(TOO_MANY - int((await metrics(client))["iotask_stuck"]))]
    for task in tasks:
        await _is(client, task, lambda found: found["status"] == "processing")
        await client.ask("POST", f"/api/v2/tasks/{task}/cancel?force=true")
    for task in tasks:
        await _is(client, task, lambda found: found["status"] == "cancelled")
    ready, alive = await client.ask("GET", "/readyz"), await client.ask("GET", "/healthz")
    said = f"{ready.status}: {ready.json.get('detail', '')}"
    return [
        Figure(f"{TOO_MANY} stuck: /readyz", "503, and why", said, ready.status == 503 and "do not stop" in said),
        Figure(f"{TOO_MANY} stuck: /healthz", "200", str(alive.status), alive.status == 200),
    ]


def _slot(type_name: str, what: str, most: float, took: float) -> Figure:
    return Figure(f"{type_name} {what}: its slot serves the next within", f"{most:g} s", f"{took:.2f} s", took <= most, timed=True)


async def _task(client: Client, task: str) -> Any:
    return (await client.ask("GET", f"/api/v2/tasks/{task}")).json


async def _is(client: Client, task: str, holds: Callable[[Any], bool]) -> None:
    async def looked() -> bool:
        return holds(await _task(client, task))

    ask: Callable[[], Awaitable[bool]] = looked
    await until(ask, every=0.01)
