"""Runs attempts on Celery workers: sends them, follows what is told of them, and asks where nothing is told any more."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Lock
from typing import Any

from celery import Celery

from tasks_app.engine.context import Context
from tasks_app.engine.ports import Executor, Run
from tasks_app.engine.registry import TaskType
from tasks_app.engine.sentences import Sentence, kept
from tasks_app.engine.task import Task
from tasks_app.executors import wire
from tasks_app.executors.call import Call, Settle
from tasks_app.executors.echo import Echo, End
from tasks_app.executors.link import Link
from tasks_app.executors.local import NeverRun
from tasks_app.executors.outbox import Outbox
from tasks_app.executors.rounds import Rounds

ASK = 5.0  # seconds between two looks at whether the broker still answers
UNFOLLOWED = 60.0  # seconds after which an abandoned attempt that is not heard of counts as gone
_AWAY = kept("The Celery broker cannot be reached: tasks wait until it can.")
_NO_FORCE = kept("It runs in a Celery worker with the pool {pool}, which cannot end it by force.")


class CeleryExecutor:
    """Attempts of the types that workers know go to the workers, all others to `local`. `feed` and `connected` are called by whoever
    receives events, from its own thread; what a server has to say goes through the outbox: nothing here waits for the broker."""

    supports_force_stop = True
    supports_measure = True
    max_running: int | None = None

    def __init__(
        self,
        app: Celery,
        local: Executor,
        types: frozenset[str],
        *,
        origin: str = "",
        told: Callable[[str], object] = lambda trouble: None,
        refused: Callable[[str, BaseException], object] = lambda call, error: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.origin = origin or secrets.token_hex(8)
        self._local = local
        self._types = types
        self._monotonic = monotonic
        self._calls: dict[str, Call] = {}
        self._rounds = Rounds(self._calls, self._ended, monotonic)
        self._echo = Echo(monotonic)
        self.outbox = Outbox(app, f"iotask@{self.origin}", self._look, partial(self._linked, told), refused)
        self._started = False
        self._starting = Lock()
        self._asked_at = float("-inf")

    def start(self, task: Task, task_type: TaskType, context: Context, settle: Settle) -> Run:
        """Send an attempt on its way, or run it here."""
        if task_type.name not in self._types:
            return self._local.start(task, task_type, context, settle)
        try:
            task_type.params_of(task)
        except Exception as error:  # params of an older version: no worker need be asked
            return NeverRun(error, context, settle)
        call = self._call(task, context, settle)
        call.send()
        return call

    def follow(self, task: Task, task_type: TaskType, context: Context, settle: Settle) -> Run:
        """Ask what became of an attempt that an earlier process sent."""
        return self._call(task, context, settle, followed=True)

    def _call(self, task: Task, context: Context, settle: Settle, *, followed: bool = False) -> Call:
        self.begin()
        order, loop = wire.order_of(task, self.origin, context.attempt), asyncio.get_running_loop()
        call = Call(order, context, settle, self.outbox, loop, self._monotonic, followed=followed)
        self._calls[call.id] = call
        return call

    def begin(self) -> None:
        """Look for the broker from now on, before there is anything to send."""
        with self._starting:  # the engine's loop may come first, with what an earlier process sent
            if not self._started:
                self._started = True
                self.outbox.start()

    def outlives(self, type_name: str) -> bool:
        """Workers go on without us."""
        return type_name in self._types

    def why_no_force(self, task: Task) -> Sentence | None:
        """As the worker that runs it said."""
        call = self._calls.get(wire.call_id(task.id, task.attempt_number))
        if call is None:
            return self._local.why_no_force(task)
        return _NO_FORCE(pool=call.force) if call.force else None

    @property
    def trouble(self) -> str:
        """What keeps attempts from the workers, as a sentence; empty while all is well."""
        return str(_AWAY()) if self._started and self.outbox.trouble else ""

    def __len__(self) -> int:
        return len(self._calls)

    async def close(self) -> None:
        """Say what is left to be said, for a moment; attempts at workers go on."""
        with ThreadPoolExecutor(1) as own:  # handlers may have filled the loop's
            await asyncio.get_running_loop().run_in_executor(own, self.outbox.stop)
        await self._local.close()

    # -- what is told

    def feed(self, event: dict[str, Any]) -> bool:
        """An event from the cluster; whether it is about an attempt that is followed here. Any thread, never raises."""
        word = wire.read_event(event)
        if isinstance(word, wire.Alive):
            self._rounds.alive(word.calls)
            return False
        call = self._calls.get(str(event.get("uuid")))
        if call is None:
            return False
        call.heard(word if word is not None else event, str(event.get("hostname", "")))
        return True

    def connected(self) -> None:
        """Events were missed: look at everything that is under way. Others have missed some too."""
        self._rounds.doubt_all()
        self._echo.found()

    def _linked(self, told: Callable[[str], object], trouble: str) -> None:
        if trouble:
            self._echo.lost()
        else:
            self.connected()
        told(trouble)

    def _look(self, link: Link) -> None:
        if self._monotonic() - self._asked_at > ASK:
            self._asked_at = self._monotonic()
            link.ask()
        self._sweep(link)
        for end in self._echo.due():
            link.tell(wire.LAUNCHED, end.call, end.launched)
            link.tell(wire.SETTLED, end.call, end.settled)
        self._rounds.go(link)

    def _sweep(self, link: Link) -> None:
        """Forget what has ended, here and at the broker."""
        now = self._monotonic()
        gone = [c for c in list(self._calls.values()) if c.settled and (c.ended is not None or now - c.heard_at > UNFOLLOWED)]
        link.ledger.shrink([(call.id, call.ended) for call in gone if call.ended is not None])
        for call in gone:
            if call.ended is not None:
                self._echo.ended(End(call.id, call.launched, call.ended))
            call.gone = True
            self._calls.pop(call.id, None)

    def _ended(self, call: Call, settled: wire.Settled) -> None:
        call.heard(settled, "")
