"""The engine: submit, cancel, retry, rerun, delete, pause, limits, drain. Every method may be called from any thread."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial

from tasks_app.engine.abroad import elsewhere, refuse_force, refuse_foreign
from tasks_app.engine.admission import Admission
from tasks_app.engine.arrivals import Arrivals
from tasks_app.engine.context import Stop
from tasks_app.engine.dispatcher import Dispatcher
from tasks_app.engine.errors import Draining, JournalFailed, NothingKept, NotWritten
from tasks_app.engine.idempotency import Keys
from tasks_app.engine.ids import new_id
from tasks_app.engine.intake import Intake
from tasks_app.engine.launch import LaunchRequest
from tasks_app.engine.leaving import interrupt_waiting
from tasks_app.engine.limits import Limits
from tasks_app.engine.ports import Abroad, Clock, Executor, Journal, ahead_note, nothing_more
from tasks_app.engine.queues import Queue, Queues
from tasks_app.engine.recovery import taken_up
from tasks_app.engine.registry import Registry
from tasks_app.engine.reports import Reports
from tasks_app.engine.runner import Runner
from tasks_app.engine.sentences import kept
from tasks_app.engine.series import Series
from tasks_app.engine.stats import Stats
from tasks_app.engine.store import Store
from tasks_app.engine.task import OutcomeKind, Status, Task, cancel_asked, retried
from tasks_app.engine.together import Together
from tasks_app.engine.undo import Undo
from tasks_app.engine.waiting import Waiting, why_waiting

LAST_SECONDS = 2.0  # that what is to happen at the end has, however long the tasks took
_CANCELLED_BY = kept("Cancelled by {name}")


class Engine:
    """Accepts tasks and sees them through."""

    def __init__(
        self,
        *,
        store: Store,
        registry: Registry,
        executor: Executor,
        journal: Journal,
        clock: Clock,
        limits: Limits,
        new_id: Callable[[], str] = new_id,
        chance: Callable[[], float] = random.random,
        room: Callable[[], str] = str,
    ) -> None:
        self.store = store
        self.registry = registry
        self.executor = executor
        self.journal = journal
        self.clock = clock
        self.limits = limits
        self.admission = Admission(store, journal, limits, room)
        self.stats = Stats(clock)
        self.queues = Queues(store, registry, limits)
        self.reports = Reports(store, clock)
        self.runner = self._made_runner(chance)
        self._dispatcher = self._made_dispatcher()
        self.each_tick = self._dispatcher.each_tick.append  # calls, on the engine's loop several times a second; they must be quick
        self._undo = Undo(
            store, clock, stop=partial(self._dispatcher.call, self.runner.stop), admit=self._admit, back=self._dispatcher.wake, room=room
        )
        self._arrivals = Arrivals(store, journal, self.admission, admit=self._admit, taken=self._dispatcher.wake, withdraw=self.delete)
        self.each_tick(self._undo.make_room)
        self.at_end: Callable[[float], Awaitable[object]] = nothing_more  # awaited with the seconds there are, once every task is settled
        self.draining = self.drained = False
        self.abroad: Abroad | None = None  # where tasks run that are only watched here
        self._intake = Intake(store, registry, clock, new_id, limits.timeout, signs=limits.signs)
        self._keys = Keys()
        self.together = Together(self._intake, clock, self.submit_once, self._take_in, self.admission)
        self._recover()
        store.listen(journal.record, only_own=True)
        store.listen(self.stats.listen)

    def _made_runner(self, chance: Callable[[], float]) -> Runner:
        return Runner(
            store=self.store,
            registry=self.registry,
            queues=self.queues,
            reports=self.reports,
            executor=self.executor,
            clock=self.clock,
            chance=chance,
            cancel_grace=self.limits.cancel_grace,
            freed=lambda: self._dispatcher.freed(),  # noqa: PLW0108 - it is made after this
            when_safe=self._when_safe,
        )

    def _made_dispatcher(self) -> Dispatcher:
        return Dispatcher(
            store=self.store,
            queues=self.queues,
            reports=self.reports,
            clock=self.clock,
            limits=self.limits,
            begin=self.runner.start,
            may_start=self._may_start,
        )

    def _recover(self) -> None:
        left = taken_up(self.journal, self.store, self.registry, self.clock, self.executor.outlives, self.limits.keep_finished)
        self.recovered, self.restart, self.ended_with_the_last = left.records, left.restart, left.ended
        self._keys.restore(left.tasks)
        self.stats.restore(left.tasks)

    async def start(self) -> None:
        """Begin to run tasks, on the loop that calls."""
        self.runner.resume()
        self._dispatcher.start()

    def begin_drain(self) -> None:
        """Refuse new work from now on."""
        self.draining = True

    async def drain(self, grace: float) -> None:
        """Refuse new work, let running tasks end for `grace` seconds, stop the rest and settle every one. Call on the engine's loop."""
        self.begin_drain()
        until = self.clock.monotonic() + grace
        await self.runner.drain(grace)
        self._dispatcher.stop_timers()
        self.reports.flush()
        self.store.deleted.clear()
        if not self.journal.durable:
            await interrupt_waiting(self.store, self.clock.time())
        await self.at_end(max(LAST_SECONDS, until - self.clock.monotonic()))
        await self.executor.close()
        with contextlib.suppress(JournalFailed):  # the journal has said so
            await self.journal.settled(self.store.version)
        self._dispatcher.stop()
        self.drained = True

    # -- asking

    def submit(self, request: LaunchRequest, *, by: str = "", via: str = "", rerun_of: str | None = None) -> Task:
        """Accept a task. Raises UnknownType, NotLaunchable, InvalidParams, IdempotencyConflict, WaitingFull, Draining."""
        return self.submit_once(request, by=by, via=via, rerun_of=rerun_of)[0]

    def submit_once(self, request: LaunchRequest, *, by: str = "", via: str = "", rerun_of: str | None = None) -> tuple[Task, bool]:
        """The same, and whether the task is new (False: its idempotency key was used before with the same request)."""
        if request.idempotency_key is None:
            task = self._intake.record(request, by=by, via=via, rerun_of=rerun_of)
            self._take_in([task])
            return task, True
        with self._keys.lock:
            known = self._keys.find(by, request.idempotency_key, request.fingerprint(), self.store)
            if known is not None:
                return known, False
            task = self._intake.record(request, by=by, via=via, rerun_of=rerun_of)
            self._take_in([task])
            self._keys.remember(by, request.idempotency_key, request.fingerprint(), task.id)
            return task, True

    def submit_numbered(self, request: LaunchRequest, series: Series, *, by: str = "", via: str = "") -> Task:
        """Accept a task that gets a number in a series as well. Raises as submit does; what is refused uses up no number."""
        self.store.series.open(series)
        return self._take_in([self._intake.record(request, by=by, via=via, series=series)])[0]

    def submit_unoffered(self, request: LaunchRequest, *, by: str = "", via: str = "") -> Task:
        """Accept a task of a type that is not offered for launch. Raises as submit does."""
        return self._take_in([self._intake.record(request, by=by, via=via, own=True)])[0]

    def submit_own(self, request: LaunchRequest, *, by: str = "", via: str = "") -> Task:
        """Accept a task of the server's own, such as one that makes room: the limit of waiting tasks does not hold it up.
        Raises InvalidParams, Draining."""
        task = self._intake.record(request, by=by, via=via, own=True)
        self.store.add([task], admit=lambda: self._admit(0))
        self._dispatcher.wake()
        return task

    def submit_many(self, requests: Sequence[LaunchRequest], *, by: str = "", via: str = "") -> list[Task]:
        """Accept all or none. Raises as submit does; fields are named `tasks.<index>.…`. Idempotency keys are refused here."""
        return self._take_in(self._intake.records(requests, by=by, via=via))

    async def submit_slowly(self, requests: Sequence[LaunchRequest], *, by: str = "", via: str = "") -> list[Task]:
        """The same for a caller with an event loop of its own, which is not held up by what has to be looked at, and to be taken in."""
        return await self._arrivals.take_in(await self._intake.records_slowly(requests, by=by, via=via), by)

    def cancel(self, task_id: str, *, by: str = "", reason: str = "", force: bool = False) -> Task:
        """Ask a task to stop; one that waits is cancelled at once. Asking again changes nothing, but `force` ends a handler that does not
        stop by itself, or abandons it. Raises NotFound, and IllegalTransition for a task that has ended."""
        at, monotonic = self.clock.time(), self.clock.monotonic()
        found = self.store.get(task_id)
        if found.foreign is not None:
            return elsewhere(self.abroad).cancel(found, by=by, reason=reason, force=force)
        number = found.number
        if force:
            refuse_force(self.executor.why_no_force(found))
        asked = partial(cancel_asked, by=by, reason=reason, at=at, monotonic=monotonic, forced=force)
        task = self.store.update(number, asked) or self.store.get(task_id)
        if task.status is Status.CANCELLING:
            said = str(_CANCELLED_BY(name=by)) if by else "Cancelled"
            self._dispatcher.call(self.runner.stop, number, task.attempt_number, Stop(OutcomeKind.CANCELLED, said))
            if force:
                self._dispatcher.call(self.runner.force, number, task.attempt_number)
        return task

    def cancel_ahead(self, series: Series, serial: int) -> bool:
        """Have the task that will get this number in a series cancelled as soon as it does; False when the number was given out already."""
        self.store.series.open(series)
        if not self.store.series.cancel_ahead(series.name, serial):
            return False
        self.journal.note(ahead_note(series.name, serial), 1)
        return True

    def retry(self, task_id: str) -> Task:
        """Give a failed, cancelled or interrupted task another go. Raises NotFound, IllegalTransition, WaitingFull, Draining."""
        number, at = self.store.get(task_id).number, self.clock.time()
        task = self.store.update(number, lambda t: self._retried(t, at))
        self._dispatcher.wake()
        return task or self.store.get(task_id)

    def rerun(self, task_id: str, *, by: str = "", via: str = "") -> Task:
        """A new task like this one. Raises NotFound, UnknownType, NotLaunchable, WaitingFull, Draining."""
        new = self._intake.again(refuse_foreign(self.store.get(task_id)), by=by, via=via)
        self._take_in([new])
        return new

    def delete(self, task_id: str, *, by: str = "", batch: str = "") -> Task:
        """Remove a task; one that runs is stopped. Its last record. For a moment it can be restored. Raises NotFound."""
        return self._undo.delete(task_id, by=by, batch=batch)

    def restore(self, task_id: str) -> Task:
        """Undo a delete. Raises NotFound when it is too late, Conflict, WaitingFull, ShareFull, Draining: see Undo."""
        return self._undo.restore(task_id)

    def pause(self, type_name: str, *, by: str = "") -> Queue:
        """Start no more tasks of a type; those that run go on. Raises UnknownType."""
        self.registry.get(type_name)
        self.queues.pause(type_name, by=by, at=self.clock.time())
        return self.queues.get(type_name)

    def resume(self, type_name: str) -> Queue:
        """Start tasks of a type again. Raises UnknownType."""
        self.registry.get(type_name)
        self.queues.resume(type_name)
        self._dispatcher.wake()
        return self.queues.get(type_name)

    def set_concurrency(self, type_name: str, concurrency: int | None) -> Queue:
        """How many tasks of a type may run at once, None for no limit of its own. Raises UnknownType, InvalidValue."""
        self.registry.get(type_name)
        self.queues.limit(type_name, concurrency)
        self._dispatcher.wake()
        return self.queues.get(type_name)

    async def safe(self) -> None:
        """Return when all that was done until now will outlive the process, where a journal is kept. Raises NotWritten, NothingKept."""
        if not self.store.catch_up():
            raise NothingKept
        try:
            await self.journal.settled(self.store.version)
        except JournalFailed as error:
            raise NotWritten from error

    def flush_progress(self, among: Collection[int] | None = None) -> None:
        """Bring what handlers reported into the store now, of these tasks only where some are named; readers about to look call it."""
        self.reports.flush(among)

    def waiting(self, task: Task) -> Waiting | None:
        """Why a task waits and for how long, None when it does not."""
        return why_waiting(
            task, self.store, self.registry, self.queues, self.stats, now=self.clock.time(), monotonic=self.clock.monotonic()
        )

    # -- inside

    def _take_in(self, tasks: Sequence[Task]) -> list[Task]:
        kept = self.store.add(tasks, admit=lambda: self._admit(len(tasks), tasks[0].by if tasks else ""))
        self._dispatcher.wake()
        return kept

    def _retried(self, task: Task, at: float) -> Task:
        refuse_foreign(task)
        self._admit(1, task.by)
        return retried(task, at=at)

    def _admit(self, more: int, by: str = "") -> None:
        if self.draining:
            raise Draining
        self.admission.check(more, by)

    def _when_safe(self, version: int, call: Callable[[], object]) -> None:
        if self.journal.durable:
            self.journal.when_settled(version, lambda _: self._dispatcher.call(call), patient=True)
        else:
            call()

    def _may_start(self) -> bool:
        return not self.draining and not self.journal.trouble
