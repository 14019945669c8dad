"""The store: all tasks of this process, in memory. Every change goes through it, under its one lock, and bumps its version."""

from __future__ import annotations

import contextlib
import itertools
import math
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence

from msgspec.structs import force_setattr, replace

from tasks_app.engine.audience import Audience, Listener
from tasks_app.engine.deleted import Deleted, Leftover
from tasks_app.engine.errors import NotFound
from tasks_app.engine.events import Change, News, Return
from tasks_app.engine.feed import Feed
from tasks_app.engine.indexes import Indexes
from tasks_app.engine.retention import Ended
from tasks_app.engine.series import AllSeries
from tasks_app.engine.shares import Shares
from tasks_app.engine.shelf import Shelf
from tasks_app.engine.task import TERMINAL, Task
from tasks_app.engine.trail import Trail

RESTORED_AT_ONCE = 5_000  # tasks of an earlier process that are taken in at once


class Store(Shelf):
    """Tasks by id, in order of creation, with counters that are never counted and pages that cost what they show.

    Thread-safe. Records are immutable: what is read stays as it was. Listeners are called under the lock, in order, and must
    be quick and must not change the store. `clock` is monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._lock = threading.RLock()
        self.series = AllSeries(self._lock)
        self._tasks: dict[int, Task] = {}
        self._numbers: dict[str, int] = {}
        self._indexes = Indexes()
        self.shares = Shares(self._lock, self._indexes)
        self._ended, self._ended_elsewhere = Ended(clock), Ended(clock)  # what a cluster ends pushes out nothing of our own
        self.deleted = Deleted(self._lock, clock)
        self._trails: dict[int, Trail] = {}
        self._audience = Audience()
        self._feed = Feed()
        self._next_number = itertools.count(1)
        self._unsaid: list[Change] | None = None  # what is to be announced together
        self.version = 0

    # -- writing

    def next_number(self) -> int:
        """A number no other task has or had."""
        return next(self._next_number)

    def listen(self, listener: Listener, *, only_own: bool = False) -> None:
        """Announce every change from now on; with `only_own` those of tasks that this process sees through, not only watches."""
        with self._lock:
            self._audience.listen(listener, only_own=only_own)

    def unlisten(self, listener: Listener) -> None:
        """Announce no more."""
        with self._lock:
            self._audience.unlisten(listener)

    def catch_up(self) -> bool:
        """Announce again what a listener could not take in; whether everybody has heard of everything. Errors of listeners are said now."""
        with self._lock:
            everybody = self._audience.catch_up()
        self._audience.say()
        return everybody

    def add(self, tasks: Iterable[Task], *, admit: Callable[[], object] | None = None) -> list[Task]:
        """Take new tasks in, all or nothing; the records as they are kept. `admit` is called under the lock first and may raise."""
        with self._lock:
            if admit is not None:
                admit()
            taken = self._added(tasks)
            self._commit([Change(task.version, None, task) for task in taken])
            return taken

    def update(self, number: int, change: Callable[[Task], Task | None]) -> Task | None:
        """Swap a task for what `change` makes of it; the new record. None, and no change, when the task is gone or `change` says None."""
        with self._lock:
            done = self._swapped(number, change)
            if done is None:
                return None
            self._commit(self._indexed([done]))
            return done.after

    def update_many(self, changes: Iterable[tuple[int, Callable[[Task], Task | None]]]) -> list[Task]:
        """Several updates, announced at once; the new records."""
        with self._lock:
            done: list[Change] = []
            try:
                for number, change in changes:
                    swapped = self._swapped(number, change)
                    if swapped is not None:
                        done.append(swapped)
            finally:  # what was swapped is announced, even if a later change raises
                self._commit(self._indexed(done))
            return [change.after for change in done]  # type: ignore[misc]

    @contextlib.contextmanager
    def together(self) -> Generator[None, None, None]:
        """Announce at once all that is changed meanwhile; nobody else gets to the store before. For a few dozen changes at most."""
        with self._lock:
            if self._unsaid is not None:
                yield
                return
            self._unsaid = []
            try:
                yield
            finally:
                changes, self._unsaid = self._unsaid, None
                self._commit(changes)

    def settle(self, changes: Sequence[tuple[int, Callable[[Task], Task | None]]]) -> None:
        """Update several tasks; those that were deleted meanwhile as well, unheard, so that they come back as they ended."""
        with self._lock:
            if len(self.update_many(changes)) == len(changes):
                return
            for number, change in changes:
                if number not in self._tasks and (left := self.deleted.by_number(number)) is not None:
                    left.task = change(left.task) or left.task

    def delete(self, number: int, *, kept: Callable[[Task], Task] | None = None, batch: str = "") -> Task | None:
        """Remove a task with all it left behind; its last record, None when it was gone. What `kept` makes of it can come back for a while,
        alone or with others of a batch; without it nothing does."""
        with self._lock:
            task = self._tasks.get(number)
            if task is not None:
                trail = self._trails.get(number)
                gone = self._removed((task,))
                if task.status in TERMINAL:
                    self._ended_of(task).remove(task)
                self._commit(gone)
                if kept is not None:
                    with contextlib.suppress(MemoryError):  # where there is none, nothing can be kept
                        self.deleted.put(kept(task), trail, batch)
            return task

    def bring_back(self, task_id: str, *, admit: Callable[[Task], object]) -> Task:
        """Undo a delete: the task is where it was, with all it had left behind. `admit` is called first and may raise. Raises NotFound when
        it was never here, or its time is over."""
        with self._lock:
            left = self.deleted.find(task_id)
            if left is None:
                raise NotFound
            admit(left.task)
            change = self._returned(left)
            self._commit([change])
            return change.task

    def restore(
        self, tasks: Iterable[Task], *, next_number: int = 1, serials: Mapping[str, int] | None = None, now: float | None = None
    ) -> None:
        """Take in the tasks of an earlier process, oldest first, without announcing them; numbers go on where they had come to. `now` is
        wall-clock time, from which on those that ended grow older."""
        with self._lock:
            rest = iter(tasks)
            while some := list(itertools.islice(rest, RESTORED_AT_ONCE)):
                self._added(some, now)
                next_number = max(next_number, 1 + max(task.number for task in some))
            for series, following in (serials or {}).items():
                self.series.go_on(series, following)
            self._next_number = itertools.count(next_number)
            self._feed.forget(self.version)

    def retire(self, *, keep: int, keep_bytes: int = sys.maxsize, longest: float = math.inf, most: int = 500) -> int:
        """Delete finished tasks past a count, past the memory they hold together, or ended more than `longest` seconds ago, those that
        ended first before others, at most `most`; how many. Those that ran elsewhere are held against the same bounds for themselves."""
        with self._lock:
            gone: list[Change] = []
            try:
                for ended in (self._ended, self._ended_elsewhere):
                    numbers = ended.next_to_leave(keep=keep, keep_bytes=keep_bytes, longest=longest, most=most - len(gone))
                    gone += self._removed([self._tasks[number] for number in numbers])
                    ended.forget(len(numbers))
            finally:  # what has left is announced, even if the others could not
                self._commit(gone)
            return len(gone)

    # -- trails and the feed

    def trail(self, number: int) -> Trail:
        """A task's log and series, made when first asked for."""
        found = self._trails.get(number)  # without the lock: whoever writes to it may have one that others wait for
        if found is not None:
            return found
        with self._lock:
            found = self._trails.get(number)
            left = None if found is not None else self.deleted.by_number(number)
            if left is not None:
                found = left.trail = left.trail or Trail()
            elif found is None:
                found = Trail()
                if number in self._tasks:
                    self._trails[number] = found
            return found

    def changed_since(self, version: int) -> list[tuple[int, str]] | None:
        """(version, id) of each task changed or deleted after a version, in order of its newest change; None when that is too long ago."""
        with self._lock:
            return None if version > self.version else self._feed.since(version)

    # -- inside

    def _added(self, tasks: Iterable[Task], now: float | None = None) -> list[Task]:
        taken: list[Task] = []
        ended: list[Task] = []
        for task in tasks:
            self.version += 1
            kept = self.series.enter(task) if task.series else task
            force_setattr(kept, "version", self.version)  # not published yet: nobody else holds it
            self._tasks[kept.number] = kept
            self._numbers[kept.id] = kept.number
            if kept.status in TERMINAL:
                ended.append(kept)
            taken.append(kept)
        self._indexes.add(taken)
        self._take_leave(ended, now)
        return taken

    def _returned(self, left: Leftover) -> Change:
        """Among those that ended it is the newest: what is not kept for long must not leave again at once."""
        self.deleted.take(left.task.number)
        if left.trail is not None:
            self._trails[left.task.number] = left.trail
        [added] = self._added([replace(left.task)])
        return Return(added.version, left.task, added)

    def _swapped(self, number: int, change: Callable[[Task], Task | None]) -> Change | None:
        """The indexes have not heard of it yet."""
        before = self._tasks.get(number)
        after = change(before) if before is not None else None
        if before is None or after is None:
            return None
        self.version += 1
        force_setattr(after, "version", self.version)
        self._tasks[number] = after
        return Change(self.version, before, after)

    def _indexed(self, changes: Sequence[Change]) -> Sequence[Change]:
        """The same changes of records, which the indexes know now."""
        records: list[tuple[Task, Task]] = [(change.before, change.after) for change in changes]  # type: ignore[misc]
        self._indexes.move(records)
        ended: list[Task] = []
        for before, after in records:
            if before.status in TERMINAL:
                kept = self._ended_of(after)
                (kept.change if after.status in TERMINAL else kept.remove)(before)
            elif after.status in TERMINAL:
                ended.append(after)
        if ended:
            self._take_leave(ended)
        return changes

    def _take_leave(self, ended: Sequence[Task], now: float | None = None) -> None:
        """They have ended, with the newest versions of all: from now on they may leave. Where the wall clock is given, they end when they
        say, and not at this moment."""
        for foreign, some in itertools.groupby(ended, _is_foreign):
            those = list(some)
            ago = [max(0.0, now - (task.ended_at or now)) for task in those] if now else None
            (self._ended_elsewhere if foreign else self._ended).add(those, self._trails, ago=ago)

    def _removed(self, tasks: Sequence[Task]) -> list[Change]:
        """The order in which tasks end is the caller's to tell. What needs memory comes first: nothing has changed where there is none."""
        found = [Change(version, task, None) for version, task in enumerate(tasks, self.version + 1)]
        self._indexes.remove(tasks)
        for task in tasks:
            self.version += 1
            del self._tasks[task.number]
            del self._numbers[task.id]
            self._trails.pop(task.number, None)
            if task.series:
                self.series.leave(task)
        return found

    def _ended_of(self, task: Task) -> Ended:
        return self._ended if task.foreign is None else self._ended_elsewhere

    def _commit(self, changes: Sequence[Change]) -> None:
        if not changes:
            return
        if self._unsaid is not None:
            self._unsaid += changes
            return
        news = News(changes)
        self._feed.add_all(news)
        self._audience.tell(news)


def _is_foreign(task: Task) -> bool:
    return task.foreign is not None
