"""Reads what other dashboards like this one, and the workers of their tasks, tell: full records, progress, logs, how attempts ended."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tasks_app.cluster.texts import NAME, TYPE, clean
from tasks_app.cluster.words import sighting_of
from tasks_app.engine.sightings import Rank, Sighting
from tasks_app.engine.task import OutcomeKind
from tasks_app.executors import bounds, wire

MOST_TAGS = 20
MOST_PARAMS = 100_000  # characters
_CALL = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([0-9]{1,6})")
_TELLING = frozenset({"task-started", "task-revoked", "task-received"})  # of Celery's own events: the others tell of its part alone
_KINDS = {OutcomeKind.TIMED_OUT: "timed out"}


def call_of(name: str) -> tuple[str, int] | None:
    """The task and the attempt that a Celery id names; None where it is nobody's like us."""
    found = _CALL.fullmatch(name)
    return (found[1], int(found[2])) if found else None


def of_record(record: wire.Record, at: float, rank: Rank = Rank.LAUNCHED) -> Sighting:
    """A task with all that others may know of it; its attempt is one that `call_of` has read."""
    texts = {name: clean(getattr(record, name), NAME) for name in ("name", "by")}
    first: dict[str, Any] = {
        **texts,
        "tags": tuple(clean(tag, 64) for tag in record.tags[:MOST_TAGS]),
        "created_at": min(max(0.0, record.created_at), at + 86_400.0),
        "priority": record.priority if abs(record.priority) < 10**6 else 0,
        "timeout": bounds.amount(record.timeout),
        "max_attempts": min(max(1, record.max_attempts), 1_000),
        "rerun_of": clean(record.rerun_of, NAME) or None,
    }
    return Sighting(
        id=wire.call_id(record.task_id, record.attempt),
        rank=rank,
        at=at,
        order=float(record.attempt),
        type=clean(record.type, TYPE),
        params=bounds.params(record.params, MOST_PARAMS),
        facts={"ours": True, "queue": wire.QUEUE, "retries": record.attempt - 1, "id": wire.call_id(record.task_id, record.attempt)},
        first=first,
    )


def of_word(word: Any, attempt: int, event: Mapping[str, Any], at: float) -> Sighting | None:
    """What a worker says of an attempt's state; None for words that say nothing of it."""
    name = clean(event.get("uuid"), NAME)
    facts = {"worker": clean(event.get("hostname"), NAME)}
    if isinstance(word, wire.Begun):
        return Sighting(id=name, rank=Rank.STARTED, at=at, order=float(attempt), facts=facts)
    if isinstance(word, wire.Settled):
        outcome = wire.outcome_of(word)
        return Sighting(id=name, rank=Rank.ENDED, at=at, order=float(attempt), outcome=outcome, seconds=word.seconds, facts=facts)
    return None


def of_celery(event: Mapping[str, Any], attempt: int, at: float) -> Sighting | None:
    """What Celery itself says of such an attempt, as far as that is not only about its part of it: who has it, and that it is lost."""
    kind = event.get("type")
    lost = kind == "task-failed"
    found = sighting_of(event, at) if kind in _TELLING or lost else None
    if found is None:
        return None
    facts = {name: value for name, value in found.facts.items() if name in ("worker", "pid", "received_at")}
    rank = Rank.NAMED if kind == "task-received" else found.rank
    return Sighting(id=found.id, rank=rank, at=at, order=float(attempt), facts=facts, outcome=found.outcome, reason=found.reason)
