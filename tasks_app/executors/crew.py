"""What one worker process has: an event loop in a thread of its own for all handlers at once, and a voice that tells of them."""

from __future__ import annotations

import asyncio
import secrets
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Any

from celery import Celery
from msgspec.structs import replace

from tasks_app.engine.context import Context, Stop
from tasks_app.engine.family import made
from tasks_app.engine.ports import Run, SystemClock
from tasks_app.engine.registry import Kind, Registry, TaskType
from tasks_app.engine.run import raised
from tasks_app.engine.sentences import kept
from tasks_app.engine.task import Outcome, OutcomeKind, Status, Task
from tasks_app.executors import wire
from tasks_app.executors.ledger import LEASE, Taken
from tasks_app.executors.local import LocalExecutor
from tasks_app.executors.poison import MOST_RUNS, poisoned
from tasks_app.executors.told import Told
from tasks_app.executors.voice import Voice

AGAIN = 1.0  # seconds between two tries while the broker is away
OWN_GRACE = 5.0  # seconds past its timeout after which an attempt is stopped here, if its server has not done so
_TIMED_OUT = kept("Timed out after {seconds:g} s")


class Crew:
    """`carry_out` is called by the pool's threads, or the process's only one; `stop` by the voice."""

    def __init__(self, app: Celery, registry: Registry, hostname: str) -> None:
        self._registry = registry
        self._executor = LocalExecutor()
        self._loop = asyncio.new_event_loop()
        self._loop.set_task_factory(made)
        threading.Thread(target=_run_for_ever, args=(self._loop,), name="attempts", daemon=True).start()
        self._runs: dict[str, tuple[Run, str]] = {}
        self._lock = threading.Lock()
        self.voice = Voice(app, hostname, self.stop, self.ended_elsewhere)

    def carry_out(self, call: str, order: wire.Order, tag: str, pool: str) -> None:
        """Run an attempt, unless it has ended or somebody else runs it. Returns when its end is kept; waits for the broker to keep it."""
        token = f"{socket.gethostname()}/{secrets.token_hex(6)}"
        taken = self._taken(call, token)
        if taken.ended is not None:
            self.voice.tell(wire.SETTLED, call, taken.ended)
        elif taken.count:
            self._run_to_end(call, token, order, taken.count, tag, pool)

    def stop(self, call: str, stop: Stop) -> None:
        """Somebody asks an attempt to stop. Any thread; nothing happens if it does not run here."""
        with self._lock:
            found = self._runs.get(call)
        if found is not None:
            self._loop.call_soon_threadsafe(_stop, found[0], stop)

    def ended_elsewhere(self, call: str) -> None:
        """It was ended without us: what runs here is for nothing."""
        self.stop(call, Stop(OutcomeKind.CANCELLED))

    def close(self) -> None:
        """Say what is left to be said."""
        self.voice.close()

    def _taken(self, call: str, token: str) -> Taken:
        """Wait as long as another process says that it runs this: if it is lost, its lease ends."""
        until = time.monotonic() + LEASE + AGAIN
        while True:
            taken: Taken = self._persist(lambda ledger: ledger.take(call, token))
            if not taken.runs or time.monotonic() > until:
                return taken
            time.sleep(AGAIN)

    def _run_to_end(self, call: str, token: str, order: wire.Order, count: int, tag: str, pool: str) -> None:
        began = time.monotonic()
        self.voice.begin(call, token, tag)
        try:
            outcome = poisoned(count - 1) if count > MOST_RUNS else self._outcome(call, token, order, count, pool)
            settled = wire.settled_of(outcome, token, time.monotonic() - began)
            stands = self._persist(lambda ledger: ledger.end(call, settled))
        except BaseException:  # Celery took the pool's thread out of it: nobody runs this any more, and whoever gets it next may
            with suppress(Exception):
                self.voice.ledger().let_go(call, token)
            raise
        finally:
            self.voice.end(call)
        self.voice.tell(wire.SETTLED, call, stands)

    def _outcome(self, call: str, token: str, order: wire.Order, count: int, pool: str) -> Outcome:
        task_type = self._registry.get(order.record.type)
        if pool == "prefork" and task_type.kind is Kind.PROCESS:
            task_type = replace(task_type, kind=Kind.THREAD)  # this process is there for it alone
        self.voice.tell(wire.BEGUN, call, wire.Begun(run=token, delivery=count, pool=pool, force="" if pool == "prefork" else pool))
        done: Future[Outcome] = Future()
        self._loop.call_soon_threadsafe(self._start, call, token, order, task_type, done)
        try:
            return done.result()
        finally:
            with self._lock:
                self._runs.pop(call, None)

    def _start(self, call: str, token: str, order: wire.Order, task_type: TaskType, done: Future[Outcome]) -> None:
        """On the loop."""
        told = Told(self.voice, call, token)
        context = _context(order, task_type, told)
        try:
            task = _task(order)
        except UnicodeError as error:
            _done(context, done, raised(error, context))
            return
        run = self._executor.start(task, task_type, context, partial(_done, context, done))
        with self._lock:
            self._runs[call] = run, token
        if order.record.timeout is not None:
            stop = Stop(OutcomeKind.TIMED_OUT, str(_TIMED_OUT(seconds=order.record.timeout)))
            self._loop.call_later(order.record.timeout + OWN_GRACE, _stop, run, stop)

    def _persist(self, ask: Callable[[Any], Any]) -> Any:
        """Ask the ledger until it answers."""
        while True:
            ledger = None
            with suppress(Exception):  # whatever its client raises while the broker is away
                ledger = self.voice.ledger()
                return ask(ledger)
            self.voice.drop_ledger(ledger)
            time.sleep(AGAIN)


def _run_for_ever(loop: asyncio.AbstractEventLoop) -> None:
    """Whatever a handler does to its loop: others run there too."""
    while True:
        with suppress(SystemExit, KeyboardInterrupt):  # raised by a task that a handler made: asyncio lets them through
            loop.run_forever()


def _stop(run: Run, stop: Stop) -> None:
    if not run.context.cancelled and not run.context.ended:
        run.context.request_stop(stop)
        run.stop()


def _done(context: Context, done: Future[Outcome], outcome: Outcome) -> None:
    context.end()
    if not done.done():
        done.set_result(outcome)


def _task(order: wire.Order) -> Task:
    record = order.record
    return Task(
        id=record.task_id,
        number=record.number,
        type=record.type,
        params=record.params.encode(),
        secrets=order.secrets.encode() if order.secrets is not None else None,
        created_at=record.created_at,
        status=Status.PROCESSING,
    )


def _context(order: wire.Order, task_type: TaskType, told: Told) -> Context:
    record = order.record
    return Context(
        task_id=record.task_id,
        by=record.by,
        number=record.number,
        type=record.type,
        attempt=record.attempt,
        clock=SystemClock(),
        trail=lambda: told,
        report=told.report,
        blocking=task_type.kind is not Kind.ASYNC,
    )
