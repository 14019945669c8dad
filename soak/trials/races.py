"""Timeouts and cancels that come in the very moment in which the handler returns: ten thousand of each kind, by a real clock."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from pathlib import Path

from soak.figures import Figure
from tasks_app.engine.context import Context
from tasks_app.engine.engine import Engine
from tasks_app.engine.errors import EngineError
from tasks_app.engine.events import Change
from tasks_app.engine.launch import LaunchRequest
from tasks_app.engine.limits import Limits
from tasks_app.engine.ports import SystemClock
from tasks_app.engine.registry import Params, Registry, task_type
from tasks_app.engine.store import Store
from tasks_app.engine.task import ACTIVE, TERMINAL
from tasks_app.executors.local import LocalExecutor
from tasks_app.journal.null import NullJournal

MOMENT = 0.02  # seconds after which a handler returns, its time is up, or somebody cancels it
AT_ONCE = 500


@task_type("momentary")
async def momentary(params: Params, context: Context) -> str:
    """Returns after a moment."""
    await context.sleep(MOMENT)
    return "done"


async def run(full: bool, folder: Path) -> list[Figure]:
    """Each race is run by a task of its own; what counts is what the store announced."""
    count = 10_000 if full else 500
    changes: list[Change] = []
    engine = _engine(changes)
    await engine.start()
    for kind in ("timeout", "cancel"):
        for _ in range(0, count, AT_ONCE):
            await _race(engine, kind)
    await engine.drain(5)
    ends = Counter(change.task.id for change in changes if _is_end(change))
    odd = sum(times != 1 for times in ends.values()) + 2 * count - len(ends)
    ordered = [change.version for change in changes] == list(range(1, len(changes) + 1))
    words = Counter(change.after.status.value for change in changes if change.after and _is_end(change))
    return [
        Figure("races", "each has one end", f"{2 * count:,}, {odd} with another number of ends", odd == 0),
        Figure("versions", "rise by one", "they do" if ordered else "they do not", ordered),
        Figure("how they ended", "either way", ", ".join(f"{n:,} {word}" for word, n in sorted(words.items())), bool(words)),
        Figure("slots taken in the end", "0", str(engine.queues.running), engine.queues.running == 0),
    ]


def _engine(changes: list[Change]) -> Engine:
    registry, store = Registry(), Store()
    registry.register(momentary)
    engine = Engine(
        store=store,
        registry=registry,
        executor=LocalExecutor(),
        journal=NullJournal(),
        clock=SystemClock(),
        limits=Limits(keep_finished=1_000_000),
    )
    store.listen(changes.extend)
    return engine


async def _race(engine: Engine, kind: str) -> None:
    timeout = MOMENT if kind == "timeout" else None
    tasks = [engine.submit(LaunchRequest(type="momentary", timeout=timeout)) for _ in range(AT_ONCE)]
    if kind == "cancel":
        await asyncio.sleep(MOMENT)
        for number, task in enumerate(tasks):
            with suppress(EngineError):  # it was faster
                engine.cancel(task.id)
            if number % 10 == 0:
                await asyncio.sleep(0)
    while sum(engine.store.counts[status] for status in ACTIVE):  # noqa: ASYNC110 - the engine has no event for that
        await asyncio.sleep(MOMENT)


def _is_end(change: Change) -> bool:
    before, after = change.before, change.after
    return after is not None and after.status in TERMINAL and (before is None or before.status is not after.status)
