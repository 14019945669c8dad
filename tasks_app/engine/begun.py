"""When attempts began: here and now, or elsewhere, as a worker says it, and as a process says it that follows them on."""

from __future__ import annotations

from msgspec.structs import replace

from tasks_app.engine.task import RUNNING, Attempt, Status, Task, started


def begun_now(task: Task, *, at: float, monotonic: float) -> Task | None:
    """An attempt of a pending task begins; None where it was cancelled a moment ago."""
    return started(task, at=at, monotonic=monotonic) if task.status is Status.PENDING else None


def begun(task: Task, attempt: int, *, at: float, monotonic: float) -> Task | None:
    """A worker began with an attempt that was sent before: its time counts from here. None where it is not the one under way."""
    if task.status not in RUNNING or task.attempt_number != attempt:
        return None
    return replace(task, attempts=(*task.attempts[:-1], replace(task.attempts[-1], started_at=at, began=monotonic)), progress=None)


def followed(attempt: Attempt, *, at: float, monotonic: float) -> Attempt:
    """An attempt of an earlier process that goes on: the monotonic clock of that process means nothing in this one."""
    return replace(attempt, began=monotonic - max(0.0, at - attempt.started_at))
