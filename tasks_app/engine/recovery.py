"""What becomes of the tasks of an earlier process: those that ended are as they were, those that waited wait on, those that ran were
interrupted, or wait for their next attempt where running twice does no harm."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from tasks_app.engine.begun import followed
from tasks_app.engine.events import Change
from tasks_app.engine.ports import Clock, Journal, Recovered
from tasks_app.engine.registry import Registry
from tasks_app.engine.sentences import kept
from tasks_app.engine.store import Store
from tasks_app.engine.task import RUNNING, TERMINAL, Attempt, Outcome, OutcomeKind, Status, Task, TaskError, finished, retry_planned


class Restart(Struct, frozen=True):
    """What became of the tasks of the process before: when this one began and when that one was last seen alive (seconds since 1970), how
    many were interrupted, how many begin their next attempt by themselves, and how many wait for a slot, for their next attempt, and for
    their time, as before."""

    at: float
    alive_at: float
    interrupted: int
    again: int
    waiting: int
    retrying: int
    scheduled: int


class Left(Struct, frozen=True):
    """What an earlier process left: its tasks as they are now, those among them whose end nobody has heard of yet, what others than the
    engine put into its journal, and the sum of it for people."""

    tasks: list[Task]
    ended: list[Task]
    records: Mapping[str, bytes]
    restart: Restart | None


STOPPED = TaskError("Interrupted", str(kept("The server stopped while this attempt ran.")()))


def taken_up(journal: Journal, store: Store, registry: Registry, clock: Clock, outlives: Callable[[str], bool], keep_finished: int) -> Left:
    """Take an earlier process's tasks from the journal into the store, and write down what became of them. `outlives` says of which types
    attempts go on without the process."""
    found = journal.load(keep_finished)
    tasks, changed = recovered(found, registry, clock, outlives)
    store.restore(tasks, next_number=found.next_number, serials=found.serials, now=clock.time())
    for series, serial in found.ahead:
        store.series.cancel_ahead(series, serial)
    journal.record([Change(task.version, task, task) for task in changed])
    ended = [task for task in changed if task.status in TERMINAL]
    return Left(tasks, ended, found.records, restart(found, changed, clock))


def recovered(found: Recovered, registry: Registry, clock: Clock, outlives: Callable[[str], bool]) -> tuple[list[Task], list[Task]]:
    """All tasks, and those among them that this changed. `outlives` says of which types attempts go on without the process."""
    tasks = [
        _going_on(task, clock) if task.status in RUNNING and outlives(task.type) else _after_all(task, registry, clock, found.alive_at)
        for task in found.tasks
    ]
    changed = [now for before, now in zip(found.tasks, tasks, strict=True) if now is not before]
    return tasks, changed


def restart(found: Recovered, changed: list[Task], clock: Clock) -> Restart | None:
    """What the tasks of the process before have become; None where it left none that had not ended."""
    became = Counter(task.status for task in changed)
    before = Counter(task.status for task in found.tasks)
    left = (
        became[Status.INTERRUPTED],
        became[Status.RETRYING],
        *(before[status] for status in (Status.PENDING, Status.RETRYING, Status.SCHEDULED)),
    )
    return Restart(clock.time(), found.alive_at, *left) if any(left) and found.alive_at else None


def _going_on(task: Task, clock: Clock) -> Task:
    attempt = followed(task.attempts[-1], at=clock.time(), monotonic=clock.monotonic())
    return replace(task, attempts=(*task.attempts[:-1], attempt), progress=None)


def _after_all(task: Task, registry: Registry, clock: Clock, alive_at: float) -> Task:
    if task.status not in RUNNING:
        return task
    attempt = task.attempts[-1]
    seconds = max(0.0, alive_at - attempt.started_at)  # what is known: so long it ran at least
    task = replace(task, attempts=(*task.attempts[:-1], _begun_here(attempt)))
    outcome = Outcome(kind=OutcomeKind.INTERRUPTED, error=STOPPED)
    if _may_run_again(task, registry):
        return retry_planned(task, outcome, monotonic=seconds, due_at=clock.time())
    return finished(task, outcome, monotonic=seconds)


def _begun_here(attempt: Attempt) -> Attempt:
    """The monotonic clock of that process means nothing in this one: the attempt begins at zero."""
    return replace(attempt, began=0.0)


def _may_run_again(task: Task, registry: Registry) -> bool:
    task_type = registry.find(task.type)
    idempotent = task_type is not None and task_type.idempotent
    return idempotent and task.status is Status.PROCESSING and task.attempt_number < task.attempts_allowed
