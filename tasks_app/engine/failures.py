"""Failures that are alike: tasks that have failed and are kept, put together by type, kind of error, and the shape of its message.

Which group a task is in follows from its record alone: counts are exact, a retried or deleted task leaves its group, and after a
restart the groups are there again as far as tasks were kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from threading import Lock

from msgspec import Struct
from pyroaring import BitMap64

from tasks_app.engine.events import Change, steps_alone
from tasks_app.engine.shapes import GAP, MOST, shape_of
from tasks_app.engine.task import Status, Task

MOST_GROUPS = 200  # of one type; what fails in yet another way is counted together
EXAMPLES = 3
FAILED = Status.FAILED


class Group(Struct, frozen=True):
    """Failures that are alike. `shape` is their message without what varies, `message` that of the newest, `examples` the numbers of the
    newest tasks, newest first; `first` and `last` are wall-clock times of their ends. `alike`: all of them have said the same."""

    id: str
    type: str
    error: str
    shape: str
    message: str
    count: int
    first: float
    last: float
    examples: tuple[int, ...]
    alike: bool


class _Kept(Struct):
    """A group as it grows. Numbers of tasks rise with their creation."""

    error: str
    message: str
    first: float
    last: float
    numbers: BitMap64
    alike: bool = True


class Failures:
    """Listens to the store; one step for each task that fails, or is no longer a failed one."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._groups: dict[str, dict[str, _Kept]] = {}  # by type, then by id
        self._others: dict[str, BitMap64] = {}

    def listen(self, changes: Sequence[Change]) -> None:
        """Take in what changed. Called under the store's lock."""
        known = steps_alone(changes)
        if known is not None and not any(after.status is FAILED or (before and before.status is FAILED) for before, after, _ in known):
            return
        for change in changes:
            before, after = change.before, change.after
            is_now = after is not None and after.status is FAILED
            was = before is not None and before.status is FAILED
            if was is is_now and type(change) is Change:  # another kind brings back what was deleted, as it was
                continue
            with self._lock:
                if after is not None and is_now:
                    self._add(after)
                elif before is not None:
                    self._remove(before)

    def restore(self, tasks: Iterable[Task]) -> None:
        """Take in the tasks of an earlier process."""
        with self._lock:
            for task in tasks:
                if task.status is FAILED:
                    self._add(task)

    def groups(self, type_name: str | None = None, most: int | None = None) -> list[Group]:
        """The groups of one type or of all, those that hold the most tasks first; with `most` no more than that."""
        with self._lock:
            names = list(self._groups) if type_name is None else [type_name]
            found = [(key, name, kept) for name in names for key, kept in self._groups.get(name, {}).items()]
            found.sort(key=lambda one: (-len(one[2].numbers), -one[2].last, one[0]))
            return [_shown(*one) for one in found[:most]]

    def count(self, type_name: str | None = None) -> int:
        """How many tasks have failed, in groups or not."""
        with self._lock:
            names = list(self._groups) if type_name is None else [type_name]
            grouped = sum(len(kept.numbers) for name in names for kept in self._groups.get(name, {}).values())
        return grouped + self.others(type_name)

    def others(self, type_name: str | None = None) -> int:
        """How many tasks have failed in ways that have no group of their own."""
        with self._lock:
            names = list(self._others) if type_name is None else [type_name]
            return sum(len(self._others[name]) for name in names if name in self._others)

    def _add(self, task: Task) -> None:
        key, message, at = group_of(task), _message(task), task.ended_at or task.created_at
        groups = self._groups.setdefault(task.type, {})
        kept = groups.get(key)
        if kept is None:
            # While some are without a group none is opened: a group always holds all that belongs to it.
            if len(groups) >= MOST_GROUPS or self._others.get(task.type):
                self._others.setdefault(task.type, BitMap64()).add(task.number)
                return
            groups[key] = _Kept(task.error.type if task.error else "", message, at, at, BitMap64([task.number]))
            return
        kept.numbers.add(task.number)
        kept.alike = kept.alike and message == kept.message
        kept.message, kept.first, kept.last = message, min(kept.first, at), max(kept.last, at)

    def _remove(self, task: Task) -> None:
        groups = self._groups.get(task.type, {})
        key = group_of(task)
        kept = groups.get(key)
        if kept is None:
            self._others.get(task.type, BitMap64()).discard(task.number)
            return
        kept.numbers.discard(task.number)
        if not kept.numbers:
            del groups[key]


def group_of(task: Task) -> str:
    """The id of the group a failed task is in; empty for a task that has not failed."""
    if task.status is not FAILED:
        return ""
    return _id(task.type, task.error.type if task.error else "", _message(task))


@lru_cache(maxsize=2048)
def _id(type_name: str, error: str, message: str) -> str:
    said = f"{type_name}\0{error}\0{shape_of(message)}"
    return hashlib.blake2b(said.encode(errors="replace"), digest_size=6).hexdigest()


def _message(task: Task) -> str:
    return task.error.message[:MOST] if task.error else ""


def _shown(key: str, type_name: str, kept: _Kept) -> Group:
    count = len(kept.numbers)
    newest = tuple(kept.numbers[-place] for place in range(1, min(EXAMPLES, count) + 1))
    shape = shape_of(kept.message) or GAP
    return Group(key, type_name, kept.error, shape, kept.message, count, kept.first, kept.last, newest, kept.alike)
