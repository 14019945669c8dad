"""A record of the engine, or what the API of another process says of one, as Django's TaskResult."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.conf import settings  # noqa: TID251 - USE_TZ is Django's own: it says which kind of times a project works with
from django.tasks import Task, TaskResult, TaskResultStatus
from django.tasks.base import TaskError
from django.tasks.exceptions import InvalidTask
from django.utils import timezone
from msgspec import Struct

from tasks_app import runtime
from tasks_app.django_tasks.params import Call
from tasks_app.engine import task as engine
from tasks_app.engine.context import Context
from tasks_app.engine.task import OutcomeKind, Status

READY, RUNNING, FAILED, SUCCESSFUL = (
    TaskResultStatus.READY,
    TaskResultStatus.RUNNING,
    TaskResultStatus.FAILED,
    TaskResultStatus.SUCCESSFUL,
)
STATUS: Mapping[Status, TaskResultStatus] = {
    Status.SCHEDULED: READY,
    Status.PENDING: READY,
    Status.RETRYING: READY,
    Status.PROCESSING: RUNNING,
    Status.CANCELLING: RUNNING,
    Status.COMPLETED: SUCCESSFUL,
    Status.FAILED: FAILED,
    Status.CANCELLED: FAILED,
    Status.INTERRUPTED: FAILED,
}
EARLIER = "iotask-earlier"  # the worker of an attempt that an earlier process made


class TaskStopped(Exception):
    """The task was cancelled, before its function ran or while it did."""


class TaskInterrupted(Exception):
    """The server stopped while the task ran, or before its turn had come."""


# What stands for an end that no exception of the function's brought about.
_STAND_INS = {
    OutcomeKind.CANCELLED: "tasks_app.django_tasks.results.TaskStopped",
    OutcomeKind.INTERRUPTED: "tasks_app.django_tasks.results.TaskInterrupted",
    OutcomeKind.TIMED_OUT: "builtins.TimeoutError",
    OutcomeKind.FAILED: "builtins.ValueError",
}
_ENDED_BY_ITSELF = {Status.CANCELLED: OutcomeKind.CANCELLED, Status.INTERRUPTED: OutcomeKind.INTERRUPTED}


class Ended(Struct, frozen=True):
    """One attempt. Times are seconds since 1970."""

    started_at: float
    worker: str
    outcome: OutcomeKind | None = None
    error: engine.TaskError | None = None


class Told(Struct, frozen=True, kw_only=True):
    """What a TaskResult is made of, wherever it comes from."""

    id: str
    status: Status
    params: Mapping[str, Any]
    priority: int
    created_at: float
    ended_at: float | None
    attempts: Sequence[Ended]
    attempt_number: int
    result: Any


def told_of(record: engine.Task) -> Told:
    """A record of this process's engine."""
    here = f"iotask-{runtime.get().epoch}"
    return Told(
        id=record.id,
        status=record.status,
        params=json.loads(record.params),
        priority=record.priority,
        created_at=record.created_at,
        ended_at=record.ended_at,
        attempts=[Ended(a.started_at, here if a.began else EARLIER, a.outcome, a.error) for a in record.attempts],
        attempt_number=record.attempt_number,
        result=None if record.result is None else json.loads(record.result),
    )


def result_of(task: Task[..., Any], record: engine.Task) -> TaskResult[..., Any]:
    """A record of this process's engine as Django's result."""
    return made(task, told_of(record))


def made(task: Task[..., Any], told: Told) -> TaskResult[..., Any]:
    """Django's result; `task` is the task as it was declared."""
    params = told.params
    started = [attempt.started_at for attempt in told.attempts]
    result = TaskResult(
        task=_as_enqueued(task, told),
        id=told.id,
        status=STATUS[told.status],
        enqueued_at=moment(told.created_at),
        started_at=moment(started[0]) if started else None,
        finished_at=moment(told.ended_at),
        last_attempted_at=moment(started[-1]) if started else None,
        args=params.get("args", []),
        kwargs=params.get("kwargs", {}),
        backend=str(params.get("backend", "default")),
        errors=_errors(told),
        worker_ids=[EARLIER] * (told.attempt_number - len(started)) + [attempt.worker for attempt in told.attempts],
    )
    if result.status == SUCCESSFUL:
        object.__setattr__(result, "_return_value", told.result)
    return result


def running(task: Task[..., Any], params: Call, context: Context) -> TaskResult[..., Any]:
    """What is known of an attempt where its record is not at hand: it was deleted as it began."""
    now = datetime.now(UTC).timestamp()
    attempts = [Ended(now, EARLIER)] * context.attempt
    told = Told(
        id=context.task_id,
        status=Status.PROCESSING,
        params=params.model_dump(mode="json"),
        priority=task.priority,
        created_at=now,
        ended_at=None,
        attempts=attempts,
        attempt_number=context.attempt,
        result=None,
    )
    return made(task, told)


def moment(at: float | None) -> datetime | None:
    """A time as the project works with them: aware, or naive where USE_TZ is off."""
    if at is None:
        return None
    found = datetime.fromtimestamp(at, UTC)
    return found if settings.USE_TZ else timezone.make_naive(found)


def _as_enqueued(task: Task[..., Any], told: Told) -> Task[..., Any]:
    """The task as `using` made it before it was enqueued."""
    run_after = told.params.get("run_after")
    wanted: dict[str, Any] = {
        "priority": told.priority,
        "queue_name": str(told.params.get("queue_name", "default")),
        "backend": str(told.params.get("backend", "default")),
        "run_after": datetime.fromisoformat(run_after) if run_after else None,
    }
    try:
        return dataclasses.replace(task, **wanted)
    except InvalidTask:  # its queue has been taken out of the settings since
        return task


def _errors(told: Told) -> list[TaskError]:
    found = [_error(attempt.outcome, attempt.error) for attempt in told.attempts if _went_wrong(attempt.outcome)]
    kind = _ENDED_BY_ITSELF.get(told.status)
    if kind is not None and not (told.attempts and told.attempts[-1].outcome is kind):
        found.append(_error(kind, None))  # it ended while it waited
    return found


def _went_wrong(outcome: OutcomeKind | None) -> bool:
    return outcome is not None and outcome is not OutcomeKind.COMPLETED


def _error(kind: OutcomeKind | None, error: engine.TaskError | None) -> TaskError:
    if error is not None and error.traceback:
        return TaskError(exception_class_path=path_of(error), traceback=error.traceback)
    path = _STAND_INS[kind or OutcomeKind.FAILED]
    said = f"{error.type}: {error.message}" if error is not None else "Stopped before it had an error of its own."
    return TaskError(exception_class_path=path, traceback=f"{path}: {said}\n")


def path_of(error: engine.TaskError) -> str:
    """The path of an exception's class, as the last line of its traceback that names it has it; Python leaves `builtins` out there."""
    named = re.findall(rf"(?m)^[ |+]*((?:[\w<>]+\.)*){re.escape(error.type)}(?::|$)", error.traceback)
    return f"{(named[-1] if named else '') or 'builtins.'}{error.type}"
