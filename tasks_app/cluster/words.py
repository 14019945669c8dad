"""Reads what Celery tells of tasks, in events and when its workers are asked, as sightings. Pure; None where nothing can be made of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from tasks_app.cluster.texts import NAME, RESULT, TEXT, TRACEBACK, TYPE, clean, json_of, moment_of, number_of, params_of, whole_of
from tasks_app.engine.sentences import kept
from tasks_app.engine.sightings import Rank, Sighting
from tasks_app.engine.task import Outcome, OutcomeKind, TaskError

Event = Mapping[str, Any]
_EXPIRED = kept("It was not begun before it expired.")
_REVOKED = kept("Revoked in Celery")
_TERMINATED = kept("Terminated in Celery")
_REJECTED = kept("Its worker rejected the message.")
_REJECTED_AGAIN = kept("Its worker rejected the message and put it back into the queue.")
_ERROR = re.compile(r"([A-Za-z_][A-Za-z0-9_.]{0,100})\((.*)\)\s*", re.DOTALL)


def sighting_of(event: Event, at: float) -> Sighting | None:
    """A Celery event on a task, by our clock at `at`. None for kinds that say nothing of its state."""
    kind, name = event.get("type"), event.get("uuid")
    read = _READERS.get(kind) if isinstance(kind, str) else None
    if read is None or not isinstance(name, str) or not name:
        return None
    return read(clean(name, NAME), event, at)


def of_active(info: Event, worker: str, at: float) -> Sighting | None:
    """A task that a worker runs, as the worker says when asked."""
    since = moment_of(info.get("time_start"))
    return _of_request(info, worker, Rank.STARTED, at if since is None else since)


def of_waiting(info: Event, worker: str, at: float, eta: Any = None) -> Sighting | None:
    """One that a worker holds and has not begun; with `eta`, until then."""
    return _of_request(info, worker, Rank.NAMED, at, eta)


def error_of(exception: Any, traceback: Any) -> TaskError:
    """`ValueError('no')` and its traceback, as an error."""
    text = clean(exception, TEXT)
    found = _ERROR.fullmatch(text)
    if found is None:
        return TaskError("Failed", text, clean(traceback, TRACEBACK))
    said = found[2].strip().removesuffix(",").strip()
    plain = said[1:-1] if len(said) > 1 and said[0] == said[-1] and said[0] in "'\"" else said
    return TaskError(found[1].rpartition(".")[2][:80], plain, clean(traceback, TRACEBACK))


def _of_request(info: Event, worker: str, rank: Rank, at: float, eta: Any = None) -> Sighting | None:
    name, kind = info.get("id"), info.get("name") or info.get("type")
    if not isinstance(name, str) or not isinstance(kind, str) or not name or not kind:
        return None
    way = info.get("delivery_info")
    way = way if isinstance(way, dict) else {}
    return Sighting(
        id=clean(name, NAME),
        rank=rank,
        at=at,
        type=clean(kind, TYPE),
        params=params_of(info.get("args"), info.get("kwargs")),
        due_at=moment_of(eta),
        facts={
            "worker": clean(worker, NAME),
            "exchange": clean(way.get("exchange"), NAME),
            "routing_key": clean(way.get("routing_key"), NAME),
            "eta": clean(eta, NAME),
        },
    )


def _worker(event: Event) -> dict[str, Any]:
    return {"worker": clean(event.get("hostname"), NAME), "pid": whole_of(event.get("pid"))}


def _named(name: str, event: Event, at: float, facts: dict[str, Any]) -> Sighting:
    texts = {key: clean(event.get(field), NAME) for key, field in _FACTS.items()}
    return Sighting(
        id=name,
        rank=Rank.NAMED,
        at=at,
        type=clean(event.get("name"), TYPE),
        params=params_of(event.get("args"), event.get("kwargs")),
        due_at=moment_of(event.get("eta")),
        facts={**texts, "retries": whole_of(event.get("retries")), **facts},
    )


_FACTS = {
    "queue": "queue",
    "exchange": "exchange",
    "routing_key": "routing_key",
    "parent": "parent_id",
    "root": "root_id",
    "expires": "expires",
    "eta": "eta",
}


def _sent(name: str, event: Event, at: float) -> Sighting:
    return _named(name, event, at, {"sent_at": at, "client": clean(event.get("hostname"), NAME)})


def _received(name: str, event: Event, at: float) -> Sighting:
    return _named(name, event, at, {"received_at": at, **_worker(event)})


def _started(name: str, event: Event, at: float) -> Sighting:
    return Sighting(id=name, rank=Rank.STARTED, at=at, facts=_worker(event))


def _retried(name: str, event: Event, at: float) -> Sighting:
    outcome = Outcome(kind=OutcomeKind.FAILED, error=error_of(event.get("exception"), event.get("traceback")))
    return Sighting(id=name, rank=Rank.RETRIED, at=at, facts=_worker(event), outcome=outcome, due_at=moment_of(event.get("eta")))


def _ended(name: str, event: Event, at: float, outcome: Outcome, reason: str = "") -> Sighting:
    seconds = number_of(event.get("runtime"))
    taken = seconds if seconds is not None and 0 <= seconds < 1e9 else None
    return Sighting(id=name, rank=Rank.ENDED, at=at, facts=_worker(event), outcome=outcome, seconds=taken, reason=reason)


def _succeeded(name: str, event: Event, at: float) -> Sighting:
    result = json_of(clean(event.get("result"), RESULT))
    return _ended(name, event, at, Outcome(kind=OutcomeKind.COMPLETED, result=result))


def _failed(name: str, event: Event, at: float) -> Sighting:
    return _ended(name, event, at, Outcome(kind=OutcomeKind.FAILED, error=error_of(event.get("exception"), event.get("traceback"))))


def _rejected(name: str, event: Event, at: float) -> Sighting:
    said = _REJECTED_AGAIN() if event.get("requeue") else _REJECTED()
    return _ended(name, event, at, Outcome(kind=OutcomeKind.FAILED, error=TaskError("Rejected", str(said))))


def _revoked(name: str, event: Event, at: float) -> Sighting:
    reason = _EXPIRED() if event.get("expired") else _TERMINATED() if event.get("terminated") else _REVOKED()
    return _ended(name, event, at, Outcome(kind=OutcomeKind.CANCELLED), str(reason))


_READERS: Mapping[str, Callable[[str, Event, float], Sighting]] = {
    "task-sent": _sent,
    "task-received": _received,
    "task-started": _started,
    "task-retried": _retried,
    "task-succeeded": _succeeded,
    "task-failed": _failed,
    "task-rejected": _rejected,
    "task-revoked": _revoked,
}
