"""The journal that keeps what was accepted: one writer thread, group commit, each commit on disk before anybody is told."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from tasks_app.engine.errors import JournalFailed
from tasks_app.engine.events import Change, is_mere_progress
from tasks_app.engine.ports import Recovered
from tasks_app.engine.retention import size_of
from tasks_app.engine.sentences import kept
from tasks_app.engine.task import Task
from tasks_app.journal.crowds import Crowds
from tasks_app.journal.file import NUMBERS, JournalFile
from tasks_app.journal.waiting import Waiter, Waiting, awaited, tell, told_at_last

RETRY = 1.0  # seconds between tries while the file cannot be written
CLOSING = 10.0  # seconds the last commit gets at the end
MOST_BEHIND = 200_000  # changes that may wait for the disk; past that new work is refused
SLOW = 10.0  # seconds a commit may take; past that too
COMMIT_BYTES = 16 * 1024 * 1024  # of records in one commit: more would swell the write-ahead log, and keep everybody waiting
_BEHIND = kept("The journal's disk is too slow for what comes.")
_FAILED = kept("The journal cannot be written: {why}. What runs goes on; new tasks are refused.")
_CLOSED = kept("The server is stopping.")
OLD_A_COMMIT = 500  # records past what is kept that leave with a commit

Copied = Callable[[str], object]


class SqliteJournal:
    """Writes changes as they come, many in one commit. `told` hears when writing fails and when it works again."""

    durable = True

    def __init__(self, path: Path, told: Callable[[str], object] = lambda sentence: None) -> None:
        self._file = JournalFile(path)
        self._told = told
        self._changes: deque[Sequence[Change]] = deque()
        self._recorded = 0  # changes, in all; counted by those who record
        self._collected = 0  # of these; counted by the writer
        self._seen = 0  # the newest version recorded
        self._reached = 0  # the newest version the next commit brings
        self._safe = 0  # the newest version on disk
        self._notes: deque[tuple[str, int | bytes | None]] = deque()
        self._noted = 0  # notes, in all
        self._noting = threading.Lock()
        self._notes_reached = 0  # of these, with the next commit
        self._notes_safe = 0  # of these, on disk
        self._waiters: list[Waiting] = []
        self._crowds = Crowds()
        self._lock = threading.Lock()  # guards the waiters and what they wait for
        self._woken = threading.Event()
        self._closing = threading.Event()
        self._trouble = ""
        self._over: JournalFailed | None = None  # that nothing is written any more
        self._tasks: dict[int, Task | None] = {}  # what the next commit writes
        self._sequences: dict[str, int] = {}
        self._next_number = 1  # above all that were given out
        self._records: dict[str, bytes | None] = {}
        self._old: list[int] = []  # records that are not kept any more, by number
        self._copies: deque[tuple[Path, Copied]] = deque()
        self._writing_since: float | None = None
        self._thread = threading.Thread(target=self._write_on, name="journal", daemon=True)
        self._thread.start()

    @property
    def trouble(self) -> str:
        """What keeps it from writing, as a sentence; empty while it writes."""
        return self._trouble

    @property
    def behind(self) -> str:
        """That the disk does not keep up, as a sentence; empty while it does."""
        since = self._writing_since
        stands = since is not None and time.monotonic() - since > SLOW
        return str(_BEHIND()) if stands or self._recorded - self._collected > MOST_BEHIND else ""

    @property
    def unwritten(self) -> int:
        """How many changes have come since the last that a commit took."""
        return max(0, self._recorded - self._collected)

    def load(self, keep: int | None = None) -> Recovered:
        """The tasks of earlier processes; of those that ended the `keep` that ended last, None for all. Others leave the file by and by."""
        found, old = self._file.load(keep)
        self._old = old
        self._next_number = found.next_number
        self._woken.set()
        return found

    def copy(self, to: Path, told: Copied) -> None:
        """Copy the file as it is then, between two commits; hears why not, or nothing. From any thread."""
        self._copies.append((to, told))
        self._woken.set()

    def record(self, changes: Sequence[Change]) -> None:
        """Take changes in, in order. Called under the store's lock."""
        if changes:
            self._changes.append(changes)
            self._recorded += len(changes)
            self._seen = changes[-1].version
            self._woken.set()

    def note(self, name: str, value: int) -> None:
        """Keep a number by a name of its own, beside the tasks."""
        self._note(name, value)

    def put(self, name: str, record: bytes | None) -> None:
        """Keep a record by a name of its own, beside the tasks; None to forget it."""
        self._note(name, record)

    def when_settled(self, version: int, call: Waiter, *, patient: bool = False) -> None:
        """Call once every change up to this version is on disk, or with the error when that fails; one who is patient waits until it works
        again. Called from the journal's thread, or at once."""
        with self._lock:
            version = min(version, self._seen)
            failed = None if patient else JournalFailed(self._trouble) if self._trouble else self._over
            waiting = Waiting(version, self._noted, patient, call)
            # What this thread says may make a handler of logging launch something, and that would wait for this very thread.
            settled = self._is_settled(waiting) or threading.current_thread() is self._thread
            if not settled and failed is None:
                self._waiters.append(waiting)
                return
        call(None if settled else failed)

    async def settled(self, version: int) -> None:
        """Return when every change up to this version is on disk. Raises JournalFailed."""
        done, call = awaited()
        self.when_settled(version, call)
        await done

    async def keep_all(self, tasks: Sequence[Task]) -> None:
        """Return when all of these, which are not in the store yet, are on disk; wherever the process dies before, none is. Raises
        JournalFailed: none will be there, nor where the one who asks is cancelled meanwhile."""
        done, call = awaited()
        with self._lock:
            if self._trouble or self._over is not None:
                raise self._over or JournalFailed(self._trouble)
            self._crowds.enter(tasks, call)
        self._woken.set()
        try:
            await done
        except asyncio.CancelledError:
            self.disown(tasks)
            raise

    def disown(self, tasks: Sequence[Task]) -> None:
        """These, which are on disk, will not come into the store: forget them."""
        self._crowds.disown(tasks)
        self._woken.set()

    def close(self) -> None:
        """Write what is left and let go of the file. May be called twice."""
        self._closing.set()
        self._woken.set()
        self._thread.join(CLOSING)
        self._file.close()
        with self._lock:
            self._over = JournalFailed(str(_CLOSED()))
            left = [waiting for waiting in self._waiters if not waiting.patient]
            left += [told_at_last(call, self._over) for call in self._crowds.failed()]
            self._waiters.clear()
        self._tell(left, self._over)

    def _note(self, name: str, value: int | bytes | None) -> None:
        with self._noting:  # whoever waits waits for what was noted before
            self._notes.append((name, value))
            self._noted += 1
        self._woken.set()

    # -- the writer's thread

    def _write_on(self) -> None:
        while not self._closing.is_set() or self._changes or self._notes or self._crowds:
            if not self._trouble and not self._changes and not self._old and not self._crowds:
                self._woken.wait()
            self._woken.clear()
            if not self._turn() and self._closing.wait(RETRY):
                return
            while self._copies:
                self._copy(*self._copies.popleft())

    def _turn(self) -> bool:
        """Write what came. False when that failed: all of it is tried again."""
        try:
            self._collect()
            self._write()
        except Exception as error:  # beside SQLite's own: no memory for what is to be written
            self._failed(error)
            return False
        self._wrote()
        return True

    def _collect(self) -> None:
        """Take in what came, as much as one commit should bring: the newest record of each task is what is written."""
        size = 0
        while self._changes and size < COMMIT_BYTES:
            changes = self._changes[0]
            for change in changes:
                if not is_mere_progress(change):
                    self._take(change)
                    size += size_of(change.task)
            self._changes.popleft()  # only now: what could not be taken in is looked at again
            self._collected += len(changes)
            self._reached = changes[-1].version
        while self._notes:
            name, value = self._notes.popleft()
            if isinstance(value, int):
                self._sequences[name] = value
            else:
                self._records[name] = value
            self._notes_reached += 1
        for number in self._old[-OLD_A_COMMIT:]:
            self._tasks[number] = None
        self._number_up_to(self._crowds.collect(self._tasks, self._records))

    def _take(self, change: Change) -> None:
        task = change.task
        if change.before is None:
            if self._crowds.has(task):
                return
            self._number_up_to(task.number + 1)
            if task.serial is not None:
                self._sequences[f"series:{task.series}"] = task.serial + 1
        self._tasks[task.number] = change.after

    def _number_up_to(self, number: int) -> None:
        """Numbers are given out in order, and come here in any."""
        if number > self._next_number:
            self._next_number = self._sequences[NUMBERS] = number

    def _write(self) -> None:
        if self._tasks or self._sequences or self._records:
            self._writing_since = time.monotonic()
            try:
                self._file.write(self._tasks, self._sequences, self._records)
            finally:
                self._writing_since = None
            self._tasks.clear()
            self._sequences.clear()
            self._records.clear()
            del self._old[-OLD_A_COMMIT:]

    def _copy(self, to: Path, told: Copied) -> None:
        try:
            self._file.copy(to)
        except (sqlite3.Error, OSError) as error:
            told(f"The journal could not be copied to {to}: {error}.")
        else:
            told("")

    def _wrote(self) -> None:
        if self._trouble:
            self._told("The journal can be written again.")
        with self._lock:
            self._trouble = ""
            self._safe, self._notes_safe = self._reached, self._notes_reached
            ready = [waiting for waiting in self._waiters if self._is_settled(waiting)]
            ready += [told_at_last(call, None) for call in self._crowds.wrote()]
            self._waiters = [waiting for waiting in self._waiters if not self._is_settled(waiting)]
        self._tell(ready, None)

    def _tell(self, waiters: Sequence[Waiting], error: JournalFailed | None) -> None:
        """Call those who wait. One who cannot be called for want of memory is called again."""
        if left := tell(waiters, error):
            with self._lock:
                self._waiters += left
            self._woken.set()

    def _is_settled(self, waiting: Waiting) -> bool:
        return waiting.version <= self._safe and waiting.notes <= self._notes_safe

    def _failed(self, error: Exception) -> None:
        sentence = str(_FAILED(why="there is no memory left" if isinstance(error, MemoryError) else error))
        failed = JournalFailed(sentence)
        with self._lock:
            is_news, self._trouble = self._trouble != sentence, sentence
            given_up = [waiting for waiting in self._waiters if not waiting.patient]
            self._waiters = [waiting for waiting in self._waiters if waiting.patient]
            given_up += [told_at_last(call, failed) for call in self._crowds.failed()]
        self._tell(given_up, failed)
        if is_news:
            self._told(sentence)
