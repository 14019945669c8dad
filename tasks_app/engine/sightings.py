"""What is heard of tasks that run elsewhere, and what it makes of their records. Words may come twice, late and in any order.

A record follows the newest word on its status by the moment it speaks of; an older one only adds what was not known. That a task was
completed is the last word, whatever else is heard: a message that was delivered twice settles once. All goes through the transition
table: what must have happened between two words is taken to have happened.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from tasks_app.engine.foreign import Foreign
from tasks_app.engine.ports import Clock
from tasks_app.engine.sentences import kept
from tasks_app.engine.task import (
    LATER,
    RETRYABLE,
    RUNNING,
    WAITING,
    Attempt,
    Cancel,
    Outcome,
    OutcomeKind,
    Status,
    Task,
    TaskError,
    cancel_requested,
    due,
    finished,
    retried,
    retry_planned,
    started,
)

NO_PARAMS = b"{}"
SAME_RUN = 5.0  # seconds within which two words on a start at one worker are about one run
_LOST = kept("Another worker began it anew: the one before did not end it.")
_UNHEARD = kept("No worker has it any more, and how it ended was not heard.")


class Rank(IntEnum):
    """What a word says; of two that speak of one moment the higher holds."""

    NAMED = 0  # sent, or received by a worker: nothing of its status but that it is there
    LAUNCHED = 1  # another attempt was sent on its way
    STARTED = 2
    RETRIED = 3
    ENDED = 4


class Sighting(Struct, frozen=True, kw_only=True):
    """One word on a task. `at` is when that was, seconds since 1970; `order` holds in its place where it is known which word follows which:
    the number of the attempt. `facts` are fields of Foreign, `first` fields of a record that is made of this word; `outcome` says how an
    attempt ended, `seconds` how long it took where that was told; `due_at` when the next begins; `type` and `params` are empty where not
    told."""

    id: str
    rank: Rank
    at: float
    type: str = ""
    params: bytes = b""
    order: float | None = None
    facts: dict[str, Any] = {}
    first: dict[str, Any] = {}
    outcome: Outcome | None = None
    seconds: float | None = None
    due_at: float | None = None
    reason: str = ""

    @property
    def key(self) -> tuple[float, int]:
        """The higher of two is the newer."""
        return self.at if self.order is None else self.order, int(self.rank)


def unheard(task_id: str, at: float) -> Sighting:
    """No worker has a task any more that ran."""
    error = TaskError("Interrupted", str(_UNHEARD()))
    return Sighting(id=task_id, rank=Rank.ENDED, at=at, outcome=Outcome(kind=OutcomeKind.INTERRUPTED, error=error))


def first_seen(seen: Sighting, *, task_id: str, number: int, via: str, clock: Clock) -> Task:
    """The record of a task that was not known, with a type: it waits, for its time or for a worker."""
    later = seen.due_at is not None and seen.due_at > clock.time() and seen.rank is Rank.NAMED
    fields: dict[str, Any] = {"created_at": seen.facts.get("sent_at") or seen.at, "waiting_since": seen.at, **seen.first}
    return Task(
        id=task_id,
        number=number,
        type=seen.type,
        params=seen.params or NO_PARAMS,
        status=Status.SCHEDULED if later else Status.PENDING,
        scheduled_for=seen.due_at if later else None,
        via=via,
        foreign=Foreign(id=seen.id),
        **fields,
    )


def followed(task: Task, seen: Sighting, clock: Clock) -> Task | None:
    """What a word makes of a record; None where it tells nothing new."""
    followed = task
    if seen.rank is Rank.RETRIED and (late := _retried_before(task)) is not None:
        followed = _with_outcome(task, late, seen)
    elif _says_more(task, seen):
        followed = _marked(_STEPS[seen.rank](task, seen, clock.monotonic() - clock.time()), seen)
    told = _told(followed, seen)
    return None if told is task else told


def _retried_before(task: Task) -> Attempt | None:
    """The attempt that Celery is to tell of yet: it may say that one was retried after its retry has started, or ended."""
    if task.foreign is None or task.foreign.retries < 1:
        return None
    before = task.attempts[:-1]
    told = sum(attempt.outcome is OutcomeKind.FAILED for attempt in before)
    assumed = [attempt for attempt in before if attempt.outcome is OutcomeKind.INTERRUPTED]
    return assumed[0] if assumed and told < min(task.foreign.retries, len(before)) else None


def _with_outcome(task: Task, late: Attempt, seen: Sighting) -> Task:
    outcome = seen.outcome or Outcome(kind=OutcomeKind.FAILED)
    known = replace(late, outcome=outcome.kind, error=outcome.error)
    return replace(task, attempts=tuple(known if one is late else one for one in task.attempts))


def _says_more(task: Task, seen: Sighting) -> bool:
    """Whether its status follows this word."""
    if seen.rank is Rank.NAMED or task.status is Status.COMPLETED or task.foreign is None:
        return False
    before = (task.foreign.at, task.foreign.rank)
    completed = seen.outcome is not None and seen.outcome.kind is OutcomeKind.COMPLETED
    return seen.key > before or (completed and seen.key != before)


def _told(task: Task, seen: Sighting) -> Task:
    """What was not known is added; of worker, process and id, which change, the newest word holds."""
    before = task.foreign
    assert before is not None
    newer = seen.key[0] >= before.at
    new = {name: value for name, value in seen.facts.items() if _adds(before, name, value, newer)}
    if new:
        task = replace(task, foreign=replace(before, **new))
    return replace(task, params=seen.params) if seen.params and task.params == NO_PARAMS != seen.params else task


def _adds(before: Foreign, name: str, value: Any, newer: bool) -> bool:
    known = getattr(before, name)
    if value in ("", None) or value == known:
        return False
    if name == "retries":
        return bool(value > known)
    return not known or (newer and name in ("worker", "pid", "id"))


def _marked(task: Task, seen: Sighting) -> Task:
    assert task.foreign is not None
    at, rank = max(seen.key, (task.foreign.at, task.foreign.rank))
    return replace(task, foreign=replace(task.foreign, at=at, rank=rank))


def _is_sent(task: Task, seen: Sighting, ahead: float) -> Task:
    """An attempt that was under way has failed, whether that was heard or not."""
    if task.status in (Status.PENDING, Status.CANCELLING):
        return task
    return due(_given_up(task, seen.at, ahead), at=seen.at) if task.status not in RETRYABLE else retried(task, at=seen.at)


def _has_started(task: Task, seen: Sighting, ahead: float) -> Task:
    """Told twice of one run, by an event and when workers were asked, it has started once."""
    running = task.attempts[-1] if task.status in RUNNING else None
    if running is not None and (task.status is Status.CANCELLING or _is_same(task, seen, running)):
        return task
    return _begun(task, seen.at, ahead)


def _is_same(task: Task, seen: Sighting, running: Attempt) -> bool:
    where = seen.facts.get("worker", "")
    assert task.foreign is not None
    is_next = task.foreign.retries >= task.attempt_number  # it was received again meanwhile
    return not is_next and (not where or where == task.foreign.worker) and seen.at - running.started_at < SAME_RUN


def _begun(task: Task, at: float, ahead: float) -> Task:
    """A new attempt begins; what must have happened before it is taken to have happened. `ahead`: the monotonic clock, less the wall's."""
    task = _given_up(task, at, ahead)
    if task.status in RETRYABLE:
        task = retried(task, at=at)
    if task.status in LATER:
        task = due(task, at=at)
    return started(task, at=at, monotonic=at + ahead)


def _given_up(task: Task, at: float, ahead: float) -> Task:
    if task.status is not Status.PROCESSING:
        return task
    lost = Outcome(kind=OutcomeKind.INTERRUPTED, error=TaskError("Interrupted", str(_LOST())))
    return retry_planned(task, lost, monotonic=at + ahead, due_at=at)


def _will_be_retried(task: Task, seen: Sighting, ahead: float) -> Task:
    task = _running(task, seen, ahead)
    outcome = seen.outcome or Outcome(kind=OutcomeKind.FAILED)
    if task.status is Status.CANCELLING:
        return finished(task, outcome, monotonic=_end(task, seen))
    return retry_planned(task, outcome, monotonic=_end(task, seen), due_at=seen.due_at or seen.at)


def _has_ended(task: Task, seen: Sighting, ahead: float) -> Task:
    outcome = seen.outcome or Outcome(kind=OutcomeKind.INTERRUPTED)
    if outcome.kind is OutcomeKind.CANCELLED:
        if task.status is Status.CANCELLED:
            return task
        if task.status in WAITING:
            return cancel_requested(task, by="", reason=seen.reason, at=seen.at, monotonic=seen.at + ahead)
    task = _running(task, seen, ahead)
    if outcome.kind is OutcomeKind.CANCELLED and task.cancel is None:
        task = replace(task, cancel=Cancel("", seen.reason, seen.at, seen.at + ahead))
    return finished(task, outcome, monotonic=_end(task, seen))


def _running(task: Task, seen: Sighting, ahead: float) -> Task:
    """It ran, or nothing could have ended."""
    return task if task.status in RUNNING else _begun(task, seen.at - (seen.seconds or 0.0), ahead)


def _end(task: Task, seen: Sighting) -> float:
    last = task.attempts[-1]
    return last.began + max(0.0, seen.at - last.started_at if seen.seconds is None else seen.seconds)


_STEPS = {Rank.LAUNCHED: _is_sent, Rank.STARTED: _has_started, Rank.RETRIED: _will_be_retried, Rank.ENDED: _has_ended}
