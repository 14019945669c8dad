"""What travels over the broker between servers and Celery workers: versioned, bounded, and tolerant of fields that a newer side adds.

A message to a worker is one Order. What workers and servers tell in turn are Celery events whose own part stands under the key `iotask`.
Decoding gives None for what is no word of ours, or a newer version than this one reads. Nobody need trust what comes: texts are cut here.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from tasks_app.engine.context import MAX_MESSAGE
from tasks_app.engine.run import MAX_ERROR, MAX_TRACEBACK
from tasks_app.engine.task import Outcome, OutcomeKind, Task, TaskError
from tasks_app.engine.trail import MAX_LINE_LENGTH
from tasks_app.executors import bounds

VERSION = 1
KEY = "iotask"  # in every event of ours: all that is not Celery's own
PREFIX = "iotask."  # of the names under which workers know task types
QUEUE = "iotask"
LAUNCHED, BEGUN, PROGRESS, LOG = "task-launched", "task-begun", "task-progress", "task-log"
MEASURE, SETTLED, ALIVE = "task-measure", "task-settled", "iotask-alive"
MOST_LINES = 200  # of a log in one event, as many as are kept
MOST_POINTS = 600
MOST_CALLS = 500
LONGEST_ID = 120  # of a call's id
_LEVEL, _NAME, _UNIT = 10, 60, 12  # characters


class Record(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A task as others may see it, when one of its attempts is sent. `params` is JSON text in which secrets are masked; times are seconds
    since 1970; `origin` names the server that launched it and decides about it."""

    origin: str
    task_id: str
    type: str
    params: str
    attempt: int
    created_at: float
    number: int = 0
    name: str = ""
    tags: list[str] = []
    priority: int = 0
    by: str = ""
    via: str = ""
    timeout: float | None = None
    max_attempts: int = 1
    rerun_of: str | None = None


class Order(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An attempt for a worker: the one argument of its Celery task. `secrets` is JSON text of the params with secrets in the clear."""

    record: Record
    secrets: str | None = None
    v: int = VERSION


class Launched(Struct, frozen=True, kw_only=True):
    """An attempt was sent. Told by its server."""

    record: Record
    v: int = VERSION


class Begun(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A worker began to run an attempt. `run` is new each time the message is taken up, `delivery` counts those times where that is
    known. `force` is empty where the attempt can be ended by force, else says why not: `threads`, `solo` or `coroutine`."""

    run: str
    delivery: int = 1
    pool: str = ""
    force: str = ""
    v: int = VERSION


class Progressed(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The newest word on how far an attempt is; `seconds` since it began."""

    run: str
    current: float = 0.0
    total: float | None = None
    message: str = ""
    seconds: float = 0.0
    v: int = VERSION


class Line(Struct, frozen=True, array_like=True):
    """A line of a log; `seconds` since the attempt began."""

    seconds: float
    level: str
    text: str


class Logged(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Lines of an attempt's log in order; `dropped` were written and do not travel."""

    run: str
    lines: list[Line] = []
    dropped: int = 0
    v: int = VERSION


class Value(Struct, frozen=True, array_like=True):
    """A measured value of a series; None: nothing came back."""

    name: str
    value: float | None
    seconds: float
    unit: str


class Measured(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Measured values of an attempt in order."""

    run: str
    values: list[Value] = []
    v: int = VERSION


class Settled(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How an attempt ended. `result` is JSON text. Its server may still decide on another attempt."""

    run: str
    kind: OutcomeKind
    result: str | None = None
    error: TaskError | None = None
    retry: bool = True
    seconds: float = 0.0
    v: int = VERSION


class Alive(Struct, frozen=True, kw_only=True):
    """The calls that a worker's process runs at this moment; told every few seconds."""

    calls: list[str]
    v: int = VERSION


Word = Record | Order | Launched | Begun | Progressed | Logged | Measured | Settled | Alive
EVENTS: dict[str, type[Launched | Begun | Progressed | Logged | Measured | Settled | Alive]] = {
    LAUNCHED: Launched,
    BEGUN: Begun,
    PROGRESS: Progressed,
    LOG: Logged,
    MEASURE: Measured,
    SETTLED: Settled,
    ALIVE: Alive,
}
_W = TypeVar("_W")


def call_id(task_id: str, attempt: int) -> str:
    """The Celery id of an attempt: one each, as workers remember ids that were revoked."""
    return f"{task_id}.{attempt}"


def record_of(task: Task, origin: str, attempt: int) -> Record:
    """What others may see of a task, when an attempt of it is sent."""
    return Record(
        origin=origin,
        task_id=task.id,
        type=task.type,
        params=task.params.decode(),
        attempt=attempt,
        created_at=task.created_at,
        number=task.number,
        name=task.name,
        tags=list(task.tags),
        priority=task.priority,
        by=task.by,
        via=task.via,
        timeout=task.timeout,
        max_attempts=task.max_attempts,
        rerun_of=task.rerun_of,
    )


def order_of(task: Task, origin: str, attempt: int) -> Order:
    """An attempt of a task, for a worker."""
    return Order(record=record_of(task, origin, attempt), secrets=task.secrets.decode() if task.secrets else None)


def plain(word: Word) -> dict[str, Any]:
    """As JSON values, to put into a message or an event."""
    made: dict[str, Any] = msgspec.to_builtins(word)
    return made if isinstance(word, Record) else {**made, "v": word.v}


def fields_of(word: Word) -> dict[str, Any]:
    """The fields of an event that says this."""
    return {KEY: plain(word)}


def read_order(given: Any) -> Order | None:
    """The order that a worker was given."""
    return _read(given, Order)


def read_event(event: dict[str, Any]) -> Launched | Begun | Progressed | Logged | Measured | Settled | Alive | None:
    """Our part of an event, bounded; None for an event that is not ours."""
    kind = EVENTS.get(str(event.get("type")))
    word = _read(event.get(KEY), kind) if kind is not None else None
    return bounded(word) if word is not None else None


def settled_of(outcome: Outcome, run: str, seconds: float) -> Settled:
    """An outcome, to be told."""
    result = outcome.result.decode() if outcome.result is not None else None
    return Settled(run=run, kind=outcome.kind, result=result, error=outcome.error, retry=outcome.retry, seconds=seconds)


def outcome_of(settled: Settled) -> Outcome:
    """The outcome that was told."""
    result = settled.result.encode() if settled.result is not None else None
    return Outcome(kind=settled.kind, result=result, error=settled.error, retry=settled.retry)


def _read(given: Any, kind: type[_W]) -> _W | None:
    """Fields that this version does not know are left out; a version above this one is not guessed at."""
    if not isinstance(given, dict) or not isinstance(given.get("v"), int) or not 1 <= given["v"] <= VERSION:
        return None
    try:
        return msgspec.convert(given, kind)
    except (msgspec.ValidationError, RecursionError):
        return None


def bounded(word: Any) -> Any:
    """A word as far as it can be kept, shown and counted with."""
    replace = msgspec.structs.replace
    if isinstance(word, Progressed):
        current, total = bounds.amount(word.current) or 0.0, bounds.amount(word.total)
        return replace(word, current=current, total=total, message=bounds.text(word.message, MAX_MESSAGE))
    if isinstance(word, Logged):
        return replace(word, lines=list(map(_bounded_line, word.lines[-MOST_LINES:])))
    if isinstance(word, Measured):
        return replace(word, values=[_bounded_value(one) for one in word.values[-MOST_POINTS:] if one.value == bounds.number(one.value)])
    if isinstance(word, Begun):
        return replace(word, run=word.run[:LONGEST_ID], pool=word.pool[:_NAME], force=bounds.text(word.force, _NAME))
    if isinstance(word, Settled):
        return _bounded_end(word)
    if isinstance(word, Alive):
        return replace(word, calls=[call[:LONGEST_ID] for call in word.calls[:MOST_CALLS]])
    return word


def _bounded_line(line: Line) -> Line:
    return Line(bounds.seconds(line.seconds), line.level[:_LEVEL], bounds.text(line.text, MAX_LINE_LENGTH))


def _bounded_value(one: Value) -> Value:
    return Value(bounds.text(one.name, _NAME), one.value, bounds.seconds(one.seconds), bounds.text(one.unit, _UNIT))


def _bounded_end(word: Settled) -> Settled:
    error = word.error and TaskError(
        bounds.text(word.error.type, 80),
        bounds.text(word.error.message, MAX_ERROR),
        bounds.text(word.error.traceback, MAX_TRACEBACK + 2),
    )
    bounded = msgspec.structs.replace(word, run=word.run[:LONGEST_ID], error=error, seconds=bounds.seconds(word.seconds))
    if word.result is None or bounds.is_result(word.result):
        return bounded
    told = TaskError("result_not_json", "What the worker sent as a result is not JSON of the size that is kept.")
    return msgspec.structs.replace(bounded, kind=OutcomeKind.FAILED, result=None, error=told, retry=False)
