"""Launches of many tasks: each is on disk as a whole or not at all, wherever the process dies and whatever fails, and holds up nobody."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tasks_app.engine.errors import JournalFailed
from tasks_app.engine.store import Store
from tasks_app.engine.task import Task
from tasks_app.journal import crowds, sqlite
from tasks_app.journal.file import JournalFile
from tasks_app.journal.sqlite import SqliteJournal
from tasks_app.tests.engine.records import a_task, begun
from tasks_app.tests.journal import dying
from tasks_app.tests.journal.lives import after_a_crash, kept
from tasks_app.tests.journal.test_failpoints import POINTS, Watched
from tasks_app.tests.journal.test_served import no_room, serving

MANY, PART = 25, 4  # tasks of a launch, and of a commit of it
PARTS = 7


@pytest.fixture(autouse=True)
def _small_and_impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowds, "PART", PART)
    monkeypatch.setattr(sqlite, "RETRY", 0.01)


@pytest.fixture
def store(journal: SqliteJournal) -> Store:
    made = Store()
    made.listen(journal.record)
    return made


def crowd(store: Store, count: int = MANY) -> list[Task]:
    """Tasks that are not in the store yet; as others launch meanwhile, their numbers have gaps."""
    found = []
    for index in range(count):
        found.append(a_task(store.next_number()))
        if index % 3 == 0:
            store.next_number()
    return found


def numbers(tasks: list[Task]) -> set[int]:
    return {task.number for task in tasks}


async def settled(journal: SqliteJournal, store: Store) -> None:
    await asyncio.wait_for(journal.settled(store.version), 60)


async def healed(journal: SqliteJournal, store: Store) -> None:
    done, loop = asyncio.Event(), asyncio.get_running_loop()
    journal.when_settled(store.version, lambda _: loop.call_soon_threadsafe(done.set), patient=True)
    await asyncio.wait_for(done.wait(), 60)


@pytest.mark.parametrize("point", POINTS[:5])
async def test_wherever_it_dies_all_are_there_or_none(journal: SqliteJournal, store: Store, path: Path, tmp_path: Path, point: str) -> None:
    store.add([a_task(before := store.next_number())])
    await settled(journal, store)
    tasks, found = crowd(store), list[set[int]]()

    def at(name: str) -> None:
        if name == point:
            found.append(set(after_a_crash(path, tmp_path / f"death{len(found)}")))

    journal._file._database = Watched(journal._file._database, at)  # type: ignore[assignment]
    await asyncio.wait_for(journal.keep_all(tasks), 60)
    last = len(found) - 1
    assert last + 1 == PARTS, "a commit for each part"
    whole = {before} | numbers(tasks)
    assert found == [whole if index == last and point == "after fsync" else {before} for index in range(PARTS)]
    assert set(after_a_crash(path, tmp_path / "acknowledged")) == whole


async def test_what_is_on_disk_is_not_written_again_when_the_store_takes_it_in(
    journal: SqliteJournal, store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = crowd(store)
    await asyncio.wait_for(journal.keep_all(tasks), 60)
    wrote: list[Any] = []
    write = journal._file.write

    def watched(tasks: dict[int, Task | None], *more: Any) -> None:
        wrote.extend(tasks)
        write(tasks, *more)

    monkeypatch.setattr(journal._file, "write", watched)
    store.add(tasks)
    await settled(journal, store)
    assert wrote == []
    store.update(tasks[3].number, begun)
    store.delete(tasks[4].number)
    await settled(journal, store)
    assert wrote == [tasks[3].number, tasks[4].number]
    journal.close()
    found = kept(path)
    assert set(found) == numbers(tasks) - {tasks[4].number}
    assert found[tasks[3].number] == store.by_number(tasks[3].number)


async def test_others_are_written_between_the_parts(journal: SqliteJournal, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    entered, go = threading.Event(), threading.Event()
    commits: list[set[int]] = []
    write = journal._file.write

    def watched(tasks: dict[int, Task | None], *more: Any) -> None:
        commits.append(set(tasks))
        entered.set()
        assert go.wait(60)
        write(tasks, *more)

    monkeypatch.setattr(journal._file, "write", watched)
    tasks = crowd(store)
    keeping = asyncio.create_task(journal.keep_all(tasks))
    assert await asyncio.to_thread(entered.wait, 60)
    store.add([a_task(other := store.next_number())])
    go.set()
    await settled(journal, store)
    await asyncio.wait_for(keeping, 60)
    assert [other in commit for commit in commits] == [index == 1 for index in range(PARTS)]
    assert [len(commit - {other}) for commit in commits] == [PART] * (PARTS - 1) + [MANY % PART]


@pytest.mark.parametrize("nth", range(1, PARTS + 1))
async def test_a_write_that_fails_leaves_none_and_says_so(
    journal: SqliteJournal, store: Store, path: Path, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    calls = 0
    write = journal._file.write

    def fails(*given: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == nth:
            raise sqlite3.OperationalError("disk I/O error")
        write(*given)

    monkeypatch.setattr(journal._file, "write", fails)
    with pytest.raises(JournalFailed):
        await asyncio.wait_for(journal.keep_all(crowd(store)), 60)
    store.add([a_task(after := store.next_number())])
    await healed(journal, store)
    again = crowd(store)
    await asyncio.wait_for(journal.keep_all(again), 60)
    journal.close()
    assert set(kept(path)) == {after} | numbers(again)
    assert marks(path) == []


async def test_one_who_is_cancelled_leaves_none(journal: SqliteJournal, store: Store, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entered, go = threading.Event(), threading.Event()
    write = journal._file.write

    def slow(*given: Any) -> None:
        entered.set()
        assert go.wait(60)
        write(*given)

    monkeypatch.setattr(journal._file, "write", slow)
    first, second = crowd(store), crowd(store)
    keeping = [asyncio.create_task(journal.keep_all(tasks)) for tasks in (first, second)]
    assert await asyncio.to_thread(entered.wait, 60)
    keeping[0].cancel()
    assert isinstance((await asyncio.gather(keeping[0], return_exceptions=True))[0], asyncio.CancelledError)
    go.set()
    await asyncio.wait_for(keeping[1], 60)
    journal.close()
    assert set(kept(path)) == numbers(second)
    assert marks(path) == []


async def test_what_the_store_could_not_take_in_is_forgotten(journal: SqliteJournal, store: Store, path: Path) -> None:
    tasks = crowd(store)
    await asyncio.wait_for(journal.keep_all(tasks), 60)
    store.add(tasks[:10])
    journal.disown(tasks[10:])
    journal.close()
    assert set(kept(path)) == numbers(tasks[:10])


async def test_after_the_end_and_in_trouble_nothing_is_taken(journal: SqliteJournal, store: Store, path: Path) -> None:
    journal.close()
    with pytest.raises(JournalFailed):
        await journal.keep_all(crowd(store))
    assert kept(path) == {}


async def test_numbers_of_a_launch_that_was_cut_off_are_not_given_out_again(
    journal: SqliteJournal, store: Store, path: Path, tmp_path: Path
) -> None:
    tasks, copied = crowd(store), tmp_path / "copy"
    copied.mkdir()

    def at(name: str) -> None:
        if name == "after fsync" and not any(copied.iterdir()):
            for file in path.parent.glob("j*"):
                if file.is_file() and file.suffix != ".lock":
                    shutil.copy(file, copied)

    journal._file._database = Watched(journal._file._database, at)  # type: ignore[assignment]
    await asyncio.wait_for(journal.keep_all(tasks), 60)
    assert len(marks(copied / "j")) == 1
    assert rows(copied / "j") == PART
    with closing(JournalFile(copied / "j")) as following:
        found, _ = following.load()
        assert (found.tasks, found.records, found.next_number) == ([], {}, tasks[-1].number + 1)
    assert (rows(copied / "j"), marks(copied / "j")) == (0, [])


async def test_where_there_is_no_room_to_remove_them_they_are_left_out_all_the_same(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(JournalFile(path)) as file:
        file.write({1: a_task(1), 2: a_task(2)}, {"number": 9}, {"crowd:2": crowds._encode([(2, 3)]), "other": b"x"})
    monkeypatch.setattr(JournalFile, "write", _no_room)
    with closing(JournalFile(path)) as file:
        found, _ = file.load()
    assert ([task.number for task in found.tasks], found.records, found.next_number) == ([1], {"other": b"x"}, 9)
    monkeypatch.undo()
    assert (set(kept(path)), marks(path)) == ({1}, [])


@pytest.mark.parametrize("commit", range(1, 6))
@pytest.mark.parametrize("point", ["before fsync", "after fsync"])
def test_a_server_that_is_killed_in_the_middle_of_a_launch_of_many_has_all_or_none(tmp_path: Path, commit: int, point: str) -> None:
    """Four parts; the fifth commit is that of their first attempts."""
    with (
        serving(tmp_path, "first", IOTASK_HANDLERS=dying.__name__, DIES_AT=point, DIES_AT_COMMIT=str(commit)) as server,
        httpx.Client(base_url=server.url) as client,
    ):
        launched = _many(client)
        assert launched is None or launched.status_code == 201
        server.process.wait(60)
        assert server.process.returncode == -signal.SIGKILL
    with serving(tmp_path, "second", IOTASK_LIMITS="count=1") as server, httpx.Client(base_url=server.url) as client:
        found = client.get("/api/v2/tasks?tag=many&limit=1").json()["total"]
    assert found == (dying.MANY if launched or commit > 4 or (commit == 4 and point == "after fsync") else 0)
    assert launched is None or commit == 5, "it is acknowledged only once all of it is there"


def test_without_room_a_launch_of_many_is_not_begun(tmp_path: Path) -> None:
    with serving(tmp_path, "output", LOG_LEVEL="warning") as server, httpx.Client(base_url=server.url) as client:
        no_room(server, 1)
        refused = _many(client)
        assert refused is not None
        assert (refused.status_code, refused.json()["code"]) == (507, "journal_failed")
        assert client.get("/api/v2/tasks?tag=many").json()["items"] == []


def _many(client: httpx.Client) -> httpx.Response | None:
    asked = {"type": "count", "params": {"to": 9999}, "tags": ["many"]}
    try:
        return client.post("/api/v2/tasks/bulk", json={"tasks": [asked] * dying.MANY}, timeout=60)
    except httpx.TransportError:
        return None


def marks(path: Path) -> list[str]:
    return [name for (name,) in _asked(path, "SELECT name FROM records WHERE name LIKE 'crowd:%'")]


def rows(path: Path) -> int:
    return int(_asked(path, "SELECT count(*) FROM tasks")[0][0])


def _asked(path: Path, question: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(question).fetchall()


def _no_room(*_: object) -> None:
    raise sqlite3.OperationalError("database or disk is full")
