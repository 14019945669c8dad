"""A server with a journal is killed with SIGKILL at random moments under load, and started again on the same journal and port: eight
clients launch one by one, in bulk and through four dialects, cancel, delete and retry. One kill in ten comes while the server still reads
its journal."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from soak.after import Runs, back_again, lost, unwritten, went_on
from soak.client import GONE, Client, every, until
from soak.figures import Figure, quantile
from soak.load import Book, Caller
from soak.server import Server, starting

CLIENTS, RATE = 8, 500  # requests a second, of all together
LONGEST = 1.0  # seconds under load before a kill
EARLY = 0.1  # of the kills come before the server is ready


class _Place(NamedTuple):
    """Where it happens: the folder, its port, and what stays from one server to the next."""

    folder: Path
    port: int
    book: Book

    @property
    def notes(self) -> Path:
        return self.folder / "notes.txt"

    @property
    def journal(self) -> Path:
        return self.folder / "tasks.journal"


class _Seen:
    """What was seen on the way."""

    def __init__(self) -> None:
        self.kills = 0
        self.ready: list[float] = []  # seconds from the start of a process to its first good answer
        self.starved: list[float] = []  # of these, seconds in which other programs had the processors
        self.lost: list[str] = []
        self.loaded = 0.0  # seconds under load


async def run(full: bool, folder: Path) -> list[Figure]:
    """So many kills, and a look at everything after the last."""
    place, seen = _Place(folder, 0, Book()), _Seen()
    before: tuple[list[str], list[tuple[str, str]]] = ([], [])
    while seen.kills < (200 if full else 2):
        if full and random.random() < EARLY:
            await _killed_early(place, seen)
        with _server(place) as (server, began):
            await _ready(server, began, seen)
            place = place._replace(port=server.port)
            before = await _round(server, place, seen, before)
        seen.kills += 1
    return await _in_the_end(place, seen)


@contextmanager
def _server(place: _Place) -> Iterator[tuple[Server, float]]:
    began = time.monotonic()
    with starting(
        place.folder,
        place.port,
        IOTASK_JOURNAL=str(place.journal),
        IOTASK_LIMITS="noted=100,noted_again=100,long_computation=50",
        IOTASK_KEEP_FINISHED="1000000",
        IOTASK_KEEP_MB="1000000",
        IOTASK_PING_COUNT="1",
        IOTASK_JOB_SECONDS="0.1",
        LOG_LEVEL="error",
        LOG_MAX_BYTES="1000000000",
    ) as process:
        yield Server(process), began


async def _killed_early(place: _Place, seen: _Seen) -> None:
    with _server(place) as (server, _):
        await asyncio.sleep(random.uniform(0.5, 2.0))
        server.kill()
    seen.kills += 1


async def _ready(server: Server, began: float, seen: _Seen) -> None:
    async with Client(server.port) as client:
        while True:
            try:
                if (await client.ask("GET", "/readyz")).good:
                    seen.ready.append(time.monotonic() - began)
                    seen.starved.append(server.starved())
                    return
            except GONE:
                assert time.monotonic() - began < 60, "it does not start"
            await asyncio.sleep(0.01)


async def _round(
    server: Server, place: _Place, seen: _Seen, before: tuple[list[str], list[tuple[str, str]]]
) -> tuple[list[str], list[tuple[str, str]]]:
    """Look for what the round before launched, while others already launch; then kill."""
    known, answered, over = len(place.book.elsewhere), place.book.answers.total(), asyncio.Event()
    callers = [Caller(server.port, place.book, place.notes, RATE / CLIENTS, over) for _ in range(CLIENTS)]
    calling = [asyncio.create_task(caller.call()) for caller in callers]
    began = time.monotonic()
    async with Client(server.port) as client:
        seen.lost += await lost(client, place.book, *before)
    await until(lambda: _under_load(place.book, answered, callers))
    await asyncio.sleep(random.uniform(0.1, LONGEST))
    server.kill()
    over.set()
    await asyncio.gather(*calling)
    seen.loaded += time.monotonic() - began
    return [task for caller in callers for task in caller.launched], place.book.elsewhere[known:]


async def _under_load(book: Book, answered: int, callers: Sequence[Caller]) -> bool:
    """Whether each client has had an answer, on average, and something was launched: a kill before finds nothing to lose."""
    return book.answers.total() - answered >= len(callers) and any(caller.launched for caller in callers)


async def _in_the_end(place: _Place, seen: _Seen) -> list[Figure]:
    """Look at every task that was ever launched."""
    book = place.book
    with _server(place) as (server, began):
        await _ready(server, began, seen)
        async with Client(server.port) as client:
            await _quiet(client)
            tasks = await every(client, "/api/v2/tasks")
            there = {task["id"] for task in tasks}
            seen.lost += sorted(book.launched - book.asked["delete"] - there)
            seen.lost += await lost(client, book, [], book.elsewhere)
            undeleted, uncancelled = await back_again(client, book), went_on(tasks, book)
        server.kill()
    runs = Runs(place.notes)
    missing, torn = unwritten(place.folder / "logs", book)
    held = len(book.elsewhere) - len(set(book.elsewhere))
    return [
        *_of_the_load(book, seen),
        _none("acknowledged tasks lost", len(set(seen.lost))),
        _none("attempts that began twice, and second ones of what runs once", len(runs.twice(tasks, book))),
        _none("acknowledged deletes undone", len(undeleted)),
        _none("acknowledged cancels undone", len(uncancelled)),
        _none("numbers of dialects given out twice", held),
        _none("acknowledged effects without a line in the audit log", missing),
        _none("lines of the audit log that are torn", torn),
        _of_the_file(place.journal),
        *_of_the_starts(seen),
        Figure("interrupted idempotent tasks that ran again", "some", str(again := runs.second(tasks, book)), again > 0, timed=True),
    ]


def _of_the_load(book: Book, seen: _Seen) -> list[Figure]:
    launched, answers = len(book.launched) + len(book.elsewhere), book.answers
    rate = sum(answers.values()) / seen.loaded
    failed = sum(count for status, count in answers.items() if status >= 500)
    effects = f"{launched:,} tasks launched, {len(book.deleted):,} deletes, {len(book.cancelled):,} cancels, {len(book.retried):,} retries"
    return [
        Figure(f"kills, at {rate:,.0f} requests a second", "all", f"{seen.kills}; acknowledged: {effects}", launched > 0),
        _none("answers 5xx", failed),
    ]


def _of_the_starts(seen: _Seen) -> list[Figure]:
    alone = [ready - starved for ready, starved in zip(seen.ready, seen.starved, strict=True)]
    return [
        Figure(what, "3 s at most", f"{quantile(took, 0.5):.2f} s in the median, {max(took):.2f} s at most", max(took) <= 3, timed=True)
        for what, took in (("ready after the start", seen.ready), ("the same, without waits for a processor", alone))
    ]


def _of_the_file(journal: Path) -> Figure:
    with closing(sqlite3.connect(journal)) as database:
        (found,) = database.execute("PRAGMA integrity_check").fetchone()
        (rows,) = database.execute("SELECT count(*) FROM tasks").fetchone()
    return Figure("SQLite's check of the journal", "ok", f"{found}, {rows:,} tasks", found == "ok")


def _none(what: str, count: int) -> Figure:
    return Figure(what, "0", f"{count:,}", count == 0)


async def _quiet(client: Client) -> None:
    """Return once nothing is being stopped any more."""
    for _ in range(300):
        if not (await client.ask("GET", "/api/v2/tasks?status=cancelling&limit=1")).json["items"]:
            return
        await asyncio.sleep(0.1)
