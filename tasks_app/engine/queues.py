"""Slots: how many tasks of each type may run at once, how many in all, and who is next."""

from __future__ import annotations

import sys
from collections import Counter

from msgspec import Struct

from tasks_app.engine.errors import InvalidValue
from tasks_app.engine.limits import Limits
from tasks_app.engine.registry import Registry
from tasks_app.engine.sentences import say
from tasks_app.engine.store import Store

MAX_CONCURRENCY = 1_000_000


class Queue(Struct):
    """The slots of one task type. `concurrency` None: only the overall limit counts.

    With a `retry_concurrency` further attempts have slots of their own, so that retries and new tasks do not hold one another up.
    """

    type: str
    concurrency: int | None = None
    retry_concurrency: int | None = None
    paused: bool = False
    paused_by: str = ""
    paused_at: float | None = None  # wall clock
    running: int = 0
    retrying: int = 0

    def free(self, line: str) -> int:
        """How many slots that this line leads to are free; sys.maxsize where only the server's own bound counts."""
        if line != self.type and self.retry_concurrency is not None:
            return self.retry_concurrency - self.retrying
        return sys.maxsize if self.concurrency is None else self.concurrency - self.running

    def busy(self, line: str) -> bool:
        """Whether all of them are taken."""
        return self.free(line) <= 0

    def slots(self, line: str) -> int | None:
        """How many slots this line leads to; None: as many as the server has."""
        return self.concurrency if line == self.type else self.retry_concurrency


class Queues:
    """All queues. Slots are taken and given back on the engine's loop; limits may be set from any thread."""

    def __init__(self, store: Store, registry: Registry, limits: Limits) -> None:
        self._store = store
        self._registry = registry
        self._limits = limits.concurrency
        self._retry_limits = limits.retry_concurrency
        self._queues: dict[str, Queue] = {}
        self._held: Counter[str] = Counter()  # slots by the name of who holds them, where they are counted
        self.max_running = limits.max_running
        self.each = limits.max_running_each
        self.running = 0
        if self.each is not None:
            store.shares.divide()

    def get(self, type_name: str) -> Queue:
        """The queue of a type, made when first asked for."""
        queue = self._queues.get(type_name)
        if queue is None:
            task_type = self._registry.find(type_name)
            limit = self.declared(type_name)
            retries = task_type.retry_concurrency if task_type else None
            if retries is not None:
                retries = self._retry_limits.get(type_name, retries)
            queue = self._queues.setdefault(type_name, Queue(type_name, limit, retries))
        return queue

    def declared(self, type_name: str) -> int | None:
        """How many may run at once as the settings say it, or else the type; None: no limit of its own."""
        task_type = self._registry.find(type_name)
        return self._limits.get(type_name, task_type.concurrency if task_type else None)

    def pause(self, type_name: str, *, by: str, at: float) -> None:
        """Start no more of a type. Who asked first stays who asked."""
        queue = self.get(type_name)
        if not queue.paused:
            queue.paused, queue.paused_by, queue.paused_at = True, by, at

    def resume(self, type_name: str) -> None:
        """Start them again."""
        queue = self.get(type_name)
        queue.paused, queue.paused_by, queue.paused_at = False, "", None

    def limit(self, type_name: str, concurrency: int | None) -> None:
        """Set how many of a type may run at once; None lifts the limit. Those that run go on. Raises InvalidValue."""
        if concurrency is not None and not 1 <= concurrency <= MAX_CONCURRENCY:
            raise InvalidValue(say("must be from 1 to {most:,}; pause the type to stop it", most=MAX_CONCURRENCY), field="concurrency")
        self.get(type_name).concurrency = concurrency

    def next(self, most: int) -> list[int]:
        """The numbers of pending tasks to start now, at least one if there is any and at most so many: of all types with a free slot the
        highest priority, then the oldest. Who holds all the slots one person may have is passed over."""
        heads = self._heads()
        if not heads:
            return []
        heads.sort()
        first, line, free = heads[0]
        found = [first[1]]
        if (more := min(most, free, self._share(line, first[1])) - 1) > 0:
            found += self._store.next_in_line(line, first, more)
        return [number for number in found if (first[0], number) < heads[1][0]] if len(heads) > 1 else found

    def _share(self, line: str, number: int) -> int:
        """How many more of whoever is next may begin at once. Of the server's own tasks, among which nobody is passed over, one."""
        if self.each is None:
            return sys.maxsize
        task, task_type = self._store.by_number(number), self._registry.find(line.partition("/")[0])
        if task is None or task_type is None or not task_type.launchable:
            return 1
        return self.each - self._held[task.by] if task.by else sys.maxsize

    def _heads(self) -> list[tuple[tuple[int, int], str, int]]:
        """(minus priority, number) of the first in each line that may go on, the line's name, and how many slots it leads to are free.

        The server's own tasks need no free slot of the server: a bulk cancel must not wait for what it is to cancel.
        """
        found = []
        room = self.max_running - self.running
        for line in self._store.lines():
            queue = self._queues.get(line) or self.get(line.partition("/")[0])
            task_type = self._registry.find(queue.type)
            if task_type is None or queue.paused:
                continue
            free = queue.free(line) if not task_type.launchable else min(room, queue.free(line))
            if free > 0:
                first = self._store.first_in_line(line, anybody=not task_type.launchable)
                if first is not None:
                    found.append((first, line, free))
        return found

    def take(self, line: str, by: str = "") -> None:
        """Occupy a slot that this line leads to, for a task in somebody's share, or in nobody's."""
        queue = self._queues.get(line)  # a type's own line has its name: so it is nearly always
        if queue is not None:
            queue.running += 1
        else:
            self._count_apart(line, 1)
        self.running += 1
        if by and self.each is not None:
            self._held[by] += 1
            if self._held[by] == self.each:
                self._store.shares.pass_over(by)

    def give_back(self, line: str, by: str = "") -> None:
        """Free it."""
        queue = self._queues.get(line)
        if queue is not None:
            queue.running -= 1
        else:
            self._count_apart(line, -1)
        self.running -= 1
        if by and self.each is not None:
            if self._held[by] == self.each:
                self._store.shares.let_in(by)
            self._held[by] -= 1
            if not self._held[by]:
                del self._held[by]

    def has_share(self, by: str) -> bool:
        """Whether somebody holds all the slots that one person may have."""
        return self.each is not None and self._held[by] >= self.each

    def _count_apart(self, line: str, change: int) -> None:
        """In the line of a type's retries, or the first in that of a type."""
        type_name, _, retries = line.partition("/")
        queue = self.get(type_name)
        queue.retrying += change if retries else 0
        queue.running += 0 if retries else change
