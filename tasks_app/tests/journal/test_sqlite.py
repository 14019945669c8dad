"""The SQLite journal: the contract, the file it refuses, the disk that fails, and the process that is killed."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from msgspec.structs import replace

from tasks_app.engine.errors import JournalFailed, SetupError
from tasks_app.engine.ports import Journal, ahead_note
from tasks_app.engine.series import Series
from tasks_app.engine.store import Store
from tasks_app.engine.task import Task, progressed
from tasks_app.journal import file, sqlite
from tasks_app.journal.sqlite import SqliteJournal
from tasks_app.tests.engine.records import a_task, begun
from tasks_app.tests.journal.contract import JournalContract

Open = Callable[..., SqliteJournal]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tasks.journal"


@pytest.fixture
def opened(path: Path) -> Iterator[Open]:
    """Opens journals, each as a process of its own would, and closes what is left open."""
    made: list[SqliteJournal] = []

    def one(at: Path = path, **more: Any) -> SqliteJournal:
        for journal in made:
            journal.close()
        made.append(SqliteJournal(at, **more))
        return made[-1]

    yield one
    for journal in made:
        journal.close()


class TestSqliteJournal(JournalContract):
    @pytest.fixture
    def journal(self, opened: Open) -> SqliteJournal:
        return opened()

    @pytest.fixture(autouse=True)
    def _again(self, opened: Open) -> None:
        self._opened = opened

    def reopened(self, journal: Journal) -> Journal:
        return self._opened()


def kept(journal: SqliteJournal) -> list[Task]:
    return journal.load().tasks


async def test_records_come_back_whole(opened: Open) -> None:
    journal, store = opened(), Store()
    store.listen(journal.record)
    store.add([a_task(1, secrets=b'{"token":"s"}', tags=("a", "b"), params=b'{"x":1}', series="s", name="\u00e9\U0001f600")])
    store.update(1, begun)
    await journal.settled(store.version)
    before = store.by_number(1)
    assert before is not None
    assert [replace(task, version=before.version) for task in kept(opened())] == [before]


async def test_progress_alone_is_not_written_and_settles_at_once(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    journal, store = opened(), Store()
    store.listen(journal.record)
    store.add([begun()])
    await journal.settled(store.version)
    monkeypatch.setattr(journal._file, "write", lambda *_: pytest.fail("it was written"))
    store.update(1, lambda task: progressed(task, current=5, total=10, message="half", monotonic=11.0))
    await asyncio.wait_for(journal.settled(store.version), 60)


async def test_numbers_go_on_after_all_tasks_are_gone(opened: Open) -> None:
    journal, store = opened(), Store()
    store.series.open(Series("jobs", 0))
    store.listen(journal.record)
    store.add([a_task(store.next_number(), series="jobs") for _ in range(3)])
    for number in (1, 2, 3):
        store.delete(number)
    await journal.settled(store.version)
    found = opened().load()
    assert (found.tasks, found.next_number, found.serials) == ([], 4, {"jobs": 3})


async def test_many_changes_are_few_commits(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    journal, store = opened(), Store()
    store.listen(journal.record)
    commits: list[int] = []
    write = journal._file.write
    entered, go = threading.Event(), threading.Event()

    def slow(tasks: Any, sequences: Any, records: Any) -> None:
        commits.append(len(tasks))
        entered.set()
        go.wait(60)
        write(tasks, sequences, records)

    monkeypatch.setattr(journal._file, "write", slow)
    store.add([a_task(store.next_number())])
    assert entered.wait(60)
    for _ in range(500):
        store.add([a_task(store.next_number())])
    go.set()
    await asyncio.wait_for(journal.settled(store.version), 60)
    assert commits == [1, 500]


# -- a disk that fails


class Disk:
    """Takes the place of a journal's write, and fails while it is full."""

    def __init__(self, journal: SqliteJournal) -> None:
        self._write = journal._file.write
        self.full = False
        journal._file.write = self  # type: ignore[method-assign, assignment]

    def __call__(self, tasks: Any, sequences: Any, records: Any) -> None:
        if self.full:
            raise sqlite3.OperationalError("database or disk is full")
        self._write(tasks, sequences, records)


async def test_a_full_disk_is_said_to_those_who_wait_and_heals_without_loss(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "RETRY", 0.01)
    told: list[str] = []
    journal, store = opened(told=told.append), Store()
    store.listen(journal.record)
    disk = Disk(journal)
    disk.full = True
    store.add([a_task(1)])
    with pytest.raises(JournalFailed, match="disk is full"):
        await asyncio.wait_for(journal.settled(store.version), 60)
    assert "disk is full" in journal.trouble
    waited = threading.Event()
    journal.when_settled(store.version, lambda error: waited.set() if error is None else None, patient=True)
    with pytest.raises(JournalFailed):
        await asyncio.wait_for(journal.settled(store.version), 60)  # at once, while it is in trouble
    disk.full = False
    assert await asyncio.to_thread(waited.wait, 10)
    assert journal.trouble == ""
    assert [sentence.split(":")[0] for sentence in told] == ["The journal cannot be written", "The journal can be written again."]
    assert [task.number for task in kept(opened())] == [1]


def test_a_disk_that_cannot_keep_up_is_said(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "MOST_BEHIND", 10)
    journal, store = opened(), Store()
    store.listen(journal.record)
    go = threading.Event()
    monkeypatch.setattr(journal._file, "write", lambda *_: go.wait(60))
    store.add([a_task(store.next_number()) for _ in range(5)])
    while journal._collected < 5:
        threading.Event().wait(0.001)
    store.add([a_task(store.next_number()) for _ in range(11)])
    assert "too slow" in journal.behind
    assert journal.trouble == "", "it is written, only late"
    go.set()
    journal.close()
    assert journal.behind == ""


def test_the_log_before_the_file_stays_bounded(opened: Open, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file, "WAL_BYTES", 1_000_000)
    journal, store = opened(), Store()
    store.listen(journal.record)
    for _ in range(60):
        store.add([a_task(store.next_number(), params=b'"' + b"x" * 20_000 + b'"') for _ in range(5)])
        asyncio.run(journal.settled(store.version))
    assert path.with_name(f"{path.name}-wal").stat().st_size < 6_000_000  # 1,000 pages of 4 KiB, and one commit


# -- what is refused at the start


def moved(path: Path, to: Path) -> Path:
    return path.rename(to)


def refused(path: Path) -> str:
    with pytest.raises(SetupError) as caught:
        SqliteJournal(path)
    assert str(path) in str(caught.value)
    assert "IOTASK_JOURNAL" in str(caught.value)
    return str(caught.value)


def test_a_second_one_on_the_same_file_is_refused(opened: Open, path: Path) -> None:
    opened()
    assert "in use by another process" in refused(path)


def test_another_programs_database_is_refused_and_left_alone(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE orders (id INTEGER)")
    database.close()
    before = path.read_bytes()
    assert "another program" in refused(path)
    assert path.read_bytes() == before


def test_a_newer_schema_is_refused_and_left_alone(opened: Open, path: Path) -> None:
    opened().close()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    assert "newer IoTask" in refused(path)


@pytest.mark.parametrize("content", [b"not a database, whatever its name says" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_what_is_no_database_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert "cannot be used" in refused(path)
    assert path.read_bytes() == content


def test_a_damaged_record_is_refused_by_a_sentence(opened: Open, path: Path) -> None:
    opened().close()
    with sqlite3.connect(path) as database:
        database.execute("INSERT INTO tasks VALUES (1, x'c1')")
    database.close()
    with pytest.raises(SetupError, match="is damaged"):
        opened().load()


def test_a_damaged_page_is_refused_by_a_sentence(opened: Open, path: Path) -> None:
    journal, store = opened(), Store()
    store.listen(journal.record)
    store.add([a_task(store.next_number(), params=b'"' + b"x" * 500 + b'"') for _ in range(200)])
    journal.close()
    content = bytearray(path.read_bytes())
    content[3 * 4096 : 8 * 4096] = b"\x7f" * (5 * 4096)
    path.write_bytes(content)
    with pytest.raises(SetupError, match=r"is damaged|cannot be used"):
        opened().load()


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "cannot be opened" in refused(tmp_path / "nowhere" / "tasks.journal")
    assert "cannot be opened" in refused(tmp_path)


def test_only_its_owner_may_read_it(opened: Open, path: Path) -> None:
    opened()
    assert [found.stat().st_mode & 0o077 for found in path.parent.iterdir()] == [0] * len(list(path.parent.iterdir()))


def test_a_file_that_was_there_before_is_its_owners_alone_from_then_on(path: Path, opened: Open) -> None:
    path.touch(0o644)
    opened()
    assert [found.stat().st_mode & 0o077 for found in path.parent.iterdir()] == [0] * len(list(path.parent.iterdir()))


@pytest.mark.parametrize("link", [Path.symlink_to, Path.hardlink_to])
def test_another_name_of_a_journal_in_use_is_in_use(tmp_path: Path, path: Path, opened: Open, link: Callable[[Path, Path], None]) -> None:
    opened()
    link(tmp_path / "other", path)
    assert "is in use by another process" in refused(tmp_path / "other")


async def test_a_journal_that_is_moved_away_keeps_nothing_until_it_is_back(
    path: Path, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "RETRY", 0.01)
    journal = opened()
    away = moved(path, path.with_name("away"))
    journal.note("a", 1)
    with pytest.raises(JournalFailed, match="was removed, moved or replaced"):
        await asyncio.wait_for(journal.settled(0), 60)
    moved(away, path)
    healed = threading.Event()
    journal.when_settled(0, lambda _: healed.set(), patient=True)
    assert await asyncio.to_thread(healed.wait, 10)


@pytest.mark.parametrize("bit", range(8))
def test_a_turned_bit_is_a_sentence_or_harmless_and_no_traceback(path: Path, opened: Open, bit: int) -> None:
    journal = opened()
    for name in ("a", "b"):
        journal.note(name, 1)
    journal.close()
    whole = path.read_bytes()
    for place in range(4096, len(whole), 97):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << bit)]) + whole[place + 1 :])
        with suppress(SetupError), closing(file.JournalFile(path)) as made:
            made.load()


def test_an_older_schema_is_migrated_in_one_step_or_not_at_all(path: Path, opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    opened().close()
    now = file.MIGRATIONS
    monkeypatch.setattr(file, "MIGRATIONS", (*now, "CREATE TABLE more (id INTEGER); CREATE TABLE more (id INTEGER);"))
    assert "already exists" in refused(path)
    monkeypatch.setattr(file, "MIGRATIONS", (*now, "CREATE TABLE more (id INTEGER);"))
    opened().close()
    with sqlite3.connect(path) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (len(now) + 1,)
        assert database.execute("SELECT count(*) FROM more").fetchone() == (0,)
    database.close()


def test_an_older_schema_on_a_full_disk_is_left_alone_and_nobody_is_told_to_throw_it_away(
    path: Path, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened().close()
    now = file.MIGRATIONS
    monkeypatch.setattr(file, "MIGRATIONS", (*now, "PRAGMA max_page_count = 1; CREATE TABLE more (id INTEGER);"))
    said = refused(path)
    assert "disk is full. Make room there, and start again" in said
    assert "move it away" not in said
    monkeypatch.setattr(file, "MIGRATIONS", now)
    opened().close()


async def test_a_cancel_of_what_is_not_there_yet_is_kept_before_it_is_acknowledged(opened: Open) -> None:
    journal = opened()
    journal.note(ahead_note("jobs", 7), 1)
    await asyncio.wait_for(journal.settled(0), 60)
    assert opened().load().ahead == [("jobs", 7)]


async def test_whoever_waits_for_a_note_is_told_when_it_cannot_be_kept(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "RETRY", 0.01)
    journal = opened()
    disk = Disk(journal)
    disk.full = True
    journal.note(ahead_note("a:b", 0), 1)
    with pytest.raises(JournalFailed):
        await asyncio.wait_for(journal.settled(0), 60)
    disk.full = False
    healed = threading.Event()
    journal.when_settled(0, lambda _: healed.set(), patient=True)
    assert await asyncio.to_thread(healed.wait, 10)
    assert opened().load().ahead == [("a:b", 0)]


def test_nobody_waits_for_a_journal_that_is_closed(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither who began to wait before, for a disk that stands still, nor who comes after."""
    journal, writing, go_on, heard = opened(), threading.Event(), threading.Event(), SimpleQueue[JournalFailed | None]()
    store = Store()
    store.listen(journal.record)

    def write(*_: Any) -> None:
        writing.set()
        go_on.wait()

    monkeypatch.setattr(journal._file, "write", write)
    monkeypatch.setattr("tasks_app.journal.sqlite.CLOSING", 0.1)
    store.add([a_task(1)])
    assert writing.wait(60)
    journal.when_settled(store.version, heard.put)
    try:
        journal.close()
        assert isinstance(heard.get(timeout=60), JournalFailed)
        store.add([a_task(2)])
        journal.when_settled(store.version, heard.put)
        assert isinstance(heard.get(timeout=60), JournalFailed)
    finally:
        go_on.set()


def test_whoever_hears_of_trouble_may_launch_something(opened: Open, path: Path, tmp_path: Path) -> None:
    """As a handler of logging does that has mail sent: it is called by the journal's thread, and a launch waits for the journal."""
    heard: SimpleQueue[JournalFailed | None] = SimpleQueue()

    def told(sentence: str) -> None:
        store.add([a_task(store.next_number())])
        answers: SimpleQueue[JournalFailed | None] = SimpleQueue()
        journal.when_settled(store.version, answers.put)
        heard.put(answers.get())

    journal, store = opened(), Store()
    store.listen(journal.record)
    journal.copy(tmp_path / "copy", told)
    assert heard.get(timeout=60) is None
