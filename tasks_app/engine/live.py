"""One attempt under way, as the runner keeps it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tasks_app.engine.context import Context
from tasks_app.engine.ports import Clock, Run
from tasks_app.engine.registry import Kind, TaskType
from tasks_app.engine.reports import Reports
from tasks_app.engine.store import Store
from tasks_app.engine.task import Outcome, Task, retry_line
from tasks_app.engine.trail import Trail

if TYPE_CHECKING:
    from tasks_app.engine.bundles import Ends


class Live:
    """One attempt under way."""

    __slots__ = ("_ends", "attempt", "context", "has_slot", "line", "number", "run", "settled", "share", "timers", "type")

    def __init__(self, task: Task, context: Context, task_type: TaskType, ends: Ends) -> None:
        self._ends = ends
        self.number = task.number  # of our own: a handler can write what it likes into its context
        self.attempt = context.attempt
        self.share = task.by if task_type.launchable else ""  # in whose it is: the server's own tasks are in nobody's
        self.context = context
        self.type = task_type
        self.line = retry_line(task.type) if task.retry_slots and context.attempt > 1 else task.type
        self.run: Run | None = None
        self.timers: tuple[asyncio.TimerHandle, ...] = ()
        self.has_slot = True
        self.settled = False

    def __call__(self, outcome: Outcome) -> None:
        """Its executor says that it has ended so. It calls the record itself: a function made for each would be a tenth of what a task
        that waits holds."""
        self._ends.add(self, outcome)


class TrailOf:
    """Gives the log and series of one task, which are made when they are first asked for. Smaller than a `partial`."""

    __slots__ = ("_number", "_store")

    def __init__(self, store: Store, number: int) -> None:
        self._store = store
        self._number = number

    def __call__(self) -> Trail:
        return self._store.trail(self._number)


def context_of(task: Task, task_type: TaskType, store: Store, reports: Reports, clock: Clock) -> Context:
    """What the handler of an attempt that begins is given."""
    return Context(
        task_id=task.id,
        by=task.by,
        trace=task.trace,
        number=task.number,
        type=task.type,
        attempt=task.attempt_number,
        clock=clock,
        trail=TrailOf(store, task.number),
        report=reports.report,
        blocking=task_type.kind is not Kind.ASYNC,
    )


def killed(run: Run) -> bool:
    """Whether it is gone; one that cannot even be killed may still be running."""
    try:
        return run.kill()
    except Exception:
        return False
