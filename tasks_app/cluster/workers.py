"""Who works in the cluster: each worker as it was last heard of, and what it answered when it was asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from tasks_app.cluster.ours import call_of
from tasks_app.cluster.texts import NAME, clean, moment_of, number_of, whole_of
from tasks_app.executors import wire

MOST = 5_000  # workers that are known at once; past that those that were heard of least lately are forgotten
BEATS = 2  # heartbeats that may be missed; then a worker is silent
LEAST_SILENCE = 10.0  # seconds, however often its heart beats
FORGOTTEN = 3_600.0  # seconds after which one that went away is no longer known
TIDY = 10.0  # seconds between two looks for those
DRIFT = 2.0  # seconds by which a clock may differ before anybody is told, and times are set right
SMOOTHING = 0.2  # of a new look at a clock


class Worker(Struct, frozen=True, kw_only=True):
    """One worker. Times are seconds since 1970 by our clock, `heard` is monotonic. `ahead` is by how many seconds its clock is before ours,
    None until it has said a time. `completed`, `failed` and `retried` count the ends of attempts that were heard from it. `answers` holds
    what it answered last, by the name of the question, `asked_at` when."""

    name: str
    heard_at: float
    heard: float
    here: bool = True  # False: it has said good-bye
    since: float | None = None
    frequency: float = 2.0
    pid: int | None = None
    active: int | None = None
    processed: int | None = None
    completed: int = 0
    failed: int = 0
    retried: int = 0
    load: tuple[float, ...] = ()
    software: str = ""
    ahead: float | None = None
    answers: Mapping[str, Any] = {}
    asked_at: float | None = None

    def silent(self, monotonic: float) -> bool:
        """Whether it should have been heard by now."""
        return monotonic - self.heard > max(LEAST_SILENCE, self.frequency * (BEATS + 1))

    def alive(self, monotonic: float) -> bool:
        """Whether it works, as far as can be told."""
        return self.here and not self.silent(monotonic)

    def part(self, question: str, kind: type[dict[str, Any]] | type[list[Any]]) -> Any:
        """What it answered, if that is of this kind; else an empty one."""
        found = self.answers.get(question)
        return found if isinstance(found, kind) else kind()


class Workers:
    """All of them by name. Thread-safe; records are swapped whole. `wall` and `monotonic` are clocks."""

    def __init__(self, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._lock = Lock()
        self._workers: dict[str, Worker] = {}
        self._tidied = monotonic()
        self.version = 0  # rises with each change

    def hear(self, event: Mapping[str, Any]) -> bool:
        """A worker's event: that it came, beats, or went. Whether it was not known before, or had gone."""
        name = clean(event.get("hostname"), NAME)
        if not name:
            return False
        with self._lock:
            before = self._workers.get(name)
            now = self._heard(before, name, event)
            self._workers[name] = now
            self.version += 1
            self._forget()
            return now.here and (before is None or not before.here)

    def count(self, event: Mapping[str, Any]) -> None:
        """A task's event: an end counts for whoever told of it."""
        field = _counted(event)
        if field:
            with self._lock:
                name = clean(event.get("hostname"), NAME)
                worker = self._workers.get(name)
                if worker is not None:
                    self._workers[name] = replace(worker, **{field: getattr(worker, field) + 1})
                    self.version += 1

    def answered(self, question: str, answers: Mapping[str, Any]) -> None:
        """What workers answered, by their names."""
        with self._lock:
            for given, answer in answers.items():
                name = clean(given, NAME)
                known = self._workers.get(name) or Worker(name=name, heard_at=self._wall(), heard=self._monotonic())
                heard = {"heard_at": self._wall(), "heard": self._monotonic(), "here": True}
                self._workers[name] = replace(known, answers={**known.answers, question: answer}, asked_at=self._wall(), **heard)
            self.version += 1
            self._forget()

    def find(self, name: str) -> Worker | None:
        """The worker of this name."""
        return self._workers.get(name)

    def all(self) -> list[Worker]:
        """All that are known, by name."""
        with self._lock:
            return sorted(self._workers.values(), key=lambda worker: worker.name)

    def alive(self) -> list[str]:
        """The names of those that work."""
        now = self._monotonic()
        return [worker.name for worker in self.all() if worker.alive(now)]

    def by_our_clock(self, event: Mapping[str, Any]) -> float:
        """When an event happened. A worker's clock that is wrong is set right; an event without a time that can be happens now."""
        now, said = self._wall(), moment_of(event.get("timestamp"))
        if said is None:
            return now
        worker = self._workers.get(str(event.get("hostname")))
        ahead = worker.ahead if worker is not None and worker.ahead is not None else said - now
        at = said - ahead if abs(ahead) > DRIFT and (worker is not None or ahead > DRIFT) else said
        return max(0.0, min(at, now + DRIFT))

    def _heard(self, before: Worker | None, name: str, event: Mapping[str, Any]) -> Worker:
        now, kind = self._wall(), event.get("type")
        worker = before or Worker(name=name, heard_at=now, heard=0.0)
        load = event.get("loadavg")
        told: dict[str, Any] = {
            "frequency": number_of(event.get("freq")),
            "pid": whole_of(event.get("pid")),
            "active": whole_of(event.get("active")),
            "processed": whole_of(event.get("processed")),
            "load": tuple(map(float, load)) if isinstance(load, list) and len(load) == 3 and None not in map(number_of, load) else None,
            "software": " ".join(filter(None, (clean(event.get(part), 60) for part in ("sw_ident", "sw_ver", "sw_sys")))) or None,
            "ahead": _ahead(worker.ahead, moment_of(event.get("timestamp")), now),
        }
        new = {field: value for field, value in told.items() if value is not None}
        if kind == "worker-online" or worker.since is None:
            new["since"] = now
        return replace(worker, heard_at=now, heard=self._monotonic(), here=kind != "worker-offline", **new)

    def _forget(self) -> None:
        if len(self._workers) > MOST:
            oldest = min(self._workers.values(), key=lambda worker: worker.heard)
            del self._workers[oldest.name]
        now = self._monotonic()
        if now - self._tidied < TIDY:
            return
        self._tidied, limit = now, now - FORGOTTEN
        for name in [name for name, worker in self._workers.items() if worker.heard < limit]:
            del self._workers[name]


def _counted(event: Mapping[str, Any]) -> str:
    """Where an event counts. Of our own tasks Celery tells how its part of them ended: what counts is how the attempt did."""
    kind, said = event.get("type"), event.get(wire.KEY)
    if kind == wire.SETTLED and isinstance(said, dict):
        return {"completed": "completed", "failed": "failed", "timed_out": "failed"}.get(str(said.get("kind")), "")
    field = _COUNTED.get(str(kind), "")
    return field if field and call_of(str(event.get("uuid"))) is None else ""


def _ahead(before: float | None, said: float | None, now: float) -> float | None:
    """By how much a clock is ahead, smoothed; what was under way for a moment makes it seem to be behind. A clock that was set counts at
    once."""
    if said is None:
        return before
    found = said - now
    return found if before is None or abs(found - before) > DRIFT else before + SMOOTHING * (found - before)


_COUNTED = {"task-succeeded": "completed", "task-failed": "failed", "task-retried": "retried"}


def pool_of(stats: Mapping[str, Any]) -> str:
    """The word for a worker's pool: prefork, threads, solo, gevent, eventlet; empty where it has not said."""
    pool = stats.get("pool")
    name = str(pool.get("implementation", "")) if isinstance(pool, dict) else ""
    return next((word for known, word in _POOLS.items() if known in name), name.rpartition(":")[2][:40])


_POOLS = {"prefork": "prefork", "thread": "threads", "solo": "solo", "gevent": "gevent", "eventlet": "eventlet"}
