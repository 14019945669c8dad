"""One attempt at the workers, as its server sees it: sent, begun, asked to stop, ended once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from tasks_app.engine.context import Context
from tasks_app.engine.run import raised
from tasks_app.engine.sentences import kept
from tasks_app.engine.task import Outcome, OutcomeKind, TaskError
from tasks_app.executors import wire
from tasks_app.executors.link import Link
from tasks_app.executors.outbox import Outbox
from tasks_app.executors.poison import MOST_RUNS, poisoned

Settle = Callable[[Outcome], Any]
_WAITS = kept("Waits for a Celery worker")
_AGAIN = kept("Taken up again by {worker}: the worker that ran it before is gone.")
_LOST = kept("The worker that ran this is gone. It was sent again.")
_UNKNOWN = kept("The Celery workers do not know the task type {name!r}.")
_REVOKED = kept("It was revoked at the broker.")
_NEVER_SENT = kept("It could not be sent to the workers: {error}")


class Call:
    """A Run. `heard` and `runs_as` may be called from any thread, what takes a link by the outbox, all else on the engine's loop."""

    elsewhere = True

    def __init__(
        self,
        order: wire.Order,
        context: Context,
        settle: Settle,
        outbox: Outbox,
        loop: asyncio.AbstractEventLoop,
        monotonic: Callable[[], float],
        *,
        followed: bool = False,
    ) -> None:
        self.id = wire.call_id(order.record.task_id, order.record.attempt)
        self.context = context
        self.force = ""  # why it cannot be ended by force, where it cannot
        self.run = ""  # the token of whoever runs it
        self.settled = False
        self.ended: wire.Settled | None = None  # how it ended at the worker, once that is known
        self.gone = False  # it was given up, and nothing was heard of it for long
        self.sent = followed  # by an earlier process: what became of it is to be asked
        self.losses = 0
        self.unsure = followed  # whether it was ever sent
        self.revoked_at: float | None = None  # where nobody can be asked whether it runs: it is cancelled unless it is heard to run
        self.sent_at = self.heard_at = float("-inf") if followed else monotonic()
        self._followed = followed
        self._ran = False
        self._order = order
        self._settle = settle
        self._outbox = outbox
        self._loop = loop
        self._monotonic = monotonic

    # -- the engine's side

    def send(self) -> None:
        """Have it sent."""
        self.context.progress(message=str(_WAITS()))
        self._outbox.put(self.id, self._send, self._never_sent)

    def stop(self) -> None:
        """Take it back if nobody runs it, else ask whoever does."""
        if not self.sent and self._outbox.take_back(self.id):
            self._settle_here(raised(asyncio.CancelledError(), self.context))
        else:
            self._outbox.put(self.id, self._take_back_or_stop)

    def kill(self) -> bool:
        """End its process where the worker's pool has one for it alone; what cannot be ended is left to itself, its end is not heard."""
        if self.settled or (not self.sent and self._outbox.take_back(self.id)):
            return True
        self._outbox.put(self.id, self._kill)
        return not self.force

    @property
    def launched(self) -> wire.Launched:
        """What others who follow the cluster are told of it."""
        return wire.Launched(record=self._order.record)

    @property
    def alive(self) -> bool:
        """Whether its code may still be running, as far as anybody told."""
        return self.ended is None and not self.gone and not (self.settled and not self.force)

    def held(self) -> int:
        """Nothing of this process."""
        return 0

    # -- over the link

    def _send(self, link: Link) -> None:
        if not self.settled:
            link.tell(wire.LAUNCHED, self.id, self.launched)
            link.send(self.id, self._order)
            self.sent_at = self.heard_at = self._monotonic()
            self.sent = True

    def send_again(self, link: Link) -> None:
        """Nobody has it any more. One that was to stop has."""
        if self.context.stop is not None:
            self.run = ""
            self._take_back_or_stop(link)
            return
        if self.run:
            self.losses += 1
            link.ledger.let_go(self.id, self.run)
            self.run = ""  # it waits again
            if self.losses >= MOST_RUNS:
                self._give_up(link)
                return
            self.context.log(_LOST(), "warning")
        self._outbox.put(self.id, self._send_anew, self._never_sent)
        self.sent_at = self.heard_at = self._monotonic()
        self.unsure = False

    def _send_anew(self, link: Link) -> None:
        if not self.settled:
            link.send(self.id, self._order)
            self.sent_at = self.heard_at = self._monotonic()

    def stop_again(self, link: Link) -> None:
        """Say once more that it is to stop."""
        stop = self.context.stop
        if stop is not None:
            link.stop(self.id, stop.kind.value, stop.reason)

    def _take_back_or_stop(self, link: Link) -> None:
        if self.settled:
            return
        if not link.ledger.shared:
            link.revoke(self.id)
            self.stop_again(link)
            self.revoked_at = self._monotonic()
            return
        stopped = raised(asyncio.CancelledError(), self.context)
        word = link.ledger.withdraw(self.id, wire.settled_of(stopped, "", 0.0))
        if word == "withdrawn":
            link.revoke(self.id)
            self._from_outside(stopped)
        elif word == "runs":
            self.stop_again(link)
        else:
            self.heard_at = float("-inf")

    def taken_back(self) -> None:
        """It was revoked, and nobody was heard to run it."""
        self._from_outside(raised(asyncio.CancelledError(), self.context))

    def _kill(self, link: Link) -> None:
        link.ledger.end(self.id, wire.settled_of(raised(asyncio.CancelledError(), self.context), self.run, 0.0))
        self.stop_again(link)
        link.revoke(self.id, by_force=not self.force)

    def _give_up(self, link: Link) -> None:
        given_up = poisoned(self.losses)
        link.ledger.end(self.id, wire.settled_of(given_up, self.run, 0.0))
        link.revoke(self.id)
        self._from_outside(given_up)

    def _never_sent(self, error: BaseException) -> None:
        told = TaskError("NotSent", str(_NEVER_SENT(error=f"{type(error).__name__}: {error}"[:300])))
        self._from_outside(Outcome(kind=OutcomeKind.FAILED, error=told, retry=False))

    # -- what is heard

    def heard(self, said: Any, worker: str) -> None:
        """A word of ours, or one of Celery's own events. In the order in which it is told."""
        self.heard_at = self._monotonic()
        self._on_loop(partial(self._hear, said, worker))

    def runs_as(self, token: str) -> None:
        """Somebody runs it, as the ledger says; that it began was not heard."""
        self.heard(wire.Begun(run=token, force=self.force), "")

    def _hear(self, said: Any, worker: str) -> None:
        if isinstance(said, wire.Settled):
            self._heard_end(said)
        elif isinstance(said, wire.Begun):
            self._heard_begin(said, worker)
        elif isinstance(said, wire.Progressed | wire.Logged | wire.Measured):
            self._heard_of_run(said)
        elif isinstance(said, dict):
            self._heard_celery(said)

    def _heard_begin(self, said: wire.Begun, worker: str) -> None:
        again = self._ran
        if said.run == self.run:
            self.force = said.force or self.force
            return
        self._ran = True
        self.run, self.force, self.sent = said.run, said.force, True
        if again and worker:
            self.context.log(_AGAIN(worker=worker), "warning")
        if self._followed:
            self._followed = False  # it began long ago
        elif not self.settled:
            self.context.begin()

    def _heard_of_run(self, said: wire.Progressed | wire.Logged | wire.Measured) -> None:
        if said.run != self.run or self.context.ended:
            return  # an earlier run that is not quite gone
        if isinstance(said, wire.Progressed):
            self.context.progress(said.current, said.total, said.message)
            return
        began = time.time() - self.context.seconds
        trail, attempt = self.context.trail, self.context.attempt
        if isinstance(said, wire.Logged):
            for line in said.lines:
                trail.log(at=began + line.seconds, seconds=line.seconds, attempt=attempt, level=line.level, text=line.text)
        else:
            for one in said.values:
                trail.measure(one.name, one.value, seconds=one.seconds, unit=one.unit, attempt=attempt)

    def _heard_end(self, said: wire.Settled) -> None:
        if self.ended is None:
            self.ended = said
            self._from_outside(self._meant(said))

    def _meant(self, said: wire.Settled) -> Outcome:
        """A stop that was asked for here has the reason that was given here."""
        outcome = wire.outcome_of(said)
        stop = self.context.stop
        return raised(asyncio.CancelledError(), self.context) if stop is not None and stop.kind is outcome.kind else outcome

    def _heard_celery(self, event: dict[str, Any]) -> None:
        """What Celery says by itself: received, started, and how its own part of it failed."""
        kind, exception = event.get("type"), str(event.get("exception", ""))[:300]
        if kind == "task-failed" and "WorkerLostError" in f"{exception} {event.get('traceback')}":
            self._outbox.put(self.id, partial(self._lost, self.run))
        elif kind == "task-failed":
            name = self._order.record.type
            unknown = exception.startswith("NotRegistered")
            error = TaskError("UnknownType", str(_UNKNOWN(name=name))) if unknown else TaskError("WorkerFailed", exception)
            self._from_outside(Outcome(kind=OutcomeKind.FAILED, error=error))
        elif kind == "task-revoked" and self.context.stop is not None:
            self.taken_back()
        elif kind == "task-revoked":
            error = TaskError("Revoked", str(_REVOKED()))
            self._from_outside(Outcome(kind=OutcomeKind.CANCELLED, error=error))

    def _lost(self, run: str, link: Link) -> None:
        """The process that ran it is gone, and the worker has said so: its message is gone too."""
        if self.settled or run != self.run:
            return
        found = link.ledger.find([self.id])[0]
        if found.ended is not None:
            self._heard_end(found.ended)
        elif self.context.stop is not None:
            self._from_outside(raised(asyncio.CancelledError(), self.context))
        else:
            self.run = self.run or found.runs
            self.send_again(link)

    def _from_outside(self, outcome: Outcome) -> None:
        self._on_loop(partial(self._settle_here, outcome))

    def _settle_here(self, outcome: Outcome) -> None:
        if not self.settled:
            self.settled = True
            self._settle(outcome)

    def _on_loop(self, call: Callable[[], object]) -> None:
        with suppress(RuntimeError):  # the loop has closed: the process ends
            self._loop.call_soon_threadsafe(call)
