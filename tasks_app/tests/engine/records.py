"""Records of tasks in any status, made by the engine's own transitions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tasks_app.engine import task as t
from tasks_app.engine.task import Outcome, OutcomeKind, Status, Task, TaskError

FAILED = Outcome(kind=OutcomeKind.FAILED, error=TaskError("ValueError", "told to fail"))
DONE = Outcome(kind=OutcomeKind.COMPLETED, result=b"1")
CANCELLED = Outcome(kind=OutcomeKind.CANCELLED)
INTERRUPTED = Outcome(kind=OutcomeKind.INTERRUPTED)


def a_task(number: int = 1, status: Status = Status.PENDING, **fields: Any) -> Task:
    """A new record: pending, or scheduled for the time 100."""
    fields.setdefault("type", "scripted")
    if status is Status.SCHEDULED:
        fields.setdefault("scheduled_for", 100.0)
    return Task(**{"id": f"id-{number}", "number": number, "params": b"{}", "created_at": 50.0, "status": status, **fields})


def begun(task: Task | None = None) -> Task:
    """One whose handler runs since wall-clock time 60, monotonic 10."""
    return t.started(task or a_task(), at=60.0, monotonic=10.0)


def cancelling(task: Task | None = None) -> Task:
    """One that was asked to stop at 61."""
    return t.cancel_requested(task or begun(), by="ann", reason="no more", at=61.0, monotonic=11.0)


IN_STATUS: dict[Status, Callable[[], Task]] = {
    Status.SCHEDULED: lambda: a_task(status=Status.SCHEDULED),
    Status.PENDING: a_task,
    Status.PROCESSING: begun,
    Status.RETRYING: lambda: t.retry_planned(begun(), FAILED, monotonic=12.0, due_at=70.0),
    Status.CANCELLING: cancelling,
    Status.COMPLETED: lambda: t.finished(begun(), DONE, monotonic=15.0),
    Status.FAILED: lambda: t.finished(begun(), FAILED, monotonic=15.0),
    Status.CANCELLED: lambda: t.finished(cancelling(), CANCELLED, monotonic=15.0),
    Status.INTERRUPTED: lambda: t.interrupted(a_task(), at=62.0),
}
