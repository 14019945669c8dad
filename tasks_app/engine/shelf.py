"""What can be read of a store: single tasks, pages, counts."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Iterable, Iterator
from operator import itemgetter

from msgspec.structs import replace
from pyroaring import BitMap64

from tasks_app.engine.errors import NotFound
from tasks_app.engine.indexes import Indexes, page_of, slices_of
from tasks_app.engine.query import Page, Query
from tasks_app.engine.search import Steps, TallySteps, at_once, search, tally
from tasks_app.engine.task import Status, Task
from tasks_app.engine.trail import Trail

LOOKED_AT = 1000  # names, when some of them are proposed


class Shelf:
    """The tasks of a store and their indexes, read under its lock. The store alone changes them."""

    _lock: threading.RLock
    _tasks: dict[int, Task]
    _numbers: dict[str, int]
    _indexes: Indexes
    _trails: dict[int, Trail]

    def get(self, task_id: str) -> Task:
        """Raises NotFound."""
        task = self.find(task_id)
        if task is None:
            raise NotFound
        return task

    def find(self, task_id: str) -> Task | None:
        """The task of this id, None when there is none."""
        number = self._numbers.get(task_id)
        return self._tasks.get(number) if number is not None else None

    def by_number(self, number: int) -> Task | None:
        """The task of this number, None when there is none."""
        return self._tasks.get(number)

    def find_trail(self, number: int) -> Trail | None:
        """A task's log and series, None where nothing was left."""
        return self._trails.get(number)

    def lines(self) -> list[str]:
        """The lines in which tasks wait."""
        with self._lock:
            return [name for name, line in self._indexes.lines.items() if line]

    def many(self, numbers: Iterable[int]) -> list[Task]:
        """The tasks of these numbers that are still there."""
        return [task for number in numbers if (task := self._tasks.get(number)) is not None]

    def all(self) -> list[Task]:
        """All tasks. For a start: it takes as long as there are many."""
        with self._lock:
            return list(self._tasks.values())

    def page(self, query: Query, limit: int) -> Page:
        """One page. Costs what it shows; with words and the like, at most search.MOST tasks are looked at and `searched` says how
        many."""
        if query.searches:
            return at_once(self.searching(query, limit))
        with self._lock:
            found = self._indexes.candidates(query)
            numbers = page_of(found, newest_first=query.newest_first, cursor=query.cursor, limit=limit + 1)
            items = tuple(self.many(numbers[:limit]))
            return Page(items=items, next=numbers[limit - 1] if len(numbers) > limit else None, total=len(found))

    def searching(self, query: Query, limit: int, most: int | None = None) -> Steps:
        """The same page where tasks have to be looked at, slice by slice."""
        return search(self.many, self._narrowed(query), query, limit, most)

    def tallying(self, query: Query, most: int | None = None) -> TallySteps:
        """How many tasks of each status pass the filter, whichever statuses it names, slice by slice; its cursor does not count."""
        found = {status: self._narrowed(replace(query, statuses=frozenset({status}))) for status in Status}
        return tally(self.many, found, query, most)

    def count(self, query: Query) -> int:
        """How many tasks pass what the indexes know of the filter; none is looked at."""
        with self._lock:
            return len(self._indexes.candidates(query))

    def count_elsewhere(self, query: Query) -> int:
        """How many of them are only watched here."""
        with self._lock:
            return self._indexes.candidates(query).intersection_cardinality(self._indexes.elsewhere) if self._indexes.elsewhere else 0

    def elsewhere(self, query: Query) -> list[Task]:
        """Those themselves. Looks at each: for a few."""
        with self._lock:
            return self.many(self._indexes.candidates(query) & self._indexes.elsewhere) if self._indexes.elsewhere else []

    def count_newer(self, query: Query, number: int) -> int:
        """How many of them were created after the task of this number."""
        with self._lock:
            found = self._indexes.candidates(query)
            return len(found) - int(found.rank(number))

    def numbers(self, query: Query) -> list[int]:
        """The numbers of all tasks that pass the whole filter, in its order. Looks at each."""
        return [task.number for part in self.each(query, 500) for task in part]

    def each(self, query: Query, size: int) -> Iterator[list[Task]]:
        """All tasks that pass the whole filter, in its order, each once: those there are now, as they are when their slice of `size` is
        looked at. A slice of which none passes is empty."""
        found = self._candidates(query)
        for part in slices_of(found, newest_first=query.newest_first, cursor=query.cursor, size=size):
            yield [task for task in self.many(part) if query.matches(task)]

    def numbers_before(self, query: Query, number: int) -> BitMap64:
        """The numbers of all tasks created before the one of this number that pass what the indexes know of the filter. A new set."""
        return self._narrowed(query) & BitMap64(range(number))

    @property
    def counts(self) -> dict[Status, int]:
        """How many tasks are in each status."""
        with self._lock:
            return dict(self._indexes.counts)

    @property
    def type_counts(self) -> dict[str, dict[Status, int]]:
        """The same for each type that has tasks."""
        with self._lock:
            return {name: dict(counts) for name, counts in self._indexes.type_counts.items()}

    def count_of(self, type_name: str, status: Status) -> int:
        """How many tasks of a type are in a status."""
        counts = self._indexes.type_counts.get(type_name)
        return counts[status] if counts else 0

    def tags_like(self, beginning: str, most: int) -> list[tuple[str, int]]:
        """Tags in use that begin so, each with its number of tasks: of the first LOOKED_AT by name the `most` used."""
        with self._lock:
            names = itertools.islice(self._indexes.tag_names.irange(beginning, f"{beginning}\U0010ffff"), LOOKED_AT)
            return heapq.nlargest(most, ((name, len(self._indexes.tags[name])) for name in names), key=itemgetter(1))

    @property
    def tag_count(self) -> int:
        """How many tags are in use."""
        return len(self._indexes.tags)

    def origins_like(self, key: str, text: str, most: int) -> list[tuple[str, int]]:
        """Names of who launched tasks (`by`), or of the doors they came through (`via`), that have this text in them, whatever its case;
        each with its number of tasks, the most used of LOOKED_AT."""
        with self._lock:
            people = ((name, len(theirs)) for name, theirs in self._indexes.people.items())
            names = itertools.islice(people if key == "by" else self._indexes.doors.items(), LOOKED_AT)
            return heapq.nlargest(most, (one for one in names if one[0] and text.lower() in one[0].lower()), key=itemgetter(1))

    def launched_by(self, name: str) -> int:
        """How many tasks somebody launched."""
        return len(self._indexes.people.get(name, ()))

    @property
    def waiting(self) -> int:
        """How many tasks wait, whatever for; those that run elsewhere are not counted."""
        counts = self._indexes.counts
        return counts[Status.PENDING] + counts[Status.SCHEDULED] + counts[Status.RETRYING] - self._indexes.waiting_elsewhere

    def __len__(self) -> int:
        return len(self._tasks)

    # -- the line, and what is due

    def first_in_line(self, name: str, *, anybody: bool = False) -> tuple[int, int] | None:
        """(minus priority, number) of the next pending task in a line; with `anybody` nobody is passed over."""
        with self._lock:
            line = self._indexes.lines.get(name)
            return None if line is None else line.first() if anybody else line.first_in_turn()

    def next_in_line(self, name: str, first: tuple[int, int], most: int) -> list[int]:
        """The numbers of up to so many who come after the first, as urgent as it is; where somebody may be passed over, those of whoever is
        the first."""
        with self._lock:
            return self._indexes.lines[name].next_after(first, most)

    def position(self, task: Task) -> int | None:
        """A pending task's place in its line, 1 for the next; None when it does not wait there any more."""
        with self._lock:
            now = self._tasks.get(task.number)
            if now is None or now.status is not Status.PENDING or now.foreign is not None:
                return None
            return self._indexes.lines[now.line].position(now)

    def next_due(self) -> float | None:
        """When the next scheduled or retrying task is due, wall-clock."""
        with self._lock:
            return self._indexes.due[0][0] if self._indexes.due else None

    def soonest(self, most: int, looked_at: int = 1000) -> list[Task]:
        """Tasks that are scheduled for a time, the one due first first; what waits between attempts is passed over."""
        with self._lock:
            found = self.many(number for _, number in itertools.islice(self._indexes.due, looked_at))
            return [task for task in found if task.status is Status.SCHEDULED][:most]

    def all_due(self, at: float, most: int = 500) -> list[int]:
        """The numbers of tasks due by that time, the longest due first."""
        with self._lock:
            return [number for when, number in itertools.islice(self._indexes.due, most) if when <= at]

    # -- inside

    def _candidates(self, query: Query) -> BitMap64:
        with self._lock:
            return self._indexes.candidates(query).copy()

    def _narrowed(self, query: Query) -> BitMap64:
        """The candidates; a word that is an id leaves one of them."""
        found = self._candidates(query)
        for term in query.terms:
            ids = (*term.values, *term.whole)
            number = None if term.negated or term.key not in ("", "id") or len(ids) != 1 else self._numbers.get(ids[0])
            if number is not None:
                found &= BitMap64([number])
        return found
