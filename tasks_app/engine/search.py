"""Looks at tasks one by one: newest first, in slices, and no further than it says."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from typing import TypeVar

from msgspec import Struct
from pyroaring import BitMap64

from tasks_app.engine.indexes import slices_of
from tasks_app.engine.query import Page, Query
from tasks_app.engine.task import Status, Task

MOST = 20_000  # tasks looked at for one page, and again for its counts
SLICE = 100  # tasks in one step: at most some milliseconds, with as many terms as there may be


class Tally(Struct, frozen=True, kw_only=True):
    """How many tasks of each status a search finds. Of the statuses in `cut` only the newest were looked at, and there may be more;
    `searched` is how many were looked at in all."""

    counts: dict[Status, int]
    cut: frozenset[Status]
    searched: int


Found = TypeVar("Found")
Steps = Generator[None, None, Page]
TallySteps = Generator[None, None, Tally]
Read = Callable[[Iterable[int]], list[Task]]


def search(read: Read, found: BitMap64, query: Query, limit: int, most: int | None = None) -> Steps:
    """A page of the tasks among `found` for which all terms hold, one slice a step. Looks at `most` tasks, MOST where nothing is said;
    `next` goes on behind the last one looked at."""
    most = MOST if most is None else most
    items: list[Task] = []
    searched = 0
    for part in slices_of(found, newest_first=query.newest_first, cursor=query.cursor, size=SLICE):
        for task in read(part):
            searched += 1
            if query.matches(task):  # its status may have changed meanwhile
                items.append(task)
                if len(items) > limit:
                    return Page(items=tuple(items[:limit]), next=items[limit - 1].number, searched=searched)
        if searched >= most and part[-1] != _last(found, query):
            return Page(items=tuple(items), next=part[-1], searched=searched)
        yield
    return Page(items=tuple(items), total=len(items) if query.cursor is None else None, searched=searched)


def tally(read: Read, found: Mapping[Status, BitMap64], query: Query, most: int | None = None) -> TallySteps:
    """Counts the tasks of each status for which all terms hold, one slice a step. Looks at some `most` tasks, MOST where nothing is said.
    Small statuses come first and leave to the others what they do not need, so those that failed are mostly counted whole."""
    left = MOST if most is None else most
    counts, cut, searched = dict.fromkeys(found, 0), set(), 0
    line = sorted(found.items(), key=lambda one: len(one[1]))
    for place, (status, numbers) in enumerate(line):
        share = left // (len(line) - place)
        for part in slices_of(numbers, newest_first=True, cursor=None, size=SLICE):
            if share <= 0:
                cut.add(status)
                break
            counts[status] += sum(map(query.mentions, read(part)))
            share, left, searched = share - len(part), left - len(part), searched + len(part)
            yield
    return Tally(counts=counts, cut=frozenset(cut), searched=searched)


def at_once(steps: Generator[None, None, Found]) -> Found:
    """All steps, one after the other."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: Found = end.value
            return found


def _last(found: BitMap64, query: Query) -> int:
    return int(found.min() if query.newest_first else found.max())
