"""A delivery: that one end of one task is told to one address. Frozen records, changed by pure functions; times are seconds since 1970."""

from __future__ import annotations

from enum import StrEnum

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from tasks_app.engine.retention import size_of
from tasks_app.engine.sentences import kept
from tasks_app.engine.task import Task
from tasks_app.engine.webhook import Webhook
from tasks_app.task_json import Moment, TaskJSON, moment, task_json

MOST_TRIES = 20  # that are remembered; older ones are counted
_OLD = kept("Its time for tries is over")
_GONE = kept("The receiver said that it wants no more of these")
_LATER = kept("The receiver asks to wait longer than it is tried")
FULL = kept("Too many webhooks were waiting")
_encode = msgspec.json.Encoder().encode
_write, _read = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(Task).decode


class State(StrEnum):
    """How far a delivery is."""

    PENDING = "pending"  # waits for its first or its next try
    DELIVERED = "delivered"  # the receiver answered 2xx
    FAILED = "failed"  # nobody tries any more by himself


class Try(Struct, frozen=True, gc=False):
    """One request: when, how long it took, the status that was answered or None, and what was wrong, empty for nothing."""

    at: float
    seconds: float
    status: int | None = None
    error: str = ""


class Reply(Struct, frozen=True):
    """What came of a request: the try, whether the receiver wants no more, whether another try makes sense, and how long it asks to be left
    alone (seconds)."""

    tried: Try
    gone: bool = False
    again: bool = True
    wait: float = 0.0


class Delivery(Struct, frozen=True, kw_only=True):
    """`id` stays the same whatever number of tries; `task` is the record it ended with; `next_at` is when the next try is due and `until`
    when the last one may be. `why` says why nobody tries any more."""

    id: str
    task: Task
    hook: Webhook
    at: float
    until: float
    state: State = State.PENDING
    next_at: float | None = None
    tries: tuple[Try, ...] = ()
    tried: int = 0
    since: int = 0  # tries since somebody asked for it anew
    why: str = ""

    @property
    def event(self) -> str:
        """What it tells, as the specification writes it: `task.completed`."""
        return f"task.{self.task.status}"

    @property
    def size(self) -> int:
        """About so many bytes of memory it holds."""
        return size_of(self.task)


class Message(Struct):
    """The body, as the specification has it."""

    type: str
    timestamp: Moment
    data: TaskJSON


def delivery_of(task: Task, hook: Webhook, *, id: str, at: float, patience: float) -> Delivery:
    """A new one, due at once. What nobody is told stays out of it: secrets, and where else it is told."""
    public = replace(task, secrets=None, key=b"", webhook=Webhook(hook.shown))
    kept = _read(_write(public))  # as the journal gives it back, so that the next process posts the same bytes
    return Delivery(id=id, task=kept, hook=hook, at=at, until=at + patience, next_at=at)


def body_of(delivery: Delivery) -> bytes:
    """What is posted: the same bytes for every try."""
    ended = moment(delivery.task.ended_at or delivery.at)
    return _encode(Message(delivery.event, ended, task_json(delivery.task)))


def answered(delivery: Delivery, reply: Reply, *, now: float, wait: float) -> Delivery:
    """A request was made: `wait` seconds are what the back-off wants from now to the next."""
    tries = (*delivery.tries, reply.tried)[-MOST_TRIES:]
    after = replace(delivery, tries=tries, tried=delivery.tried + 1, since=delivery.since + 1, next_at=None)
    if not reply.tried.error:
        return replace(after, state=State.DELIVERED)
    if reply.gone or not reply.again:
        return failed(after, str(_GONE()) if reply.gone else reply.tried.error)
    due = now + max(wait, reply.wait)
    if due > delivery.until:
        return failed(after, str(_LATER() if reply.wait > wait else _OLD()))
    return replace(after, next_at=due)


def shifted(delivery: Delivery, seconds: float) -> Delivery:
    """The wall clock was set by so much: what is to come is as far away as it was."""
    next_at = None if delivery.next_at is None else delivery.next_at + seconds
    return replace(delivery, next_at=next_at, until=delivery.until + seconds)


def restored(delivery: Delivery, *, now: float, patience: float) -> Delivery:
    """One of an earlier process. What lies further ahead than it ever could was said by a clock that was wrong: it is due at once."""
    until = min(delivery.until, now + patience)
    is_possible = delivery.next_at is None or delivery.next_at <= until
    return replace(delivery, until=until, next_at=delivery.next_at if is_possible else now)


def failed(delivery: Delivery, why: str) -> Delivery:
    """Nobody tries any more."""
    return replace(delivery, state=State.FAILED, next_at=None, why=why)


def asked_again(delivery: Delivery, *, at: float, patience: float) -> Delivery:
    """Somebody wants it sent now, whatever became of it."""
    return replace(delivery, state=State.PENDING, next_at=at, until=max(delivery.until, at + patience), since=0, why="")
