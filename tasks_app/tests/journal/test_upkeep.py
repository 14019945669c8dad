"""What a journal does beside writing: it forgets what is old, bounds its log, tells of a slow disk, copies itself, reads older schemas."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tasks_app.engine.errors import JournalFailed
from tasks_app.engine.store import Store
from tasks_app.engine.task import Status, Task, finished
from tasks_app.journal import file, sqlite
from tasks_app.journal.sqlite import SqliteJournal
from tasks_app.tests.engine.leaks import until
from tasks_app.tests.engine.records import DONE, IN_STATUS, a_task, begun
from tasks_app.tests.journal.lives import files_of, kept

SCHEMAS = Path(__file__).parent / "schemas"


def ended(number: int, at: float) -> Task:
    return replace(finished(begun(a_task(number)), DONE, monotonic=11.0), ended_at=at)


# -- what is old


def _with_old_rows(path: Path, count: int) -> None:
    made = file.JournalFile(path)
    made.write({number: ended(number, at=float(count - number)) for number in range(1, count + 1)}, {"number": count + 1})
    made.write({count + 1: a_task(count + 1)}, {"number": count + 2})
    made.close()


def test_of_many_old_rows_those_that_ended_last_are_loaded_and_the_rest_leaves_by_and_by(path: Path) -> None:
    _with_old_rows(path, 3000)
    journal = SqliteJournal(path)
    sizes: list[int] = []
    write = journal._file.write

    def counted(tasks: Any, sequences: Any, records: Any) -> None:
        sizes.append(len(tasks))
        write(tasks, sequences, records)

    journal._file.write = counted  # type: ignore[method-assign, assignment]
    found = journal.load(keep=100)
    assert [task.number for task in found.tasks] == [*range(1, 101), 3001], "whatever is not over is kept as well"
    assert found.next_number == 3002
    assert until(lambda: sum(sizes) == 2900)
    assert max(sizes) <= sqlite.OLD_A_COMMIT
    journal.close()
    assert sorted(kept(path)) == [*range(1, 101), 3001]


async def test_a_launch_does_not_wait_until_all_that_is_old_has_left(path: Path) -> None:
    _with_old_rows(path, 3000)
    journal, store = SqliteJournal(path), Store()
    store.listen(journal.record)
    found = journal.load(keep=0)
    store.restore(found.tasks, next_number=found.next_number)
    store.add([a_task(store.next_number())])
    await asyncio.wait_for(journal.settled(store.version), 60)
    assert journal._old, "the launch was safe before"
    journal.close()
    assert 3002 in kept(path)


# -- its log


async def test_one_commit_brings_no_more_than_its_share_of_a_great_many(
    journal: SqliteJournal, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "COMMIT_BYTES", 50_000)
    store = Store()
    store.listen(journal.record)
    sizes: list[int] = []
    write, go = journal._file.write, threading.Event()

    def slow(tasks: Any, sequences: Any, records: Any) -> None:
        sizes.append(len(tasks))
        go.wait(60)
        write(tasks, sequences, records)

    monkeypatch.setattr(journal._file, "write", slow)
    for _ in range(300):
        store.add([a_task(store.next_number(), params=b'"' + b"x" * 1000 + b'"')])
    go.set()
    await asyncio.wait_for(journal.settled(store.version), 60)
    assert sum(sizes) == 300
    assert max(sizes) <= 26
    journal.close()
    assert len(kept(path)) == 300


async def test_a_log_of_any_size_is_taken_in_at_the_start_and_a_lost_one_leaves_an_older_state(journal: SqliteJournal, path: Path) -> None:
    store = Store()
    store.listen(journal.record)
    journal._file._database.execute("PRAGMA wal_autocheckpoint = 0")
    for _ in range(50):
        store.add([a_task(store.next_number(), params=b'"' + b"x" * 4000 + b'"')])
        await asyncio.wait_for(journal.settled(store.version), 60)
    for name, lost in (("whole", False), ("lost", True)):
        folder = path.parent / name
        folder.mkdir()
        for found in files_of(path):
            (folder / found.name).write_bytes(b"" if lost and found.name.endswith("-wal") else found.read_bytes())
        if lost:
            (folder / "j-wal").unlink()
        (folder / "j-shm").write_bytes(b"of some other process" * 2000)
        assert len(kept(folder / "j")) == (0 if lost else 50)
        assert not (folder / "j-wal").exists() or (folder / "j-wal").stat().st_size == 0


# -- a slow disk


async def test_a_disk_that_takes_its_time_holds_up_those_who_wait_and_nobody_else(
    journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "SLOW", 0.2)
    store = Store()
    store.listen(journal.record)
    write, go = journal._file.write, threading.Event()

    def slow(tasks: Any, sequences: Any, records: Any) -> None:
        go.wait(60)
        write(tasks, sequences, records)

    monkeypatch.setattr(journal._file, "write", slow)
    store.add([a_task(store.next_number())])
    waits = asyncio.create_task(journal.settled(store.version))
    turns = 0
    while not journal.behind or turns <= 10:
        await asyncio.sleep(0.001)
        store.add([a_task(store.next_number())])
        turns += 1
    assert not waits.done(), "the loop went on, and so did the store"
    assert journal.trouble == ""
    go.set()
    await asyncio.wait_for(waits, 60)
    await asyncio.wait_for(journal.settled(store.version), 60)
    assert journal.behind == ""


async def test_one_who_cannot_be_told_for_want_of_memory_is_told_later(journal: SqliteJournal) -> None:
    store = Store()
    store.listen(journal.record)
    told: list[str] = []
    failures = iter([MemoryError()])

    def call(name: str, error: JournalFailed | None) -> None:
        for none_left in failures:
            raise none_left
        told.append(name)

    store.add([a_task(store.next_number())])
    for name in ("first", "second"):
        journal.when_settled(store.version, partial(call, name), patient=True)
    assert until(lambda: sorted(told) == ["first", "second"])


# -- copies


async def test_a_copy_is_a_journal_of_its_own_made_between_two_commits(journal: SqliteJournal, path: Path) -> None:
    store = Store()
    store.listen(journal.record)
    for make in IN_STATUS.values():
        number = store.next_number()
        store.add([replace(make(), id=f"id-{number}", number=number)])
    await asyncio.wait_for(journal.settled(store.version), 60)
    told: list[str] = []
    journal.copy(path.parent / "copy", told.append)
    assert await asyncio.to_thread(until, lambda: told == [""])
    assert (path.parent / "copy").stat().st_mode & 0o077 == 0
    assert kept(path.parent / "copy") == {task.number: task for task in store.many(range(100))}
    assert not (path.parent / "copy.part").exists()


async def test_a_copy_that_cannot_be_made_is_told_and_the_journal_goes_on(journal: SqliteJournal, path: Path) -> None:
    told: list[str] = []
    journal.copy(path.parent / "nowhere" / "copy", told.append)
    assert await asyncio.to_thread(until, lambda: bool(told))
    assert "could not be copied" in told[0]
    store = Store()
    store.listen(journal.record)
    store.add([a_task(store.next_number())])
    await asyncio.wait_for(journal.settled(store.version), 60)


def test_a_second_connection_is_refused_so_that_no_other_program_can_touch_its_log(journal: SqliteJournal, path: Path) -> None:
    store = Store()
    store.listen(journal.record)
    store.add([a_task(store.next_number())])
    other = sqlite3.connect(path, timeout=0)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("SELECT count(*) FROM tasks").fetchone()
    other.close()


# -- older schemas


@pytest.mark.parametrize("schema", sorted(SCHEMAS.glob("*.sql")), ids=lambda path: path.stem)
def test_a_journal_of_each_older_schema_is_read(schema: Path, path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.executescript(schema.read_text())
    database.close()
    made = file.JournalFile(path)
    found, _ = made.load()
    made.close()
    assert [task.status for task in found.tasks] == list(Status)
    assert [task.params for task in found.tasks] == [b'{"value":21}'] * len(Status)
    assert {task.id for task in found.tasks} == {f"id-{number}" for number in range(1, len(Status) + 1)}
    assert (found.next_number, found.serials, found.ahead) == (len(Status) + 1, {"jobs": 3}, [("jobs", 7)])
    assert found.records == ({} if schema.stem == "1" else {"schedule:a": b"\x80"})
    with sqlite3.connect(path) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (len(file.MIGRATIONS),)
    database.close()


def test_there_is_a_journal_of_each_schema_that_ever_was() -> None:
    """Made with `sqlite3 tasks.journal .dump` and its two pragmas, before the schema changes."""
    assert [int(schema.stem) for schema in sorted(SCHEMAS.glob("*.sql"))] == list(range(1, len(file.MIGRATIONS) + 1))
