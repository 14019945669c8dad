"""Asks workers what no event says: what they hold, their pools and queues. In a thread of its own, seldom, and more often while somebody
looks at one."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from threading import Event, Thread
from typing import Any

from tasks_app.cluster.commands import Commands
from tasks_app.cluster.texts import MOST_PARTS, bounded
from tasks_app.cluster.workers import Workers

logger = logging.getLogger("iotask.cluster")
EVERY = 60.0  # seconds between two rounds
CLOSE = 3.0  # the same while somebody looks, for whom he looks at
LOOKED = 10.0  # seconds that a look lasts
NEWLY = 1.0  # seconds after a worker has come: others may come with it
_LIMITS = ["rate_limit", "time_limit", "soft_time_limit"]
ALL: Mapping[str, Mapping[str, Any]] = {"active": {"safe": True}, "reserved": {}, "scheduled": {}, "active_queues": {}, "stats": {}}
_OF_TASKS = frozenset({"active", "reserved", "scheduled"})
_TOLD = ("id", "name", "time_start", "eta", "priority", "acknowledged", "delivery_info", "worker_pid", "hostname")
ONE: Mapping[str, Mapping[str, Any]] = {"revoked": {}, "registered": {"taskinfoitems": _LIMITS}, "conf": {}}


class Asker:
    """`told` hears each answer of a round: question, answers by worker. Only its own thread waits."""

    def __init__(
        self,
        commands: Commands,
        workers: Workers,
        told: Callable[[str, Mapping[str, Any]], object],
        can_ask: Callable[[], bool],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._commands = commands
        self._workers = workers
        self._told = told
        self._can_ask = can_ask
        self._monotonic = monotonic
        self._looks: dict[str, float] = {}
        self._next_round = 0.0
        self._next_close = 0.0
        self._wake = Event()
        self._stopping = False
        self.rounds = 0
        self._thread = Thread(target=self._run, name="celery asker", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Ask no more. Does not wait."""
        self._stopping = True
        self._wake.set()

    def join(self, seconds: float) -> None:
        """Wait for its end."""
        if self._thread.ident is not None:
            self._thread.join(seconds)

    def soon(self, seconds: float = NEWLY) -> None:
        """Begin a round in a moment: something has changed."""
        self._next_round = min(self._next_round, self._monotonic() + seconds)
        self._wake.set()

    def look_at(self, name: str) -> None:
        """Somebody looks at a worker, or with an empty name at all of them: ask more often for a while."""
        fresh = self._looks.get(name, 0.0) < self._monotonic() - LOOKED
        self._looks[name] = self._monotonic()
        if fresh:
            self._next_close = 0.0
            self._wake.set()

    def _run(self) -> None:
        while not self._stopping:
            self._wake.wait(0.5)
            self._wake.clear()
            if self._stopping or not self._can_ask():
                continue
            try:
                self._turn()
            except Exception as error:  # the broker is away, or says what nobody expects: the next round asks again
                logger.debug("Workers could not be asked: %s", error)
                self._next_round = self._monotonic() + CLOSE

    def _turn(self) -> None:
        now = self._monotonic()
        if now >= self._next_round:
            self._next_round = now + EVERY
            self._round(ALL, None)
            self.rounds += 1
        if now >= self._next_close:
            self._next_close = now + CLOSE
            self._closer(now)

    def _closer(self, now: float) -> None:
        looked = [name for name, at in list(self._looks.items()) if now - at < LOOKED]
        self._looks = {name: self._looks[name] for name in looked}
        if "" in looked:
            self._round({"active_queues": {}, "stats": {}}, None)
        named = [name for name in looked if name]
        if named:
            self._round({**ALL, **ONE}, named)

    def _round(self, questions: Mapping[str, Mapping[str, Any]], names: list[str] | None) -> None:
        for question, arguments in questions.items():
            if self._stopping:
                return
            answers = self._commands.ask(question, arguments, names)
            self._told(question, answers)
            self._workers.answered(question, {name: shown(question, answer) for name, answer in answers.items()})


def shown(question: str, answer: Any) -> Any:
    """An answer as it may be kept and shown: of tasks which they are, and never with what they were called."""
    if question in _OF_TASKS and isinstance(answer, list):
        return bounded([_task(given) for given in answer[:MOST_PARTS]])
    return bounded(answer)


def _task(given: Any) -> Any:
    if not isinstance(given, dict):
        return None
    request = given.get("request")
    inner = {"request": _task(request)} if isinstance(request, dict) else {}
    return {name: given[name] for name in _TOLD if name in given} | inner
