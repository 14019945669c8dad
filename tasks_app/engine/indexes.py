"""The store's indexes: ordered sets of task numbers per status, type, tag and person, the line before each type, and counters nobody
counts.

An index is a compressed bitmap of task numbers: adding and removing take constant time, whole filters are intersected at
once, and a page is read from any place in order. The store's lock guards all of it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, TypeVar

from pyroaring import BitMap64
from sortedcontainers import SortedList

from tasks_app.engine.lines import Line, SharedLine, put_in, take_out
from tasks_app.engine.query import Query
from tasks_app.engine.task import WAITING, Status, Task

_HOUR = 3600.0
Name = TypeVar("Name")
_USUAL = {Status.PENDING: Status.PROCESSING, Status.PROCESSING: Status.COMPLETED}


class Indexes:
    """All indexes over the tasks of a store."""

    def __init__(self) -> None:
        self.all = BitMap64()
        self.statuses: dict[Status, BitMap64] = {status: BitMap64() for status in Status}
        self.types: dict[str, BitMap64] = {}
        self.tags: dict[str, BitMap64] = {}
        self.tag_names: SortedList[str] = SortedList()  # those in use
        self.people: dict[str, BitMap64] = {}  # by the name of whoever launched them, where somebody is named
        self.doors: dict[str, int] = {}  # through which tasks came: how many each
        self.hours: dict[int, BitMap64] = {}  # by the hour of creation, counted from 1970
        self.lines: dict[str, Line] = {}
        self.due: SortedList[tuple[float, int]] = SortedList()  # scheduled and retrying tasks by their time
        self.counts: dict[Status, int] = dict.fromkeys(Status, 0)
        self.type_counts: dict[str, Counter[Status]] = {}
        self.waiting_of: dict[str, int] = {}  # by the name of whoever launched them, who has one
        self.full: set[str] = set()  # whose tasks are passed over
        self.elsewhere = BitMap64()  # tasks that are only watched here
        self.waiting_elsewhere = 0  # of these, which stand in no line: nothing here starts them
        self.divided = False  # whether lines know whose tasks stand in them

    def add(self, tasks: Iterable[Task]) -> None:
        """Take new tasks in. Those that are alike to all indexes are entered at once: many that are launched together mostly are."""
        for alike in _alike(tasks):
            self._add(alike)

    def _add(self, alike: Sequence[Task]) -> None:
        first, numbers = alike[0], [task.number for task in alike]
        put_in(self.all, numbers)
        put_in(_bitmap(self.types, first.type), numbers)
        put_in(_bitmap(self.hours, int(first.created_at // _HOUR)), numbers)
        for task in alike:
            for tag in task.tags:
                if tag not in self.tags:
                    self.tag_names.add(tag)
                _bitmap(self.tags, tag).add(task.number)
        if first.by:
            put_in(_bitmap(self.people, first.by), numbers)
        self.doors[first.via] = self.doors.get(first.via, 0) + len(alike)
        if first.foreign is not None:
            self.elsewhere.update(numbers)
        self._enter(alike, numbers)

    def remove(self, tasks: Iterable[Task]) -> None:
        """Forget tasks, those at once that are alike to all indexes."""
        for alike in _alike(tasks):
            self._remove(alike)

    def _remove(self, alike: Sequence[Task]) -> None:
        first, numbers = alike[0], [task.number for task in alike]
        self._leave(alike, numbers)
        take_out(self.all, numbers)
        _drop(self.types, first.type, numbers)
        _drop(self.hours, int(first.created_at // _HOUR), numbers)
        for task in alike:
            for tag in task.tags:
                _drop(self.tags, tag, (task.number,))
                if tag not in self.tags:
                    self.tag_names.remove(tag)
        if first.by:
            _drop(self.people, first.by, numbers)
        self.doors[first.via] -= len(alike)
        if not self.doors[first.via]:
            del self.doors[first.via]
        if first.foreign is not None:
            take_out(self.elsewhere, numbers)
        if first.type not in self.types:
            del self.type_counts[first.type]

    def move(self, records: Sequence[tuple[Task, Task]]) -> None:
        """Tasks changed from one record to another. Only status, and the time a waiting one is due, are indexed and can change. Those that
        take the same usual step one after the other take it at once."""
        if len(records) == 1:
            self._move(records, usual=_usual_step(records[0]) is not None)
            return
        for usual, some in groupby(records, _usual_step):
            self._move(list(some), usual=usual is not None)

    def _move(self, alike: Sequence[tuple[Task, Task]], *, usual: bool) -> None:
        if usual:
            self._step(*alike[0], [after.number for _, after in alike])
            return
        for before, after in alike:
            if before.status is not after.status or before.scheduled_for != after.scheduled_for:
                self._leave((before,), (before.number,))
                self._enter((after,), (after.number,))

    def _step(self, before: Task, after: Task, numbers: Sequence[int]) -> None:
        """What every task goes through, and mostly nothing else: it begins, or completes."""
        old, new, count = before.status, after.status, len(numbers)
        take_out(self.statuses[old], numbers)
        put_in(self.statuses[new], numbers)
        for counted in (self.counts, self.type_counts[after.type]):
            counted[old] -= count
            counted[new] += count
        if old is Status.PENDING:
            self.lines[before.line].remove(before, numbers)
            if before.by:
                self._wait_no_more(before.by, count)

    def candidates(self, query: Query) -> BitMap64:
        """The numbers of all tasks that may pass the filter: whatever its statuses, types, tags, people and the spans of its numbers and
        times of creation shut out is not among them. A new set or a live one: do not change it."""
        found: BitMap64 | None = None
        wanted: tuple[tuple[Iterable[Any], Mapping[Any, BitMap64]], ...]
        wanted = (query.statuses, self.statuses), (query.types, self.types), (query.tags, self.tags), (query.people, self.people)
        for names, index in wanted:
            if names:
                part = _union(_those(index, names))
                found = part if found is None else found & part
        for part in self._spans(query):
            found = part if found is None else found & part
        shut_out = _those(self.statuses, query.not_statuses) + _those(self.types, query.not_types) + _those(self.tags, query.not_tags)
        found = self.all if found is None else found
        return found - _union(shut_out) if shut_out else found

    def _spans(self, query: Query) -> Iterator[BitMap64]:
        if created := query.span("created"):
            first, last = (_hour(moment) for moment in created)
            yield _union([part for hour, part in self.hours.items() if first <= hour <= last])
        if number := query.span("number"):
            low, high = max(1, math.ceil(number[0])) if number[0] > 0 else 1, min(number[1], self.all.max() if self.all else 0)
            yield BitMap64(range(low, math.floor(high) + 1))

    def _enter(self, alike: Sequence[Task], numbers: Sequence[int]) -> None:
        first, count = alike[0], len(alike)
        status = first.status
        put_in(self.statuses[status], numbers)
        self.counts[status] += count
        counts = self.type_counts.get(first.type)
        if counts is None:
            counts = self.type_counts[first.type] = Counter()
        counts[status] += count
        if first.foreign is not None:
            self.waiting_elsewhere += count if status in WAITING else 0
            return
        if status is Status.PENDING:
            line = self.lines.get(first.line)
            if line is None:
                line = self.lines[first.line] = SharedLine(self.full) if self.divided else Line()
            line.add(first, numbers)
        else:
            for task in alike:
                if task.scheduled_for is not None:
                    self.due.add((task.scheduled_for, task.number))
        if first.by and status in WAITING:
            self.waiting_of[first.by] = self.waiting_of.get(first.by, 0) + count

    def _leave(self, alike: Sequence[Task], numbers: Sequence[int]) -> None:
        first, count = alike[0], len(alike)
        status = first.status
        take_out(self.statuses[status], numbers)
        self.counts[status] -= count
        self.type_counts[first.type][status] -= count
        if first.foreign is not None:
            self.waiting_elsewhere -= count if status in WAITING else 0
            return
        if status is Status.PENDING:
            self.lines[first.line].remove(first, numbers)
        else:
            for task in alike:
                if task.scheduled_for is not None:
                    self.due.discard((task.scheduled_for, task.number))
        if first.by and status in WAITING:
            self._wait_no_more(first.by, count)

    def _wait_no_more(self, by: str, count: int) -> None:
        left = self.waiting_of[by] - count
        if left:
            self.waiting_of[by] = left
        else:
            del self.waiting_of[by]


def _drop(index: dict[Name, BitMap64], name: Name, numbers: Sequence[int]) -> None:
    found = index[name]
    take_out(found, numbers)
    if not found:
        del index[name]


def _alike(tasks: Iterable[Task]) -> Iterable[Sequence[Task]]:
    groups: dict[tuple[object, ...], list[Task]] = {}
    first: Task | None = None
    group: list[Task] = []
    for task in tasks:
        if first is None or not _as_before(first, task):
            first, group = task, groups.setdefault(_what_counts(task), [])
        group.append(task)
    return groups.values()


def _what_counts(task: Task) -> tuple[object, ...]:
    """What tasks have in common that are alike to all indexes; a tag and the time it is due are looked at task by task."""
    hour = task.created_at // _HOUR
    return task.type, task.status, task.by, task.via, task.priority, hour, task.foreign is None, task.retry_slots and bool(task.attempts)


def _as_before(first: Task, task: Task) -> bool:
    """Whether these are surely alike to all indexes: what was launched in one go mostly is, and is found out in a third of the time."""
    return (
        task.created_at == first.created_at
        and task.status is first.status
        and task.attempts is first.attempts
        and task.retry_slots is first.retry_slots
        and task.priority == first.priority
        and task.foreign is first.foreign
        and task.type == first.type
        and task.by == first.by
        and task.via == first.via
    )


def _usual_step(records: tuple[Task, Task]) -> tuple[object, ...] | None:
    """What tasks have in common that take a usual step alike; None for any other change."""
    before, after = records
    if _USUAL.get(before.status) is not after.status or after.scheduled_for is not None or after.foreign is not None:
        return None
    return after.status, after.type, after.by, after.priority, before.retry_slots and bool(before.attempts)


def _bitmap(index: dict[Name, BitMap64], name: Name) -> BitMap64:
    found = index.get(name)
    if found is None:
        found = index[name] = BitMap64()
    return found


def page_of(numbers: BitMap64, *, newest_first: bool, cursor: int | None, limit: int) -> list[int]:
    """Up to `limit` numbers in order, beginning behind `cursor` (not included)."""
    if newest_first:
        end = len(numbers) if cursor is None else int(numbers.rank(cursor - 1)) if cursor > 0 else 0
        return list(numbers[max(0, end - limit) : end])[::-1]
    start = 0 if cursor is None else int(numbers.rank(cursor))
    return list(numbers[start : start + limit])


def slices_of(numbers: BitMap64, *, newest_first: bool, cursor: int | None, size: int) -> Iterator[list[int]]:
    """All numbers behind `cursor`, in order, in slices of `size`."""
    while part := page_of(numbers, newest_first=newest_first, cursor=cursor, limit=size):
        yield part
        cursor = part[-1]


def _union(bitmaps: Iterable[BitMap64]) -> BitMap64:
    found = list(bitmaps)
    return found[0] if len(found) == 1 else BitMap64.union(*found) if found else BitMap64()


def _those(index: Mapping[Any, BitMap64], names: Iterable[Any]) -> list[BitMap64]:
    return [index[name] for name in names if name in index]


def _hour(moment: float) -> float:
    return moment // _HOUR if math.isfinite(moment) else moment
