"""One run of a handler, and how it ended: parts of a task's record."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

SHARED = 64  # of the newest parts of records, those that further records may share


class OutcomeKind(StrEnum):
    """How an attempt ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


class TaskError(Struct, frozen=True, gc=False):
    """Why an attempt failed: a short `type`, a sentence, and the traceback where user code raised."""

    type: str
    message: str
    traceback: str = ""


class Outcome(Struct, frozen=True, kw_only=True, gc=False):
    """How an attempt ended, as a value. `result` is JSON text; `retry` says whether another attempt makes sense."""

    kind: OutcomeKind
    result: bytes | None = None
    error: TaskError | None = None
    retry: bool = True


class Attempt(Struct, frozen=True, gc=False):
    """One run of the handler. `started_at` is wall-clock time in seconds since 1970, `began` the monotonic clock of this process,
    `seconds` its length. `asked_at` is when somebody asked for it, None where it came by itself (wall clock)."""

    number: int
    started_at: float
    began: float
    seconds: float | None = None
    outcome: OutcomeKind | None = None
    error: TaskError | None = None
    asked_at: float | None = None

    @property
    def ended_at(self) -> float | None:
        """Wall-clock end, from the monotonic length, so that a clock that is set does not bend it."""
        return None if self.seconds is None else self.started_at + self.seconds


Closed = tuple[tuple[Attempt, ...], float | None]


@lru_cache(maxsize=SHARED)
def first_attempt(at: float, monotonic: float) -> tuple[Attempt, ...]:
    """A first attempt that begins now. What is equal is one object: hundreds begin, and end, in one turn of the loop."""
    return (Attempt(1, at, monotonic),)


def closed(attempts: tuple[Attempt, ...], outcome: Outcome, monotonic: float) -> Closed:
    """The same attempts, of which the newest has ended so, and when that was (wall clock)."""
    last = attempts[-1]
    if outcome.error is None and len(attempts) == 1:
        return _closed_alone(last, outcome.kind, monotonic)
    ended = _closed(last, outcome.kind, outcome.error, monotonic)  # what failed is not held any longer than its task
    return (*attempts[:-1], ended), ended.ended_at


@lru_cache(maxsize=SHARED)
def _closed_alone(attempt: Attempt, kind: OutcomeKind, monotonic: float) -> Closed:
    ended = _closed(attempt, kind, None, monotonic)
    return (ended,), ended.ended_at


def _closed(attempt: Attempt, kind: OutcomeKind, error: TaskError | None, monotonic: float) -> Attempt:
    return replace(attempt, seconds=max(0.0, monotonic - attempt.began), outcome=kind, error=error)
