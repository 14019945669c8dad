"""When attempts began: here and now, or elsewhere, as a worker says it, and as a process says it that follows them on."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from tasks_app.engine.attempt import first_attempt
from tasks_app.engine.task import RUNNING, Attempt, Status, Task, started


def beginning(*, at: float, monotonic: float) -> Callable[[Task], Task | None]:
    """A function that has attempts of pending tasks begin at this moment; None for one that was cancelled a moment ago. What those that
    never ran before have in common is made once."""
    first = first_attempt(at, monotonic)

    def begin(task: Task) -> Task | None:
        if task.status is not Status.PENDING:
            return None
        if task.attempts:
            return started(task, at=at, monotonic=monotonic)
        return replace(task, status=Status.PROCESSING, attempts=first)

    return begin


def begun(task: Task, attempt: int, *, at: float, monotonic: float) -> Task | None:
    """A worker began with an attempt that was sent before: its time counts from here. None where it is not the one under way."""
    if task.status not in RUNNING or task.attempt_number != attempt:
        return None
    return replace(task, attempts=(*task.attempts[:-1], replace(task.attempts[-1], started_at=at, began=monotonic)), progress=None)


def followed(attempt: Attempt, *, at: float, monotonic: float) -> Attempt:
    """An attempt of an earlier process that goes on: the monotonic clock of that process means nothing in this one."""
    return replace(attempt, began=monotonic - max(0.0, at - attempt.started_at))
