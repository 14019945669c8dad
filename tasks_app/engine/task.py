"""The task: its statuses, the transition table, the frozen record, and the pure functions that turn one record into the next."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from tasks_app.engine.attempt import Attempt as Attempt  # parts of the record are offered beside it
from tasks_app.engine.attempt import Outcome as Outcome
from tasks_app.engine.attempt import OutcomeKind as OutcomeKind
from tasks_app.engine.attempt import TaskError as TaskError
from tasks_app.engine.attempt import closed, first_attempt
from tasks_app.engine.errors import IllegalTransition
from tasks_app.engine.foreign import Foreign
from tasks_app.engine.progress import Progress as Progress
from tasks_app.engine.progress import moved_on
from tasks_app.engine.sentences import Draft, say
from tasks_app.engine.webhook import Webhook

MAX_ATTEMPTS_KEPT = 50


class Status(StrEnum):
    """Where a task is in its life. The table below says how it may go on."""

    SCHEDULED = "scheduled"  # its start time is in the future
    PENDING = "pending"  # accepted, waits for a slot
    PROCESSING = "processing"  # its handler runs
    RETRYING = "retrying"  # an attempt failed; waits for the next
    CANCELLING = "cancelling"  # asked to stop, has not stopped yet
    COMPLETED = "completed"  # its handler returned
    FAILED = "failed"  # its handler raised or ran out of time, and no attempt is left
    CANCELLED = "cancelled"  # stopped because somebody asked
    INTERRUPTED = "interrupted"  # the process ended while it ran


S = Status
TRANSITIONS: dict[Status, frozenset[Status]] = {
    S.SCHEDULED: frozenset({S.PENDING, S.CANCELLED, S.INTERRUPTED}),
    S.PENDING: frozenset({S.PROCESSING, S.CANCELLED, S.INTERRUPTED}),
    S.PROCESSING: frozenset({S.COMPLETED, S.FAILED, S.RETRYING, S.CANCELLING, S.CANCELLED, S.INTERRUPTED}),
    S.RETRYING: frozenset({S.PENDING, S.CANCELLED, S.INTERRUPTED}),
    S.CANCELLING: frozenset({S.CANCELLED, S.INTERRUPTED}),
    S.COMPLETED: frozenset(),
    S.FAILED: frozenset({S.PENDING}),  # an explicit retry, here and in the next two lines
    S.CANCELLED: frozenset({S.PENDING}),
    S.INTERRUPTED: frozenset({S.PENDING}),
}
TERMINAL = frozenset({S.COMPLETED, S.FAILED, S.CANCELLED, S.INTERRUPTED})
WAITING = frozenset({S.SCHEDULED, S.PENDING, S.RETRYING})
LATER = frozenset({S.SCHEDULED, S.RETRYING})  # waits for a time, not for a slot
RUNNING = frozenset({S.PROCESSING, S.CANCELLING})
STOPPING = frozenset({S.CANCELLING})
ACTIVE = WAITING | RUNNING
RETRYABLE = frozenset({S.FAILED, S.CANCELLED, S.INTERRUPTED})


class Cancel(Struct, frozen=True, gc=False):
    """Who asked to cancel, why, when (wall clock and monotonic), whether by force, and whether the handler overstayed its grace."""

    by: str
    reason: str
    at: float
    since: float
    forced: bool = False
    stuck: bool = False
    abandoned: bool = False  # its code may still be running: it could not be stopped


class Task(Struct, frozen=True, kw_only=True, gc=False):
    """One run of a task type, as it is at one moment. Never changed: every change makes a new one.

    `params` and `result` are JSON text. `params` is fit to be shown; where it has secrets, they stand masked in it and `secrets`
    holds the whole text with them in the clear: for the handler and the journal alone.
    Times are seconds since 1970. `version` is the store's version at the last change, `number` the order of creation.
    """

    id: str
    number: int
    type: str
    params: bytes
    created_at: float
    status: Status
    secrets: bytes | None = None
    name: str = ""
    tags: tuple[str, ...] = ()
    priority: int = 0
    timeout: float | None = None
    max_attempts: int = 1
    scheduled_for: float | None = None  # when a scheduled or retrying task is due
    by: str = ""
    via: str = ""  # the door it came through: api, dashboard, or a dialect
    series: str = ""  # a series that numbers it a second time, and its number there
    serial: int | None = None
    retry_slots: bool = False  # further attempts have slots of their own
    rerun_of: str | None = None
    webhook: Webhook | None = None  # where this launch wants its end told, beside where its type's is
    trace: str = ""  # the traceparent of the request that launched it
    key: bytes = b""  # of a launch with an idempotency key: what is kept of key and request, see LaunchRequest.mark
    version: int = 0
    waiting_since: float = 0.0
    progress: Progress | None = None
    attempts: tuple[Attempt, ...] = ()
    attempts_before: int = 0  # attempts made before the last explicit retry
    result: bytes | None = None
    error: TaskError | None = None
    ended_at: float | None = None
    cancel: Cancel | None = None
    foreign: Foreign | None = None  # where it runs elsewhere, and is only watched here

    @property
    def attempt(self) -> Attempt | None:
        """The newest attempt."""
        return self.attempts[-1] if self.attempts else None

    @property
    def attempt_number(self) -> int:
        """The number of the newest attempt, 0 before the first."""
        return self.attempts[-1].number if self.attempts else 0

    @property
    def line(self) -> str:
        """The line it stands in when it waits for a slot: its type's, or that of its type's retries."""
        return retry_line(self.type) if self.retry_slots and self.attempts else self.type

    @property
    def attempts_allowed(self) -> int:
        """How many attempts may be made in all, explicit retries counted."""
        return self.attempts_before + self.max_attempts

    @property
    def started_at(self) -> float | None:
        """Wall-clock start of the first attempt that is kept."""
        return self.attempts[0].started_at if self.attempts else None

    def seconds_running(self, monotonic: float) -> float | None:
        """Seconds spent running over all attempts, the running one included; None before the first."""
        if not self.attempts:
            return None
        seconds = 0.0
        for attempt in self.attempts:
            seconds += monotonic - attempt.began if attempt.seconds is None else attempt.seconds
        return seconds


def retry_line(type_name: str) -> str:
    """The name of the line for further attempts of a type whose retries have slots of their own."""
    return f"{type_name}/retries"


def _moved(task: Task, to: Status, *, among: frozenset[Status] = frozenset(Status)) -> None:
    """Refuse what the table does not have, and what this change is not for: several changes lead to one status."""
    if to not in TRANSITIONS[task.status] or task.status not in among:
        raise IllegalTransition(say("A task that is {status} cannot become {other}.", status=task.status, other=to))


def due(task: Task, *, at: float) -> Task:
    """A scheduled or retrying task's time has come: it waits for a slot."""
    _moved(task, S.PENDING, among=LATER)
    return replace(task, status=S.PENDING, scheduled_for=None, waiting_since=at)


def postponed(task: Task, *, by: float) -> Task:
    """The next attempt is due later, or earlier, by so many seconds of the wall clock."""
    return replace(task, scheduled_for=(task.scheduled_for or 0.0) + by)


def started(task: Task, *, at: float, monotonic: float) -> Task:
    """A slot was free: the next attempt begins."""
    _moved(task, S.PROCESSING)
    attempts = _with_another(task, at, monotonic) if task.attempts else first_attempt(at, monotonic)
    return replace(task, status=S.PROCESSING, attempts=attempts, progress=None, error=None, result=None)


def _with_another(task: Task, at: float, monotonic: float) -> tuple[Attempt, ...]:
    last = task.attempt_number
    attempt = Attempt(last + 1, at, monotonic, asked_at=task.waiting_since if last == task.attempts_before else None)
    return (*task.attempts[1 - MAX_ATTEMPTS_KEPT :], attempt)


def progressed(task: Task, *, current: float, total: float | None, message: str | Draft, monotonic: float) -> Task:
    """The handler said how far it is."""
    return replace(task, progress=moved_on(task.progress, current, total, message, at=monotonic))


def cancel_requested(task: Task, *, by: str, reason: str, at: float, monotonic: float, forced: bool = False) -> Task:
    """Somebody asked to cancel: a waiting task is cancelled at once, a running one is cancelling until its handler stops."""
    cancel = Cancel(by, reason, at, monotonic, forced)
    if task.status is S.PROCESSING:
        return replace(task, status=S.CANCELLING, cancel=cancel)
    _moved(task, S.CANCELLED, among=WAITING)
    return replace(task, status=S.CANCELLED, cancel=cancel, ended_at=at, scheduled_for=None)


def cancel_forced(task: Task) -> Task:
    """Somebody asked again, by force."""
    _moved(task, S.CANCELLED, among=STOPPING)
    assert task.cancel is not None
    return replace(task, cancel=replace(task.cancel, forced=True))


def cancel_asked(task: Task, *, by: str, reason: str, at: float, monotonic: float, forced: bool) -> Task | None:
    """Somebody asked to cancel, for the first time or again: asking again changes nothing (None), but once by force."""
    if task.status is not S.CANCELLING:
        return cancel_requested(task, by=by, reason=reason, at=at, monotonic=monotonic, forced=forced)
    return cancel_forced(task) if forced and task.cancel and not task.cancel.forced else None


def stuck(task: Task) -> Task:
    """The handler did not stop within its grace."""
    _moved(task, S.CANCELLED, among=STOPPING)
    assert task.cancel is not None
    return replace(task, cancel=replace(task.cancel, stuck=True))


_ENDS = {
    OutcomeKind.COMPLETED: S.COMPLETED,
    OutcomeKind.FAILED: S.FAILED,
    OutcomeKind.TIMED_OUT: S.FAILED,
    OutcomeKind.CANCELLED: S.CANCELLED,
    OutcomeKind.INTERRUPTED: S.INTERRUPTED,
}


def finished(task: Task, outcome: Outcome, *, monotonic: float, abandoned: bool = False) -> Task:
    """The attempt ended and no other follows by itself."""
    status = _ENDS[outcome.kind]
    if task.status is S.CANCELLING and status is not S.INTERRUPTED:
        status = S.CANCELLED  # whatever the handler did in the end: it was asked to stop and it has stopped
    _moved(task, status, among=RUNNING)
    attempts, ended_at = closed(task.attempts, outcome, monotonic)
    cancel = replace(task.cancel, abandoned=True) if task.cancel and abandoned else task.cancel
    return replace(task, status=status, attempts=attempts, result=outcome.result, error=outcome.error, cancel=cancel, ended_at=ended_at)


def retry_planned(task: Task, outcome: Outcome, *, monotonic: float, due_at: float) -> Task:
    """The attempt failed and another one follows at `due_at`."""
    _moved(task, S.RETRYING)
    return replace(
        task,
        status=S.RETRYING,
        attempts=closed(task.attempts, outcome, monotonic)[0],
        error=outcome.error,
        result=outcome.result,
        scheduled_for=due_at,
    )


def interrupted(task: Task, *, at: float) -> Task:
    """The process ends while this task waits."""
    _moved(task, S.INTERRUPTED, among=WAITING)
    return replace(task, status=S.INTERRUPTED, ended_at=at, scheduled_for=None)


def retried(task: Task, *, at: float) -> Task:
    """Somebody asked for another go: attempts are added to the same task."""
    _moved(task, S.PENDING, among=RETRYABLE)
    return replace(
        task,
        status=S.PENDING,
        attempts_before=task.attempt_number,
        result=None,
        error=None,
        ended_at=None,
        cancel=None,
        scheduled_for=None,
        waiting_since=at,
    )
