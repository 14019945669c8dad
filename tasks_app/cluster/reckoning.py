"""Held against each other: what workers say they hold, and what our records say of them. What nobody has any more has ended unheard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tasks_app.cluster import ours
from tasks_app.cluster.later import Later
from tasks_app.cluster.projector import Projector
from tasks_app.cluster.words import of_active, of_waiting
from tasks_app.cluster.workers import Workers
from tasks_app.engine.ports import Clock
from tasks_app.engine.query import Query
from tasks_app.engine.sightings import Rank, Sighting, unheard
from tasks_app.engine.store import Store
from tasks_app.engine.task import RUNNING, Task
from tasks_app.executors import wire

SETTLING = 5.0  # seconds after which the word on an end should have come
SILENCE = 120.0  # seconds after which a worker that is silent has nothing any more
MOST = 10_000  # tasks of one answer that are read


class Reckoning:
    """`told` takes what workers answered. On the asker's thread."""

    def __init__(self, store: Store, clock: Clock, workers: Workers, projector: Projector) -> None:
        self._store = store
        self._clock = clock
        self._workers = workers
        self._projector = projector
        self._later = Later(store, clock, projector.see)
        self._missed: set[str] = set()  # ids here of those that nobody had in the round before

    def told(self, question: str, answers: Mapping[str, Any]) -> None:
        """The answers to one question, by worker."""
        now = self._clock.time()
        if question in ("active", "reserved", "scheduled"):
            for worker, found in answers.items():
                for seen in _seen(question, found, str(worker), now):
                    self._projector.see(seen)
                    self._later.holds([seen.id])
        if question == "scheduled":
            self._later.look()
        if question == "active":
            held = {str(worker): {_id(info) for info in found[:MOST]} for worker, found in answers.items() if isinstance(found, list)}
            self._reckon(held, now)

    def _reckon(self, held: Mapping[str, set[str]], now: float) -> None:
        """Missed in two rounds, it is gone: an end that is under way has been heard by then."""
        missed = {task.id: task for task in self._running() if self._is_missed(task, held, now)}
        for task_id in missed.keys() & self._missed:
            foreign = missed[task_id].foreign
            assert foreign is not None
            self._projector.see(unheard(foreign.id, max(now, foreign.at)))
        self._missed = set(missed) - self._missed

    def _running(self) -> Iterator[Task]:
        for part in self._store.each(Query(statuses=RUNNING), 500):
            yield from (task for task in part if task.foreign is not None and not task.foreign.ours)

    def _is_missed(self, task: Task, held: Mapping[str, set[str]], now: float) -> bool:
        foreign = task.foreign
        if foreign is None or now - foreign.at < SETTLING:
            return False
        if foreign.worker in held:
            return foreign.id not in held[foreign.worker]
        worker = self._workers.find(foreign.worker)
        return worker is None or not worker.here or self._clock.monotonic() - worker.heard > SILENCE


def _id(info: Any) -> str:
    return str(info.get("id", "")) if isinstance(info, dict) else ""


def _seen(question: str, found: Any, worker: str, at: float) -> Iterator[Sighting]:
    for given in found[:MOST] if isinstance(found, list) else ():
        info = given.get("request") if question == "scheduled" and isinstance(given, dict) else given
        if not isinstance(info, dict):
            continue
        if ours.call_of(_id(info)) is not None:
            seen = _of_ours(info, question, at)
        elif question == "active":
            seen = of_active(info, worker, at)
        else:
            seen = of_waiting(info, worker, at, given.get("eta") if question == "scheduled" else None)
        if seen is not None:
            yield seen


def _of_ours(info: Mapping[str, Any], question: str, at: float) -> Sighting | None:
    """Its record alone: what a worker answers may hold secrets in the clear."""
    given = info.get("kwargs")
    order = wire.read_order(given.get("order")) if isinstance(given, dict) else None
    if order is None or (order.record.task_id, order.record.attempt) != ours.call_of(_id(info)):
        return None
    return ours.of_record(order.record, at, Rank.STARTED if question == "active" else Rank.LAUNCHED)
