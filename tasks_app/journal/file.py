"""The journal's file: an SQLite database in WAL mode, opened by one process at a time, written in whole transactions."""

from __future__ import annotations

import contextlib
import fcntl
import heapq
import os
import sqlite3
import time
from collections.abc import Iterable, Mapping
from operator import itemgetter
from pathlib import Path
from typing import IO

import msgspec

from tasks_app.engine.errors import SetupError
from tasks_app.engine.ports import AHEAD, Recovered
from tasks_app.engine.task import TERMINAL, Status, Task
from tasks_app.journal.crowds import cut_off
from tasks_app.journal.lean import lean

APPLICATION = 0x494F5431  # "IOT1": in the head of every journal, so that no other database is taken for one
WAL_BYTES = 64 * 1024 * 1024  # what is left of the write-ahead log after a checkpoint
MIGRATIONS = (  # the schema of version n is the first n of them
    """
    CREATE TABLE tasks (number INTEGER PRIMARY KEY, record BLOB NOT NULL);
    CREATE TABLE sequences (name TEXT PRIMARY KEY, next INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE moments (name TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID;
    """,
    "CREATE TABLE records (name TEXT PRIMARY KEY, record BLOB NOT NULL);",
)
NUMBERS = "number"  # the sequence of all tasks' numbers; those of series are named "series:<name>"
ALIVE = "alive"  # the moment of the last transaction: until then at least the process lived
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Task).decode


class _Glance(msgspec.Struct):
    """What says whether a record is wanted, without reading all of it."""

    status: Status
    ended_at: float | None = None


_glance = msgspec.msgpack.Decoder(_Glance).decode


class JournalFile:
    """An open journal. Raises SetupError where it cannot be used, in a sentence that names the file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = _locked(path)
        try:
            self._held = _held(path)
            self._database = _opened(path)
        except BaseException:
            self._let_go()
            raise

    def load(self, keep: int | None = None) -> tuple[Recovered, list[int]]:
        """What there is, tasks by number. Of those that ended only the `keep` that ended last (None: all); the numbers of the others."""
        try:
            records, old = self._records(keep)
            tasks = list(lean(map(_decode, records)))
            sequences = dict(self._database.execute("SELECT name, next FROM sequences"))
            moments = dict(self._database.execute("SELECT name, at FROM moments"))
            beside = dict(self._database.execute("SELECT name, record FROM records"))
            torn, marks = cut_off(beside)
        except Exception as error:  # whatever bits were turned over in it
            raise _unusable(self.path, f"is damaged: {error}. Put a copy in its place, or move it away and start anew") from None
        self._sweep(torn, marks)
        series = {name.partition(":")[2]: following for name, following in sequences.items() if name.startswith("series:")}
        ahead = [_ahead(name) for name in sequences if name.startswith(AHEAD)]
        found = Recovered(
            [task for task in tasks if task.number not in torn] if torn else tasks,
            next_number=sequences.get(NUMBERS, 1),
            serials=series,
            ahead=ahead,
            alive_at=moments.get(ALIVE, 0.0),
            records={name: record for name, record in beside.items() if name not in marks},
        )
        return found, old

    def _sweep(self, torn: Iterable[int], marks: Iterable[str]) -> None:
        """Remove what there is of launches that were cut off. Where there is no room for that they stay, and are left out again."""
        if marks:
            with contextlib.suppress(sqlite3.Error):
                self.write(dict.fromkeys(torn), {}, dict.fromkeys(marks))

    def _records(self, keep: int | None) -> tuple[Iterable[bytes], list[int]]:
        """One pass over all rows, in memory for those that are wanted: a million that ended long ago are only glanced at."""
        if keep is None or self._database.execute("SELECT count(*) FROM tasks").fetchone()[0] <= keep:
            return map(itemgetter(0), self._database.execute("SELECT record FROM tasks ORDER BY number")), []
        wanted: list[tuple[int, bytes]] = []
        ended: list[tuple[float, int, bytes]] = []
        old: list[int] = []
        for number, record in self._database.execute("SELECT number, record FROM tasks ORDER BY number"):
            seen = _glance(record)
            if seen.status not in TERMINAL:
                wanted.append((number, record))
                continue
            heapq.heappush(ended, (seen.ended_at or 0.0, number, record))
            if len(ended) > keep:
                old.append(heapq.heappop(ended)[1])
        wanted += [(number, record) for _, number, record in ended]
        return [record for _, record in sorted(wanted)], old

    def write(
        self, tasks: Mapping[int, Task | None], sequences: Mapping[str, int], records: Mapping[str, bytes | None] | None = None
    ) -> None:
        """One transaction, safe on disk on return: tasks by number and other records by name, None for those that are gone; sequences by
        name. Raises sqlite3.Error and leaves the file as it was."""
        kept = [(number, _encode(task)) for number, task in tasks.items() if task is not None]
        gone = [(number,) for number, task in tasks.items() if task is None]
        database = self._database
        database.execute("BEGIN IMMEDIATE")
        try:
            database.executemany("REPLACE INTO tasks VALUES (?, ?)", kept)
            database.executemany("DELETE FROM tasks WHERE number = ?", gone)
            database.executemany("REPLACE INTO sequences VALUES (?, ?)", sequences.items())
            for name, record in (records or {}).items():
                if record is None:
                    database.execute("DELETE FROM records WHERE name = ?", (name,))
                else:
                    database.execute("REPLACE INTO records VALUES (?, ?)", (name, record))
            database.execute("REPLACE INTO moments VALUES (?, ?)", (ALIVE, time.time()))
            database.execute("COMMIT")
            self._look_that_it_is_there()
        except BaseException:
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise

    def copy(self, to: Path) -> None:
        """Write all there is into another file, whole and safe on disk before it takes its name. Raises sqlite3.Error, OSError."""
        part = to.with_name(f"{to.name}.part")
        part.unlink(missing_ok=True)
        number = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            self._database.execute("VACUUM INTO ?", (str(part),))
            os.fsync(number)
            part.replace(to)
        finally:
            os.close(number)
            part.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the file. May be called twice."""
        self._database.close()
        self._let_go()

    def _look_that_it_is_there(self) -> None:
        """What is written to a file that somebody removed or moved away is lost with the process. Raises sqlite3.OperationalError."""
        try:
            there = os.path.samestat(os.stat(self.path), os.fstat(self._held.fileno()))
        except OSError:
            there = False
        if not there:
            raise sqlite3.OperationalError(f"{self.path} was removed, moved or replaced while it was in use; put it back, or restart")

    def _let_go(self) -> None:
        """After the database: closing any descriptor of its file drops SQLite's own locks."""
        for held in (getattr(self, "_held", None), self._lock):
            if held is not None:
                held.close()


def _ahead(name: str) -> tuple[str, int]:
    series, _, serial = name.removeprefix(AHEAD).rpartition(":")
    return series, int(serial)


def _locked(path: Path) -> IO[bytes]:
    """Hold the lock beside the file: a second process is refused before it has read a byte."""
    if path.exists() and not path.is_file():
        raise _unusable(path, "cannot be opened: it is no file")
    return _taken(path, Path(f"{path}.lock"))


def _held(path: Path) -> IO[bytes]:
    """Hold the file itself as well, which may have other names. Its owner alone may read it: secrets may be in it."""
    held = _taken(path, path)
    with contextlib.suppress(PermissionError):  # somebody else's, which we may write
        os.fchmod(held.fileno(), 0o600)
    return held


def _taken(path: Path, what: Path) -> IO[bytes]:
    try:
        lock = open(os.open(what, os.O_RDWR | os.O_CREAT, 0o600), "rb")  # noqa: SIM115 - held as long as the journal
    except OSError as error:
        raise _unusable(path, f"cannot be opened: {error.strerror}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise _unusable(path, "is in use by another process: there is one store, so there is one server. Stop the other one") from None
    return lock


def _opened(path: Path) -> sqlite3.Connection:
    try:
        database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=0)
    except (OSError, sqlite3.Error) as error:
        raise _unusable(path, f"cannot be opened: {getattr(error, 'strerror', None) or error}") from None
    try:
        _prepare(path, database)
    except sqlite3.DatabaseError as error:
        database.close()
        if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
            raise _unusable(path, "cannot be brought up to date: its disk is full. Make room there, and start again") from None
        raise _unusable(path, f"cannot be used: {error}. Put a copy in its place, or move it away and start anew") from None
    except BaseException:
        database.close()
        raise
    return database


def _prepare(path: Path, database: sqlite3.Connection) -> None:
    database.execute("PRAGMA locking_mode = EXCLUSIVE")
    application, version = (database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
    tables = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if application != APPLICATION and (tables or application or version):
        raise _unusable(path, "is a database of another program, no journal of IoTask. Name another file")
    if version > len(MIGRATIONS):
        raise _unusable(path, f"was written by a newer IoTask (its schema is {version}, this one knows up to {len(MIGRATIONS)})")
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")
    _migrate(database, version)
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _migrate(database: sqlite3.Connection, version: int) -> None:
    """Bring an older schema to the present one: all of it or nothing."""
    if version == len(MIGRATIONS):
        return
    steps = "".join(MIGRATIONS[version:])
    try:
        database.executescript(
            f"BEGIN IMMEDIATE; {steps} PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {len(MIGRATIONS)}; COMMIT;"
        )
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def _unusable(path: Path, why: str) -> SetupError:
    return SetupError(f"The journal {path} {why}; IOTASK_JOURNAL names it.")
