"""What the store announces: one Change for each record that came, became another, went, or came back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter

from msgspec import Struct

from tasks_app.engine.task import Task

_counted = attrgetter("type", "status", "created_at", "waiting_since", "ended_at")


class Change(Struct, frozen=True, gc=False):
    """`before` is None for a new task, `after` None for a deleted one."""

    version: int
    before: Task | None
    after: Task | None

    @property
    def task(self) -> Task:
        """The newest record there is."""
        task = self.after or self.before
        assert task is not None
        return task


class Return(Change, frozen=True, gc=False):
    """A task that was deleted is back: `before` is the record it left with, and `after` the same one with a version of its own. Nothing
    happened to it in between, so whoever counts what tasks go through has nothing to count."""


Step = tuple[Task | None, Task, int]  # a change of status: the records before and after, and how many in a row were alike


class News(tuple[Change, ...]):
    """Changes that are announced together, in order. What several listeners count of them is worked out once."""

    _steps: list[Step] | None = None

    @property
    def steps(self) -> list[Step]:
        """See the function of this name."""
        if self._steps is None:
            self._steps = _steps(self)
        return self._steps


def steps(changes: Sequence[Change]) -> list[Step]:
    """What whoever counts has to count: the records before and after of each change of status, and how many such changes in a row are
    alike in all that is counted. What begins, or ends, in one turn of the loop mostly is: type, status, attempts and wait are the same."""
    return changes.steps if isinstance(changes, News) else _steps(changes)


def steps_alone(changes: Sequence[Change]) -> list[Step] | None:
    """The same, where there is nothing else in these changes; None where a task went, came back, or changed in something else. Who wants to
    hear of few steps need not look at each change of a bundle then."""
    if not isinstance(changes, News):
        return None
    found = changes.steps
    return found if sum(times for _, _, times in found) == len(changes) else None


def is_mere_progress(change: Change) -> bool:
    """Whether nothing changed but how far a task is: that is told to browsers, and not kept."""
    before, after = change.before, change.after
    return before is not None and after is not None and before.progress is not after.progress and before.status is after.status


def _steps(changes: Iterable[Change]) -> list[Step]:
    found: list[Step] = []
    first: tuple[Task | None, Task] | None = None  # of those in a row
    count = 0
    for change in changes:
        before, after = change.before, change.after
        if after is None or (before is not None and before.status is after.status):
            continue
        if first is not None:
            if _is_alike(*first, before, after):
                count += 1
                continue
            found.append((*first, count))
        first, count = (before, after), 1
    if first is not None:
        found.append((*first, count))
    return found


def seen_through(changes: News) -> News:
    """Those of tasks that this process sees through, and does not only watch."""
    found = [change for change in changes if (change.after or change.before).foreign is None]  # type: ignore[union-attr]
    return changes if len(found) == len(changes) else News(found)


def runs(tasks: Iterable[Task]) -> Iterator[tuple[Task, int]]:
    """Tasks, and how many in a row are alike in all that is counted of them."""
    alike, count = None, 0
    for task in tasks:
        if alike is not None and alike.attempts is task.attempts and _counted(alike) == _counted(task):
            count += 1
            continue
        if alike is not None:
            yield alike, count
        alike, count = task, 1
    if alike is not None:
        yield alike, count


def _is_alike(earlier: Task | None, now: Task, before: Task | None, after: Task) -> bool:
    if after.attempts is not now.attempts or after.status is not now.status or after.type != now.type:
        return False
    if after.waiting_since != now.waiting_since:
        return False
    if before is None or earlier is None:
        return before is earlier
    return before.status is earlier.status and before.waiting_since == earlier.waiting_since
