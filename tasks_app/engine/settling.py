"""What becomes of a task when an attempt has ended: it waits for the next one, or it has ended too. Pure."""

from __future__ import annotations

from collections.abc import Callable

from tasks_app.engine.errors import IllegalTransition
from tasks_app.engine.ports import Clock
from tasks_app.engine.registry import TaskType
from tasks_app.engine.reports import Said, written
from tasks_app.engine.task import Outcome, OutcomeKind, Status, Task, finished, retry_planned

_FAILURES = frozenset({OutcomeKind.FAILED, OutcomeKind.TIMED_OUT})


def settled(
    said: Said | None,
    outcome: Outcome,
    task_type: TaskType,
    at: float | None,
    clock: Clock,
    chance: Callable[[], float],
    abandoned: bool,
    task: Task,
) -> Task | None:
    """The record after an attempt that ended at that moment of the monotonic clock, now if none is given; None for one that has ended
    already. `said` is what was reported last, `chance` gives numbers from 0 to 1, for the jitter of the wait."""
    if said is not None:
        task = written(task, said) or task
    monotonic = clock.monotonic() if at is None else at
    again = outcome.kind in _FAILURES and outcome.retry and task.status is Status.PROCESSING
    if again and task.attempt_number < task.attempts_allowed:
        failures = task.attempt_number - task.attempts_before
        wait = task_type.backoff.seconds(failures, chance())
        return retry_planned(task, outcome, monotonic=monotonic, due_at=clock.time() + wait)
    try:
        return finished(task, outcome, monotonic=monotonic, abandoned=abandoned)
    except IllegalTransition:
        return None
