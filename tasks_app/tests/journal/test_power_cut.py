"""The power goes: of what was written since the last sync anything may be on the disk, in any order and torn. What was acknowledged is."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import pytest

from tasks_app.engine.store import Store
from tasks_app.journal.sqlite import SqliteJournal
from tasks_app.tests.journal.lives import Snapshot, kept, snapshot, steps

SECTOR = 512
LONG = os.environ.get("IOTASK_POWER_CUTS") == "all"  # every moment, and more guesses at what the disk did; else a sample
CHECKPOINT = 6  # pages: so that checkpoints happen between these few changes


class Wrote(NamedTuple):
    """Bytes at a place in a file; None: the file was cut there."""

    name: str
    offset: int
    data: bytes | None


class Synced(NamedTuple):
    """The disk has all of a file that was written until now."""

    name: str


class Deleted(NamedTuple):
    """A file is gone."""

    name: str


class Acknowledged(NamedTuple):
    """So many steps were."""

    steps: int


Event = Wrote | Synced | Deleted | Acknowledged


class Disk(apsw.VFS):
    """Passes everything on, and remembers it in order."""

    def __init__(self, name: str, events: list[Event]) -> None:
        self.events = events
        super().__init__(name, "")

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        return DiskFile(name, flags, self.events)

    def xDelete(self, name: str, sync: bool) -> None:  # noqa: N802
        super().xDelete(name, sync)
        self.events.append(Deleted(Path(name).name))


class DiskFile(apsw.VFSFile):
    """One file of it."""

    def __init__(self, name: Any, flags: list[int], events: list[Event]) -> None:
        super().__init__("", name, flags)
        self._name = Path(name.filename() if isinstance(name, apsw.URIFilename) else name).name
        self._events = events

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        super().xWrite(data, offset)
        self._events.append(Wrote(self._name, offset, bytes(data)))

    def xTruncate(self, size: int) -> None:  # noqa: N802
        super().xTruncate(size)
        self._events.append(Wrote(self._name, size, None))

    def xSync(self, flags: int) -> None:  # noqa: N802
        super().xSync(flags)
        self._events.append(Synced(self._name))


class Database(apsw.Connection):
    """What the journal asks of a connection under the standard library's names."""

    def executescript(self, statements: str) -> Any:
        return self.execute(statements)


@pytest.fixture
def events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Event]]:
    """All that a journal writes from now on."""
    found: list[Event] = []
    disk = Disk(f"disk of {tmp_path}", found)

    def connect(path: Path, **_: Any) -> Database:
        return Database(str(path), vfs=f"disk of {tmp_path}")

    with monkeypatch.context() as patched:
        patched.setattr("sqlite3.connect", connect)
        yield found
    disk.unregister()


async def test_what_was_acknowledged_survives_a_power_cut_at_any_moment(
    tmp_path: Path, events: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    history = await _live(tmp_path / "j", events)
    monkeypatch.undo()
    assert sum(isinstance(event, Synced) for event in events) > len(history)
    assert sum(isinstance(event, Wrote) and not event.name.endswith("wal") for event in events) > len(history), "checkpoints too"
    moments = _moments(events)
    chance = random.Random(len(events))
    for moment in moments:
        for guess in range(8 if LONG else 2):
            folder = tmp_path / f"cut{moment}-{guess}"
            folder.mkdir()
            _leave(folder, events[:moment], chance, guess)
            done = max((event.steps for event in events[:moment] if isinstance(event, Acknowledged)), default=0)
            assert kept(folder / "j") in history[done:], f"cut after event {moment}: {done} steps were acknowledged"


async def test_the_trial_itself_finds_a_journal_that_does_not_sync(
    tmp_path: Path, events: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    history = await _live(tmp_path / "j", events, "PRAGMA synchronous = OFF")
    monkeypatch.undo()
    (tmp_path / "cut").mkdir()
    _leave(tmp_path / "cut", events, random.Random(1), 0)
    assert kept(tmp_path / "cut" / "j") not in history[-2:]


async def _live(path: Path, events: list[Event], *pragmas: str) -> list[Snapshot]:
    journal, store = SqliteJournal(path), Store()
    for pragma in (f"PRAGMA wal_autocheckpoint = {CHECKPOINT}", *pragmas):
        journal._file._database.execute(pragma)
    store.listen(journal.record)
    history: list[Snapshot] = [{}]
    for step in steps(store):
        step()
        history.append(snapshot(store))
        await asyncio.wait_for(journal.settled(store.version), 60)
        events.append(Acknowledged(len(history) - 1))
    journal._file.close = lambda: None  # type: ignore[method-assign] # the power goes first
    journal.close()
    del journal._file.close
    before = len(events)
    journal._file.close()
    del events[before:]
    return history


def _moments(events: list[Event]) -> list[int]:
    """After each sync and each answer, just before each sync, and some in between."""
    if LONG:
        return list(range(1, len(events) + 1))
    found = {index + 1 for index, event in enumerate(events) if not isinstance(event, Wrote)}
    found |= {index for index, event in enumerate(events) if isinstance(event, Synced)}
    return sorted(found - {0})


def _leave(folder: Path, events: list[Event], chance: random.Random, guess: int) -> None:
    """What the disk has: all that was synced, and of the rest nothing (guess 0) or whatever it liked."""
    last = {event.name: index for index, event in enumerate(events) if isinstance(event, Synced)}
    (folder / "j").touch()
    for index, event in enumerate(events):
        if isinstance(event, Deleted):
            (folder / event.name).unlink(missing_ok=True)
        if not isinstance(event, Wrote):
            continue
        safe = index < last.get(event.name, -1)
        if safe or (guess and chance.random() < 0.6):
            _put(folder / event.name, event, None if safe else chance)


def _put(path: Path, event: Wrote, torn_by: random.Random | None) -> None:
    path.touch()
    with path.open("r+b") as disk:
        if event.data is None:
            disk.truncate(event.offset)
            return
        for begin in range(0, len(event.data), SECTOR):
            if torn_by is None or torn_by.random() < 0.8:
                disk.seek(event.offset + begin)
                disk.write(event.data[begin : begin + SECTOR])
