"""A journal whose every commit takes two seconds: launches take as long, the loop that asks for them does not stand still."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from soak.figures import Figure, in_ms, quantile
from tasks_app.engine.engine import Engine
from tasks_app.engine.errors import JournalBehind
from tasks_app.engine.launch import LaunchRequest
from tasks_app.engine.limits import Limits
from tasks_app.engine.ports import SystemClock
from tasks_app.engine.registry import Registry
from tasks_app.engine.store import Store
from tasks_app.executors.local import LocalExecutor
from tasks_app.handlers import double
from tasks_app.journal import sqlite
from tasks_app.journal.sqlite import SqliteJournal

MOST_LAG = 0.1  # seconds


async def run(full: bool, folder: Path) -> list[Figure]:
    """Launches for a while, then more than the disk is let fall behind."""
    commit = 2.0 if full else 0.2
    journal = _slow(SqliteJournal(folder / "tasks.journal"), commit)
    engine = _engine(journal)
    waits, lags = await _launch(engine, 20.0 if full else 1.0)
    refused = _refused(engine)
    await engine.safe()
    journal.close()
    slowest, lag = max(waits), quantile(lags, 0.99)
    return [
        Figure(
            f"answer to a launch, commits of {commit:g} s",
            f"<= {2 * commit + 1:g} s",
            f"{slowest:.1f} s",
            slowest <= 2 * commit + 1,
            timed=True,
        ),
        Figure("lag of the loop meanwhile, p99", f"<= {in_ms(MOST_LAG)}", in_ms(lag), lag <= MOST_LAG, timed=True),
        Figure("launches past what may wait for the disk", "503", "503" if refused else "taken", refused),
    ]


def _slow(journal: SqliteJournal, seconds: float) -> SqliteJournal:
    write = journal._file.write

    def slow(*args: Any) -> None:
        time.sleep(seconds)
        write(*args)

    journal._file.write = slow  # type: ignore[method-assign, assignment]
    return journal


def _engine(journal: SqliteJournal) -> Engine:
    registry = Registry()
    registry.discover(double)
    return Engine(
        store=Store(), registry=registry, executor=LocalExecutor(), journal=journal, clock=SystemClock(), limits=Limits()
    )  # never started: only what is accepted counts


async def _launch(engine: Engine, seconds: float) -> tuple[list[float], list[float]]:
    """How long each launch took to be safe, and how late each turn of the loop was."""
    waits: list[float] = []
    lags: list[float] = []
    under_way = set()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        under_way.add(asyncio.create_task(_one(engine, waits)))
        began = time.monotonic()
        await asyncio.sleep(0.005)
        lags.append(time.monotonic() - began - 0.005)
    await asyncio.gather(*under_way)
    return waits, lags


async def _one(engine: Engine, waits: list[float]) -> None:
    began = time.monotonic()
    engine.submit(LaunchRequest(type="double", params={"value": 21}))
    await engine.safe()
    waits.append(time.monotonic() - began)


def _refused(engine: Engine) -> bool:
    """Whether launches are refused once more of them wait for the disk than may."""
    most, sqlite.MOST_BEHIND = sqlite.MOST_BEHIND, 20
    try:
        for _ in range(5_000):
            engine.submit(LaunchRequest(type="double", params={"value": 21}))
    except JournalBehind:
        return True
    finally:
        sqlite.MOST_BEHIND = most
    return False
