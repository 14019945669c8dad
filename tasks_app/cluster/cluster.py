"""The cluster as one thing: events come in, records and workers follow them, and people's wishes go out."""

from __future__ import annotations

import time
from functools import partial
from typing import Any, Protocol

from celery import Celery

from tasks_app.cluster.asker import Asker
from tasks_app.cluster.commands import Answer, Commands
from tasks_app.cluster.projector import Projector
from tasks_app.cluster.receiver import Receiver
from tasks_app.cluster.reckoning import Reckoning
from tasks_app.cluster.workers import Workers, pool_of
from tasks_app.engine.errors import Conflict, Unavailable
from tasks_app.engine.ports import Clock
from tasks_app.engine.sentences import kept, say
from tasks_app.engine.store import Store
from tasks_app.engine.task import RUNNING, OutcomeKind, Task, cancel_asked
from tasks_app.executors.link import Link

GRACE = 3.0  # seconds without a connection before anybody is told
LAST = 2.0  # seconds that threads have to end
_AWAY = kept("The Celery broker cannot be reached: what its workers do is not seen. It is tried again and again.")
_BEHIND = kept("Celery's events come faster than they can be shown: some were left out.")
_ANSWERED = kept("{count:,} worker was told, and answered.", "{count:,} workers were told, and answered.")
_NOBODY = kept("No worker answered. It may go on.")
_UNSENT = kept("It could not be told: {error}")
TERMINATES = frozenset({"prefork", "processes"})


class Hearer(Protocol):
    """Who follows attempts of its own."""

    origin: str

    def feed(self, event: dict[str, Any]) -> bool:
        """An event; whether it is about one of them."""

    def connected(self) -> None:
        """Events were missed."""


class Cluster:
    """`hearer` is the executor that runs attempts there, None where we only watch."""

    def __init__(self, app: Celery, store: Store, clock: Clock, hearer: Hearer | None = None) -> None:
        self._store = store
        self._clock = clock
        self._hearer = hearer
        self.workers = Workers(clock.time, clock.monotonic)
        self.projector = Projector(store, clock, self._is_own)
        self._reckoning = Reckoning(store, clock, self.workers, self.projector)
        self.commands = Commands(app, self.workers.alive)
        self.receiver = Receiver(app, self.hear, self.projector.flush, self._connected)
        self.asker = Asker(self.commands, self.workers, self._reckoning.told, lambda: self.receiver.is_connected)
        self.broker = _without_password(app)
        self._dropped = (0, 0.0)

    def start(self) -> None:
        """Begin to follow."""
        self.receiver.start()
        self.asker.start()

    def stop(self) -> None:
        """Follow no more."""
        self.receiver.stop()
        self.asker.stop()
        self.commands.close()
        self.receiver.join(LAST)
        self.asker.join(LAST)

    @property
    def trouble(self) -> str:
        """What keeps us from seeing what workers do, as a sentence; empty while all is well."""
        if not self.receiver.is_connected and time.monotonic() - self.receiver.since > GRACE:
            return str(_AWAY())
        return str(_BEHIND()) if self._loses() else ""

    def hear(self, event: dict[str, Any]) -> None:
        """An event. On the receiver's thread."""
        kind = event["type"]
        if kind.startswith("worker-"):
            if self.workers.hear(event):
                self.asker.soon()
            return
        self.workers.count(event)
        if self._hearer is not None and self._hearer.feed(event):
            return
        if kind.startswith("task-"):
            self.projector.take(event, self.workers.by_our_clock(event))

    # -- what people want of tasks: see Abroad

    def cancel(self, task: Task, *, by: str, reason: str, force: bool) -> Task:
        """Ask whoever runs it to stop it. Raises Conflict, Unavailable."""
        foreign = task.foreign
        assert foreign is not None
        if not self.receiver.is_connected:
            raise Unavailable(_AWAY())
        if task.status in RUNNING and not foreign.ours:
            self._may_end(task, force)
        at, monotonic = self._clock.time(), self._clock.monotonic()
        change = partial(cancel_asked, by=by, reason=reason, at=at, monotonic=monotonic, forced=force)
        now = self._store.update(task.number, change) or self._store.get(task.id)
        told: dict[str, Any] = {"task_id": foreign.id, "terminate": force and task.status in RUNNING}
        if foreign.ours:
            sent: Any = self.commands.over_link(partial(_stop, call=foreign.id, reason=reason, force=force))
        else:
            sent = self.commands.tell("revoke", told | ({"signal": "SIGTERM"} if told["terminate"] else {}))
        sent.add_done_callback(partial(self._heard_back, task))
        return now

    def _may_end(self, task: Task, force: bool) -> None:
        """Raises Conflict where Celery cannot."""
        if not force:
            raise Conflict(say("Celery ends a task that runs only by force: the process that runs it is stopped."))
        worker = self.workers.find(task.foreign.worker if task.foreign else "")
        pool = pool_of(worker.part("stats", dict)) if worker is not None else ""
        if pool and pool not in TERMINATES:
            raise Conflict(say("The pool of this worker ({pool}) cannot end a task that runs.", pool=pool))

    def _heard_back(self, task: Task, sent: Any) -> None:
        if sent.cancelled():
            return
        trail, error = self._store.trail(task.number), sent.exception()
        answers = None if error else sent.result()
        if error is not None:
            text, level = _UNSENT(error=f"{type(error).__name__}: {error}"[:200]), "error"
        elif isinstance(answers, list):
            done = sum(isinstance(answer, Answer) and answer.done for answer in answers)
            text, level = (_ANSWERED(count=done), "info") if done else (_NOBODY(), "warning")
        else:
            return
        trail.log(at=self._clock.time(), seconds=0.0, attempt=task.attempt_number, level=level, text=str(text))

    # -- inside

    def _connected(self) -> None:
        self.asker.soon(0.0)
        if self._hearer is not None:
            self._hearer.connected()

    def _is_own(self, origin: str) -> bool:
        return self._hearer is not None and self._hearer.origin == origin

    def _loses(self) -> bool:
        """Whether words were dropped in the last minute."""
        dropped = self.projector.dropped + self.projector.left_out
        count, at = self._dropped
        if dropped != count:
            self._dropped = dropped, time.monotonic()
            return True
        return bool(count) and time.monotonic() - at < 60


def _stop(link: Link, *, call: str, reason: str, force: bool) -> None:
    link.stop(call, OutcomeKind.CANCELLED.value, reason)
    link.revoke(call, by_force=force)


def _without_password(app: Celery) -> str:
    connection: Any = app.connection_for_read()
    return str(connection.as_uri())
