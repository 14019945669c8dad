"""The lines in which pending tasks wait for a slot: plain ones, and ones in which somebody who has his share is passed over."""

from __future__ import annotations

from collections.abc import Sequence, Set

from pyroaring import BitMap64
from sortedcontainers import SortedDict, SortedList

from tasks_app.engine.task import Task


class Line:
    """The pending tasks of one type, or of its retries: higher priority first, then older first."""

    def __init__(self) -> None:
        self._numbers: SortedDict[int, BitMap64] = SortedDict()  # minus priority -> numbers
        self._count = 0

    def add(self, task: Task, numbers: Sequence[int]) -> None:
        """Let tasks stand in line that are as urgent as this one, and of the same person."""
        equals = self._numbers.get(-task.priority)
        if equals is None:
            equals = self._numbers[-task.priority] = BitMap64()
        put_in(equals, numbers)
        self._count += len(numbers)

    def remove(self, task: Task, numbers: Sequence[int]) -> None:
        """Take tasks out that are as urgent as this one, and of the same person, wherever they stand."""
        equals = self._numbers[-task.priority]
        take_out(equals, numbers)
        self._count -= len(numbers)
        if not equals:
            del self._numbers[-task.priority]

    def first(self) -> tuple[int, int] | None:
        """(minus priority, number) of the task that is next, None when nobody waits."""
        if not self._numbers:
            return None
        rank, numbers = self._numbers.peekitem(0)
        return rank, numbers.min()

    def first_in_turn(self) -> tuple[int, int] | None:
        """The same, without those who may not run more at the moment."""
        return self.first()

    def next_after(self, first: tuple[int, int], most: int) -> list[int]:
        """The numbers of up to so many who come after the first and are as urgent."""
        equals = self._numbers[first[0]]
        return list(equals[1 : most + 1]) if len(equals) > 1 else []

    def look_again(self, by: str) -> None:
        """Somebody may run more again, or no more: a plain line asks nobody's name."""

    def position(self, task: Task) -> int:
        """1 for the next one."""
        ahead = sum(len(self._numbers[rank]) for rank in self._numbers.irange(maximum=-task.priority, inclusive=(True, False)))
        return ahead + int(self._numbers[-task.priority].rank(task.number))

    def __len__(self) -> int:
        return self._count


class SharedLine(Line):
    """A line of many people's tasks. However many stand in it, who is next is known at once: each has a line of his own, and the heads of
    those whose names are not in `full` are kept in order."""

    def __init__(self, full: Set[str]) -> None:
        super().__init__()
        self._full = full
        self._own: dict[str, Line] = {}
        self._head_of: dict[str, tuple[int, int]] = {}
        self._whose: dict[tuple[int, int], str] = {}  # the same, the other way round
        self._heads: SortedList[tuple[int, int]] = SortedList()

    def add(self, task: Task, numbers: Sequence[int]) -> None:
        """Let tasks stand in line that are as urgent as this one, and of the same person."""
        super().add(task, numbers)
        own = self._own.get(task.by)
        if own is None:
            own = self._own[task.by] = Line()
        own.add(task, numbers)
        self.look_again(task.by)

    def remove(self, task: Task, numbers: Sequence[int]) -> None:
        """Take tasks out that are as urgent as this one, and of the same person, wherever they stand."""
        super().remove(task, numbers)
        own = self._own[task.by]
        own.remove(task, numbers)
        if not own:
            del self._own[task.by]
        self.look_again(task.by)

    def first_in_turn(self) -> tuple[int, int] | None:
        """(minus priority, number) of the next task of somebody who may run more."""
        return self._heads[0] if self._heads else None

    def next_after(self, first: tuple[int, int], most: int) -> list[int]:
        """Those of the same person who come before the next head; `most` must leave out what is past his share."""
        if not self._heads or self._heads[0] != first:
            return []
        found = self._own[self._whose[first]].next_after(first, most)
        return found if len(self._heads) == 1 else [number for number in found if (first[0], number) < self._heads[1]]

    def look_again(self, by: str) -> None:
        """His line has another head, or he may run more again, or no more."""
        own = self._own.get(by)
        head = own.first() if own is not None and by not in self._full else None
        before = self._head_of.get(by)
        if head == before:
            return
        if before is not None:
            self._heads.remove(before)
            del self._head_of[by], self._whose[before]
        if head is not None:
            self._heads.add(head)
            self._head_of[by] = head
            self._whose[head] = by


def put_in(index: BitMap64, numbers: Sequence[int]) -> None:
    """Have numbers in a set. One, as mostly, is put in four times as quickly by itself."""
    if len(numbers) == 1:
        index.add(numbers[0])
    else:
        index.update(numbers)


def take_out(index: BitMap64, numbers: Sequence[int]) -> None:
    """Have them in it no more."""
    if len(numbers) == 1:
        index.discard(numbers[0])
    else:
        index.difference_update(BitMap64(numbers))
