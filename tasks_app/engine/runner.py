"""Attempts under way: each is started, timed, asked to stop, given its grace, and settled exactly once. All of it on the engine's loop."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from tasks_app.engine.begun import beginning, begun
from tasks_app.engine.bundles import ROUNDS, TOGETHER, Ends, each
from tasks_app.engine.context import Stop
from tasks_app.engine.live import Live, context_of, killed
from tasks_app.engine.ports import Clock, Executor
from tasks_app.engine.query import Query
from tasks_app.engine.queues import Queues
from tasks_app.engine.registry import Registry, TaskType
from tasks_app.engine.reports import Reports
from tasks_app.engine.run import raised
from tasks_app.engine.sentences import kept
from tasks_app.engine.settling import settled
from tasks_app.engine.store import Store
from tasks_app.engine.task import RUNNING, Outcome, OutcomeKind, Status, Task, TaskError, stuck

FORCE_GRACE = 0.25  # seconds a handler has to leave by itself when it is stopped by force
LAST_GRACE = 4.0  # seconds in which handlers clean up at the end of the server, at most: with what follows, it ends within 5
AGAIN = 0.25  # seconds after which a step that failed, for want of memory, is taken again
STUCK_CAP = 16  # handlers that do not stop; past this the server says it is not ready
_STOPPED = str(kept("The server stopped")())
_TIMED_OUT = kept("Timed out after {seconds:g} s")
_ABANDONED = kept("{reason}. Its code could not be stopped and may still be running.")


class Runner:
    """All attempts under way. `freed` is called when a slot becomes free; `when_safe` calls back, on the loop, once a version is safe."""

    def __init__(
        self,
        *,
        store: Store,
        registry: Registry,
        queues: Queues,
        reports: Reports,
        executor: Executor,
        clock: Clock,
        chance: Callable[[], float],
        cancel_grace: float,
        freed: Callable[[], object],
        when_safe: Callable[[int, Callable[[], object]], object],
    ) -> None:
        self._store = store
        self._registry = registry
        self._queues = queues
        self._reports = reports
        self._executor = executor
        self._clock = clock
        self._chance = chance
        self._cancel_grace = cancel_grace
        self._freed = freed
        self._when_safe = when_safe
        self._live: dict[int, Live] = {}
        self._overdue: list[Live] = []  # settled, or without a slot, and maybe still running
        self._ends = Ends(reports, clock, self._settle_all)
        self._empty = asyncio.Event()
        self._empty.set()

    def start(self, next_in_line: Callable[[int], list[int]]) -> bool:
        """Begin the next attempts of pending tasks, a few; `next_in_line` gives numbers, at most so many. Whether there may be more."""
        claimed: list[tuple[Live, Task]] = []
        left, rounds = TOGETHER, ROUNDS
        try:
            with self._store.together():
                while left > 0 and rounds > 0 and (numbers := next_in_line(left)):
                    left -= len(numbers)
                    rounds -= 1
                    self._claim(numbers, claimed)
        finally:  # an error, such as no memory, is told by the loop; those before it have their slots
            if claimed:
                self._begin_when_safe(claimed)
        return left <= 0 or rounds <= 0

    def _claim(self, numbers: Sequence[int], claimed: list[tuple[Live, Task]]) -> None:
        """Those that were cancelled or deleted a moment ago are left out. Raises what the first raised that could not be taken."""
        begin = beginning(at=self._clock.time(), monotonic=self._clock.monotonic())
        fresh = self._store.update_many([(number, begin) for number in numbers])
        each([(task, claimed) for task in fresh], self._claimed)

    def _claimed(self, task: Task, claimed: list[tuple[Live, Task]]) -> None:
        claimed.append((self._taken(task, self._registry.get(task.type)), task))

    def _taken(self, task: Task, task_type: TaskType) -> Live:
        live = Live(task, context_of(task, task_type, self._store, self._reports, self._clock), task_type, self._ends)
        self._live[task.number] = live
        self._empty.clear()
        self._queues.take(live.line, live.share)
        return live

    def _begin_when_safe(self, claimed: Sequence[tuple[Live, Task]]) -> None:
        try:
            if not self._store.catch_up():
                raise MemoryError("The journal has not heard of this yet.")
            self._when_safe(max(task.version for _, task in claimed), partial(each, claimed, self._begin))
        except Exception:
            for one in claimed:
                self._later(AGAIN, one[0], partial(self._begin_when_safe, (one,)))
            raise  # the loop tells of it

    def _begin(self, live: Live, task: Task, *, anew: bool = True) -> None:
        """Run the handler: that it was started is safe by now, so no later process will start it a second time without knowing."""
        if live.settled or live.run is not None:
            return  # stopped meanwhile, or told twice
        try:
            begin = self._executor.start if anew else self._executor.follow
            live.run = begin(task, live.type, live.context, live)
        except Exception as error:  # it promises not to raise; then nothing of the handler has run
            self._settle(live, raised(error, live.context))
            return
        if live.run.elsewhere:
            live.context.when_begun = partial(self._begun_elsewhere, live, task.timeout)
        elif task.timeout is not None:
            self._later(task.timeout, live, partial(self._timed_out, live, task.timeout))

    def _begun_elsewhere(self, live: Live, timeout: float | None) -> None:
        """A worker begins with it now, or begins anew after another one was lost: its time is counted from here."""
        if live.settled or live.context.cancelled:
            return
        for timer in live.timers:
            timer.cancel()
        live.timers = ()
        if timeout is not None:
            self._later(timeout, live, partial(self._timed_out, live, timeout))
        at, monotonic = self._clock.time(), self._clock.monotonic()
        self._reports.last_word(live.number)  # written, if it is on its way just now
        self._reports.forget(live.number)
        self._store.update(live.number, lambda task: begun(task, live.attempt, at=at, monotonic=monotonic))

    def resume(self) -> None:
        """Follow what runs elsewhere since before this process began."""
        for number in self._store.numbers(Query(statuses=RUNNING)):
            task = self._store.by_number(number)
            task_type = task and self._registry.find(task.type)
            if task and task_type and number not in self._live and self._executor.outlives(task.type):
                live = self._taken(task, task_type)
                self._begin(live, task, anew=False)
                if task.status is Status.CANCELLING:
                    self._stop(live, Stop(OutcomeKind.CANCELLED, task.cancel.reason if task.cancel else ""))

    def stop(self, number: int, attempt: int, stop: Stop) -> None:
        """Ask a running attempt to stop; nothing happens when it has ended meanwhile, even if another one has begun."""
        live = self._live.get(number)
        if live is not None and live.attempt == attempt:
            self._stop(live, stop)

    def force(self, number: int, attempt: int) -> None:
        """End an attempt that is being stopped, whether its handler helps or not, in a moment."""
        live = self._live.get(number)
        if live is not None and live.attempt == attempt:
            self._later(FORCE_GRACE, live, partial(self._kill, live))

    async def drain(self, grace: float) -> None:
        """Wait for what runs; stop what is left after `grace` seconds; kill what does not stop. Every attempt is settled on return, but
        those that run elsewhere, which go on."""
        for live in [live for live in self._live.values() if live.run is not None and live.run.elsewhere]:
            self._leave(live)  # the next process follows it, where what was accepted is kept
        if not await self._ended(grace):
            self.cut_short()
            await self._ended(self.last_grace)
        for live in list(self._live.values()):
            self._kill(live)

    def cut_short(self) -> None:
        """Stop all at once, whatever grace is left."""
        for live in list(self._live.values()):
            self._stop(live, Stop(OutcomeKind.INTERRUPTED, _STOPPED))

    @property
    def last_grace(self) -> float:
        """Seconds that handlers get to clean up when the server stops."""
        return min(self._cancel_grace, LAST_GRACE)

    @property
    def stuck(self) -> int:
        """How many handlers were told to stop, had their grace, and may still be running."""
        return sum(1 for live in list(self._overdue) if live.run is not None and live.run.alive)

    @property
    def stuck_too_many(self) -> bool:
        """Whether so many handlers do not stop that the process should be replaced."""
        return self.stuck >= STUCK_CAP

    def heaviest(self, most: int = 3) -> list[tuple[int, Live]]:
        """The attempts whose handlers hold the most memory, with about how many bytes. From any thread; looks at each."""
        held = ((live.run.held(), live) for live in list(self._live.values()) if live.run is not None)
        return heapq.nlargest(most, held, key=lambda one: one[0])

    def __len__(self) -> int:
        return len(self._live)

    def _stop(self, live: Live, stop: Stop) -> None:
        if live.context.cancelled:
            return
        live.context.request_stop(stop)
        if live.run is None:
            self._settle(live, Outcome(kind=stop.kind))  # its handler has not begun
            return
        self._later(self._cancel_grace, live, partial(self._overstayed, live))  # whether it can be told or not
        live.run.stop()

    def _kill(self, live: Live) -> None:
        """End an attempt without its help: kill it, or abandon it and say so."""
        self._ends.settle()
        if live.settled or live.run is None:
            return
        stop = live.context.stop or Stop(OutcomeKind.INTERRUPTED, _STOPPED)
        live.context.request_stop(stop)
        gone = killed(live.run)
        said = stop.reason if gone else str(_ABANDONED(reason=stop.reason or "Stopped"))
        error = TaskError("Timeout" if stop.kind is OutcomeKind.TIMED_OUT else "Abandoned", said)
        told = error if not gone or stop.kind is OutcomeKind.TIMED_OUT else None
        self._settle(live, Outcome(kind=stop.kind, error=told), abandoned=not gone)

    def _settle_all(self, ends: Sequence[tuple[Live, Outcome]], at: float) -> None:
        """Settle attempts that have ended at this moment of the monotonic clock; one by one, if anything goes wrong with all at once."""
        try:
            self._store.settle([(live.number, self._end_of(live, outcome, at)) for live, outcome in ends if not live.settled])
        except Exception:
            each(ends, partial(self._settle, at=at))
        else:
            for live, _ in ends:
                self._gone(live)

    def _settle(self, live: Live, outcome: Outcome, at: float | None = None, *, abandoned: bool = False) -> None:
        if live.settled:
            return  # a late word of an attempt that was given up
        try:
            self._store.settle([(live.number, self._end_of(live, outcome, at, abandoned=abandoned))])
        except Exception:
            self._later(AGAIN, live, partial(self._settle, live, outcome, at, abandoned=abandoned))
            raise  # the loop tells of it
        self._gone(live, abandoned=abandoned)

    def _end_of(self, live: Live, outcome: Outcome, at: float | None, *, abandoned: bool = False) -> Callable[[Task], Task | None]:
        """The change of its record, for the store to make. What its handler says from now on is not heard."""
        live.context.end()
        said = self._reports.last_word(live.number)
        return partial(settled, said, outcome, live.type, at, self._clock, self._chance, abandoned)

    def _gone(self, live: Live, *, abandoned: bool = False) -> None:
        """It is settled."""
        if live.settled:
            return
        self._reports.forget(live.number)
        if not abandoned:
            live.run = None  # which knows of this record: what goes round in circles waits for the garbage collector
        elif live not in self._overdue:
            self._overdue.append(live)
        self._leave(live)
        self._give_back(live)

    def _leave(self, live: Live) -> None:
        """It is under way here no longer."""
        live.settled = True
        for timer in live.timers:
            timer.cancel()
        del self._live[live.number]
        if not self._live:
            self._empty.set()

    def _timed_out(self, live: Live, seconds: float) -> None:
        self._stop(live, Stop(OutcomeKind.TIMED_OUT, str(_TIMED_OUT(seconds=seconds))))

    def _overstayed(self, live: Live) -> None:
        if live.settled:
            return
        self._overdue = [other for other in self._overdue if other.run is not None and other.run.alive] + [live]
        if self._shown_stuck(live):
            self._give_back(live)
        else:
            self._kill(live)

    def _shown_stuck(self, live: Live) -> bool:
        """Whether somebody can see that it does not stop, and press Force stop: not when it was deleted, timed out, or the server stops."""
        if live.context.stop is None or live.context.stop.kind is not OutcomeKind.CANCELLED:
            return False
        return self._store.update(live.number, lambda task: stuck(task) if task.status is Status.CANCELLING else None) is not None

    def _give_back(self, live: Live) -> None:
        if live.has_slot:
            live.has_slot = False
            self._queues.give_back(live.line, live.share)
            self._freed()

    def _later(self, seconds: float, live: Live, call: Callable[[], object]) -> None:
        live.timers += (asyncio.get_running_loop().call_later(seconds, call),)

    async def _ended(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._empty.wait(), seconds)
        return self._empty.is_set()
