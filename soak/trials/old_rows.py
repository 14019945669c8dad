"""A journal with a million tasks that ended long ago, of which ten thousand are kept: how long the start takes, and how the others leave
while tasks are launched."""

from __future__ import annotations

import asyncio
import sqlite3
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from soak.client import Client, launched
from soak.figures import Figure, in_mib, in_ms, quantile
from soak.server import Server, serving
from tasks_app.engine.task import Outcome, OutcomeKind, Status, Task, finished, started
from tasks_app.journal.file import JournalFile
from tasks_app.journal.sqlite import SqliteJournal

DONE = Outcome(kind=OutcomeKind.COMPLETED, result=b'{"value":42}')
AT_ONCE = 10_000
QUIET = 6.0  # seconds without a write after which nothing more is to come: a process may stand still for some
MOST_TO_START, MOST_A_BATCH = 10.0, 0.05  # seconds


async def run(full: bool, folder: Path) -> list[Figure]:
    """Rows that are written as the server writes them, a start, and a while after it."""
    rows, keep = (1_000_000, 10_000) if full else (5_000, 100)
    journal = folder / "tasks.journal"
    await asyncio.to_thread(_write, journal, rows)
    batches = await asyncio.to_thread(_batches, journal, keep)
    began = time.monotonic()
    with serving(folder, IOTASK_JOURNAL=str(journal), IOTASK_KEEP_FINISHED=str(keep), IOTASK_KEEP_HOURS="1000000") as server:
        took = time.monotonic() - began
        answers = await _launches(server, 200 if full else 10)
        held = server.sample().rss
        left = await asyncio.to_thread(_left, server, journal)
    return [
        Figure(f"start with {rows:,} old rows", f"<= {MOST_TO_START:g} s", f"{took:.1f} s", took <= MOST_TO_START, timed=True),
        Figure("memory then", "<= 250 MiB", in_mib(held), held <= 250 * 2**20, timed=True),
        Figure(
            "slowest batch of old rows that leaves",
            f"<= {in_ms(MOST_A_BATCH)}",
            in_ms(max(batches)),
            max(batches) <= MOST_A_BATCH,
            timed=True,
        ),
        Figure("launches meanwhile, p99", "answered", in_ms(quantile(answers, 0.99)), True),
        Figure("rows in the file in the end", f"<= {keep:,} that ended", f"{left:,}", left <= keep + len(answers)),
    ]


def _write(path: Path, rows: int) -> None:
    file = JournalFile(path)
    for first in range(1, rows + 1, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, rows + 1))
        file.write({number: _ended(number) for number in numbers}, {"number": numbers[-1] + 1})
    file.close()


def _ended(number: int) -> Task:
    task = Task(
        id=str(uuid.uuid4()),
        number=number,
        type="double",
        params=b'{"value":21}',
        created_at=1e9 + number,
        status=Status.PENDING,
        tags=("old",),
    )
    return finished(started(task, at=1e9 + number, monotonic=1.0), DONE, monotonic=2.0)


def _batches(path: Path, keep: int) -> list[float]:
    """The seconds of the first commits in which old rows leave."""
    journal = SqliteJournal(path)
    write: Callable[..., None] = journal._file.write
    took: list[float] = []

    def timed(*args: object) -> None:
        began = time.perf_counter()
        write(*args)
        took.append(time.perf_counter() - began)

    journal._file.write = timed  # type: ignore[method-assign, assignment]
    journal.load(keep)
    end = time.monotonic() + 30
    while len(took) < 5 and time.monotonic() < end:
        time.sleep(0.01)
    journal.close()
    return took


async def _launches(server: Server, count: int) -> list[float]:
    took = []
    async with Client(server.port) as client:
        for _ in range(count):
            began = time.monotonic()
            await launched(client, "double", value=21)
            took.append(time.monotonic() - began)
    return took


def _left(server: Server, journal: Path) -> int:
    """Rows in the file once it has not been written to for a while; the server is ended for it."""
    log, end = Path(f"{journal}-wal"), time.monotonic() + 300
    while time.time() - log.stat().st_mtime < QUIET and time.monotonic() < end:
        time.sleep(0.1)
    server.kill()
    with closing(sqlite3.connect(journal)) as database:
        return int(database.execute("SELECT count(*) FROM tasks").fetchone()[0])
