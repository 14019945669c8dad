"""With 1,000 tasks running and as many waiting for their slots, one running task after another is cancelled. The time is from the moment
before the request is sent to the moment in which the handler gets its CancelledError, both by this machine's monotonic clock."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from soak.client import Client, until
from soak.figures import Figure, in_ms, quantile
from soak.handlers import noted_lines
from soak.server import serving

PACE = 0.02  # seconds from one cancel to the next


async def run(full: bool, folder: Path) -> list[Figure]:
    """In memory, and with a journal."""
    running, cancels = (1000, 1000) if full else (50, 50)
    figures = []
    for journal in (False, True) if full else (False,):
        figures += await _cancelled(folder / f"journal-{journal}", running, cancels, journal=journal)
    return figures


async def _cancelled(folder: Path, running: int, cancels: int, *, journal: bool) -> list[Figure]:
    notes = folder / "notes.txt"
    variables = {"IOTASK_LIMITS": f"noted={running}", "IOTASK_GRACE_SECONDS": "0"}
    variables |= {"IOTASK_JOURNAL": str(folder / "tasks.journal")} if journal else {}
    with serving(folder, **variables) as server:
        async with Client(server.port) as client:
            wanted = {"type": "noted", "params": {"file": str(notes)}}
            ids = (await client.ask("POST", "/api/v2/tasks/bulk", {"tasks": [wanted] * (running + cancels)})).json["ids"]
            await until(lambda: _noted(notes, "began", running))
            asked = {task: await _cancel(client, task) for task in ids[:cancels]}
            await until(lambda: _noted(notes, "told", cancels))
    told = {task: float(at) for _, task, _, at in noted_lines(notes, "told")}
    took = [told[task] - at for task, at in asked.items() if task in told]
    name = f"{cancels:,} cancels, {running:,} running, {'journal' if journal else 'memory'}"
    found = f"{in_ms(quantile(took, 0.5))} in the median, {in_ms(quantile(took, 0.99))} at p99, {in_ms(max(took))} at most"
    return [
        Figure(f"{name}: handlers that heard of it", f"{cancels:,}", f"{len(took):,}", len(took) == cancels),
        Figure(f"{name}: heard within", "100 ms at p99", found, quantile(took, 0.99) <= 0.1, timed=True),
    ]


async def _cancel(client: Client, task: str) -> float:
    asked = time.monotonic()
    answer = await client.ask("POST", f"/api/v2/tasks/{task}/cancel")
    assert answer.status == 202, answer.body
    await asyncio.sleep(max(0.0, asked + PACE - time.monotonic()))
    return asked


async def _noted(notes: Path, word: str, count: int) -> bool:
    return len(noted_lines(notes, word)) >= count
