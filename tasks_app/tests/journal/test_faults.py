"""A journal whose n-th write fails, for every n: nothing that was acknowledged is missing, nothing is half there, and it heals."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tasks_app.engine.errors import JournalFailed
from tasks_app.engine.store import Store
from tasks_app.engine.task import Outcome, OutcomeKind, Task, cancel_requested, finished, started
from tasks_app.journal import sqlite
from tasks_app.journal.file import JournalFile
from tasks_app.journal.sqlite import SqliteJournal
from tasks_app.tests.engine.records import a_task
from tasks_app.tests.journal.lives import after_a_crash, kept

STEPS = 8


class Fails:
    """Takes the place of a journal's write: the n-th fails, before anything is written or after all but the commit is."""

    def __init__(self, journal: SqliteJournal, nth: int, late: bool) -> None:
        self._file = journal._file
        self._write = journal._file.write
        self._nth = nth
        self._late = late
        self.calls = 0
        journal._file.write = self  # type: ignore[method-assign, assignment]

    def __call__(self, tasks: Any, sequences: Any, records: Any) -> None:
        self.calls += 1
        if self.calls != self._nth:
            self._write(tasks, sequences, records)
        elif self._late:
            _all_but_the_commit(self._file, partial(self._write, tasks, sequences))
        else:
            raise sqlite3.OperationalError("disk I/O error")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "RETRY", 0.01)


@pytest.mark.parametrize("late", [False, True], ids=["before it begins", "at the commit"])
@pytest.mark.parametrize("nth", range(1, STEPS + 2))
async def test_the_nth_write_fails(tmp_path: Path, nth: int, late: bool) -> None:
    journal, store = SqliteJournal(tmp_path / "j"), Store()
    store.listen(journal.record)
    fails = Fails(journal, nth, late)
    for count, step in enumerate(_life(store)):
        number = step()
        try:
            await asyncio.wait_for(journal.settled(store.version), 60)
        except JournalFailed:
            continue
        found = after_a_crash(tmp_path / "j", tmp_path / f"crash{count}")
        assert found.get(number) == store.by_number(number)  # what was acknowledged is in the files as they are
    healed = asyncio.Event()
    loop = asyncio.get_running_loop()
    journal.when_settled(store.version, lambda _: loop.call_soon_threadsafe(healed.set), patient=True)
    await asyncio.wait_for(healed.wait(), 60)
    assert fails.calls >= min(nth, STEPS)
    journal.close()
    assert kept(tmp_path / "j") == {task.number: task for task in store.many(range(100))}


def _life(store: Store) -> list[Callable[[], int]]:
    """Steps in the lives of three tasks; each makes one change and says whose it was."""

    def add(number: int) -> int:
        store.add([a_task(store.next_number())])
        return number

    def update(number: int, change: Callable[[Task], Task | None]) -> int:
        assert store.update(number, change) is not None
        return number

    def delete(number: int) -> int:
        assert store.delete(number) is not None
        return number

    done = Outcome(kind=OutcomeKind.COMPLETED, result=b"1")
    steps: list[Callable[[], int]] = [partial(add, number) for number in (1, 2, 3)]
    steps.append(partial(update, 1, lambda task: started(task, at=60.0, monotonic=1.0)))
    steps.append(partial(update, 2, lambda task: cancel_requested(task, by="a", reason="b", at=61.0, monotonic=1.0)))
    steps.append(partial(update, 1, lambda task: finished(task, done, monotonic=2.0)))
    steps += [partial(delete, 3), partial(delete, 2)]
    assert len(steps) == STEPS
    return steps


def _all_but_the_commit(file: JournalFile, write: Callable[[], None]) -> None:
    """Run a write whose COMMIT fails: SQLite is told to find no room for it."""
    file._database.set_authorizer(lambda action, name, *_: sqlite3.SQLITE_DENY if name == "COMMIT" else sqlite3.SQLITE_OK)
    try:
        with pytest.raises(sqlite3.Error):
            write()
    finally:
        file._database.set_authorizer(None)
    assert not file._database.in_transaction
    raise sqlite3.OperationalError("disk I/O error")
