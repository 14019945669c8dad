"""What a task looks like in JSON: to the API, and to whom its end is told."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated

from msgspec import Meta, Raw, Struct

from tasks_app.engine.foreign import Foreign
from tasks_app.engine.task import Attempt, Cancel, OutcomeKind, Progress, Status, Task, TaskError
from tasks_app.engine.waiting import Waiting

Moment = Annotated[datetime, Meta(tz=True)]
_REASONS = {
    "scheduled": "Its start time has not come yet.",
    "retrying": "An attempt failed; the next one is due later.",
    "paused": "Tasks of this type are paused.",
    "type_full": "All {slots} slots of this type are busy.",
    "all_full": "All {slots} slots of this server are busy.",
    "share_full": "All {slots} slots that one person may have are busy with tasks of the same person.",
    "starting": "It is next.",
    "no_type": "Its task type is not installed.",
}


class ProgressJSON(Struct):
    """How far a task is; `rate` in units a second."""

    current: float
    total: float | None
    message: str
    rate: float | None
    eta_seconds: float | None


class AttemptJSON(Struct):
    """One run of the handler."""

    number: int
    started_at: Moment
    ended_at: Moment | None
    duration_seconds: float
    outcome: OutcomeKind | None
    error: TaskError | None


class WaitingJSON(Struct):
    """Why a task waits, as a word and as a sentence."""

    position: int | None
    code: str
    reason: str
    eta_seconds: float | None


class CancelJSON(Struct):
    """Who asked to cancel, and how that goes."""

    by: str
    reason: str
    at: Moment
    forced: bool
    stuck: bool
    abandoned: bool


class CeleryJSON(Struct, kw_only=True):
    """Where a task is in a Celery cluster, as far as that was told. `ours`: another server like this one sees it through."""

    id: str
    ours: bool
    worker: str
    queue: str
    routing_key: str
    parent: str
    root: str
    client: str
    retries: int
    eta: str
    expires: str
    sent_at: Moment | None
    received_at: Moment | None


class TaskJSON(Struct, kw_only=True):
    """One task. `params` are shown with secrets masked; `via` is the door it came through: api, dashboard, or the name of a dialect, which
    may number its tasks a second time (`serial`). `webhook` is where this launch wants its end told, without its query and its
    secret; `celery` where it is in a cluster, for tasks that run there without us."""

    id: str
    number: int
    type: str
    name: str
    tags: tuple[str, ...]
    params: Raw
    status: Status
    progress: ProgressJSON | None
    attempts: list[AttemptJSON]
    result: Raw | None
    error: TaskError | None
    priority: int
    timeout: float | None
    max_attempts: int
    created_at: Moment
    scheduled_for: Moment | None
    started_at: Moment | None
    ended_at: Moment | None
    duration_seconds: float | None
    waiting: WaitingJSON | None
    cancel: CancelJSON | None
    via: str
    webhook: str | None
    serial: int | None
    rerun_of: str | None
    celery: CeleryJSON | None
    version: int


def task_json(task: Task, *, monotonic: float = 0.0, waiting: Waiting | None = None) -> TaskJSON:
    """A task at a moment of the monotonic clock, which matters while it runs; `waiting` says why it waits, where it does."""
    seconds = task.seconds_running(monotonic)
    return TaskJSON(
        id=task.id,
        number=task.number,
        type=task.type,
        name=task.name,
        tags=task.tags,
        params=Raw(task.params),
        status=task.status,
        progress=_progress(task.progress) if task.progress else None,
        attempts=[_attempt(attempt, monotonic) for attempt in task.attempts],
        result=Raw(task.result) if task.result is not None else None,
        error=task.error,
        priority=task.priority,
        timeout=task.timeout,
        max_attempts=task.max_attempts,
        created_at=moment(task.created_at),
        scheduled_for=_moment(task.scheduled_for),
        started_at=_moment(task.started_at),
        ended_at=_moment(task.ended_at),
        duration_seconds=_rounded(seconds),
        waiting=_waiting(waiting) if waiting else None,
        cancel=_cancel(task.cancel) if task.cancel else None,
        via=task.via,
        webhook=task.webhook.shown if task.webhook else None,
        serial=task.serial,
        rerun_of=task.rerun_of,
        celery=_celery(task.foreign) if task.foreign else None,
        version=task.version,
    )


@lru_cache(maxsize=8)  # what came together came at one moment
def moment(seconds: float) -> datetime:
    """A time as RFC 3339 in UTC, once it is JSON."""
    return datetime.fromtimestamp(seconds, UTC)


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else moment(seconds)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)


def _progress(progress: Progress) -> ProgressJSON:
    return ProgressJSON(progress.current, progress.total, progress.message, _rounded(progress.rate), _rounded(progress.eta_seconds))


def _attempt(attempt: Attempt, now: float) -> AttemptJSON:
    seconds = now - attempt.began if attempt.seconds is None else attempt.seconds
    return AttemptJSON(
        attempt.number, moment(attempt.started_at), _moment(attempt.ended_at), round(seconds, 6), attempt.outcome, attempt.error
    )


def _waiting(waiting: Waiting) -> WaitingJSON:
    return WaitingJSON(waiting.position, waiting.reason, _sentence(waiting.reason, waiting.slots), _rounded(waiting.eta_seconds))


@lru_cache(maxsize=64)
def _sentence(reason: str, slots: int | None) -> str:
    return _REASONS.get(reason, reason).format(slots=slots)


def _celery(foreign: Foreign) -> CeleryJSON:
    told = {name: getattr(foreign, name) for name in CeleryJSON.__struct_fields__}
    return CeleryJSON(**{**told, "sent_at": _moment(foreign.sent_at), "received_at": _moment(foreign.received_at)})


def _cancel(cancel: Cancel) -> CancelJSON:
    shown = {name: getattr(cancel, name) for name in CancelJSON.__struct_fields__}
    return CancelJSON(**{**shown, "at": moment(cancel.at)})
