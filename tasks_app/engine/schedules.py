"""Schedules: tasks that come again by themselves. Kept in the journal where there is one; looked at on every tick of the engine."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from msgspec.structs import replace

from tasks_app.engine import cron
from tasks_app.engine.engine import Engine
from tasks_app.engine.errors import Conflict, EngineError, InvalidValue, NotFound, Unavailable
from tasks_app.engine.events import Change
from tasks_app.engine.gone import Gone
from tasks_app.engine.schedule import UNREADABLE, Run, Schedule, ScheduleRequest, due_by, launch_of, made_up, next_of, with_end
from tasks_app.engine.schedule_records import CONTENT, described, read, written
from tasks_app.engine.sentences import say
from tasks_app.engine.task import TERMINAL, Task

MOST = 1_000  # schedules, where nobody says otherwise
A_TURN = 50  # schedules that are run in one turn, so that the engine's loop has its own turns; the next tick goes on
RUNS = 12  # that each remembers
JUMP = 30.0  # seconds by which the wall clock goes another way than the monotonic one: it was set
LATE = 60.0  # seconds behind its time from which on a run counts as missed though the server was there: it could not begin it
VIA = "schedule"
DELETED = "deleted"
_PREFIX = "schedule:"  # of records in the journal


class Schedules:
    """All schedules of an engine. Methods may be called from any thread; runs begin on the engine's loop."""

    def __init__(self, engine: Engine, records: Mapping[str, bytes], new_id: Callable[[], str], most: int = MOST) -> None:
        self._engine = engine
        self._new_id = new_id
        self.most = most
        self.told: Callable[[Schedule, Task], object] = lambda _schedule, _task: None  # hears of each task that a time has launched
        self._lock = threading.RLock()
        self._all: dict[str, Schedule] = {}
        self._gone = Gone(engine.clock.monotonic)
        self._going: dict[str, str] = {}  # schedules by the ids of their tasks that have not ended
        self._offset = engine.clock.time() - engine.clock.monotonic()
        self._began = -math.inf  # when the first turn was: what was due by then was missed, as there was no server
        self._turned = False
        self.unreadable = 0  # records of the journal that this version does not understand; they stay there
        self._restore(records)
        engine.store.listen(self._listen)
        engine.each_tick(self.turn)

    # -- reading

    def all(self) -> list[Schedule]:
        """In order of creation."""
        with self._lock:
            return list(self._all.values())

    def get(self, schedule_id: str) -> Schedule:
        """Raises NotFound."""
        found = self._all.get(schedule_id)
        if found is None:
            raise NotFound(say("There is no schedule with this id."))
        return found

    def next_due(self) -> float | None:
        """When the next one is due."""
        with self._lock:
            return min((one.next_at for one in self._all.values() if one.next_at is not None and one.paused_at is None), default=None)

    # -- changing

    def add(self, request: ScheduleRequest, *, by: str = "", schedule_id: str = "") -> Schedule:
        """Take one in; with an id of the caller's, only once. Raises UnknownType, NotLaunchable, InvalidParams, Conflict when there are
        too many."""
        now = self._engine.clock.time()
        made = replace(self._described(request), id=schedule_id or self._new_id(), by=by, created_at=now)
        with self._lock:
            if made.id in self._all:
                return self._all[made.id]
            self._make_sure_of_room()
            return self._put(replace(made, next_at=cron.following(made.cron, made.timezone, now)))

    def change(self, schedule_id: str, request: ScheduleRequest) -> Schedule:
        """Put another content in its place; its runs, and whether it is paused, stay. Raises as add and get do."""
        made, now = self._described(request), self._engine.clock.time()
        with self._lock:
            fields = {field: getattr(made, field) for field in CONTENT}
            return self._put(replace(self.get(schedule_id), **fields, next_at=cron.following(made.cron, made.timezone, now), trouble=""))

    def pause(self, schedule_id: str, *, by: str = "") -> Schedule:
        """Launch nothing until it goes on. Raises NotFound."""
        with self._lock:
            found = self.get(schedule_id)
            return found if found.paused_at is not None else self._put(replace(found, paused_at=self._engine.clock.time(), paused_by=by))

    def resume(self, schedule_id: str) -> Schedule:
        """Go on with the next time that comes: what passed meanwhile was not missed. Raises NotFound."""
        with self._lock:
            found = self.get(schedule_id)
            if found.paused_at is None:
                return found
            next_at = cron.following(found.cron, found.timezone, self._engine.clock.time())
            return self._put(replace(found, paused_at=None, paused_by="", next_at=next_at, trouble=""))

    def run_now(self, schedule_id: str, *, by: str = "") -> Task:
        """Launch its task at once, beside its times. Raises as Engine.submit does, NotFound."""
        found = self.get(schedule_id)
        task = self._engine.submit(launch_of(found), by=by, via=VIA)
        self._ran(schedule_id, Run(task.created_at, task.id))
        return task

    def delete(self, schedule_id: str) -> Schedule:
        """Forget it; its tasks stay. For ten seconds it can be put back. Raises NotFound."""
        with self._lock:
            found = self.get(schedule_id)
            del self._all[schedule_id]
            self._gone.put(found)
            for task in [task for task, owner in self._going.items() if owner == schedule_id]:
                del self._going[task]
            self._engine.journal.put(_PREFIX + schedule_id, None)
            return found

    def deleted(self, schedule_id: str) -> Schedule | None:
        """One that was deleted and can still be put back."""
        with self._lock:
            return self._gone.find(schedule_id)

    def restore(self, schedule_id: str) -> Schedule:
        """Put back one that was deleted less than ten seconds ago, as it was and where it was: a time that came meanwhile is run.
        Raises NotFound when it is too late, Conflict when there are too many."""
        with self._lock:
            if schedule_id in self._all:
                return self._all[schedule_id]
            found = self._gone.find(schedule_id)
            if found is None:
                raise NotFound(say("This schedule was deleted too long ago to be put back."))
            self._make_sure_of_room()
            self._gone.take(schedule_id)
            self._all = dict(sorted({**self._all, found.id: found}.items(), key=lambda pair: (pair[1].created_at, pair[0])))
            self._put(found)
            self._catch_up_with(found)
            return self._all[schedule_id]

    # -- running

    def turn(self) -> None:
        """Launch what is due. Called on the engine's loop, on every tick."""
        now = self._engine.clock.time()
        with self._lock:
            self._gone.forget()
        self._after_a_jump(now)
        if not self._turned:
            self._turned, self._began = True, now
        due = self.next_due()
        if due is None or due > now or self._engine.draining:
            return
        ready = [found for found in self.all() if found.paused_at is None and found.next_at is not None and found.next_at <= now]
        for found in sorted(ready, key=lambda one: one.next_at or 0.0)[:A_TURN]:
            self._fire(found, now)

    def _after_a_jump(self, now: float) -> None:
        """The wall clock was set: what was due at a time that was wrong is looked for anew."""
        offset = now - self._engine.clock.monotonic()
        if abs(offset - self._offset) < JUMP:
            return
        self._offset = offset
        self._began = min(now, self._began)
        for found in self.all():
            sooner = next_of(found, now)
            if sooner is not None and (found.next_at is None or found.next_at > sooner):
                self._changed(found.id, lambda one, at=sooner: replace(one, next_at=at))  # type: ignore[misc]

    def _fire(self, found: Schedule, now: float) -> None:
        """Run one that is due. Whatever is wrong with it is said of it, and is no other's affair."""
        try:
            dues, are_more = due_by(found, now)
        except InvalidValue as error:  # its time zone is not known here any more
            said = str(error.message)
            self._changed(found.id, lambda one: replace(one, next_at=None, trouble=said))
            return
        missed = [due for due in dues if due <= self._began or now - due > LATE]
        try:
            runs, trouble = self._begun(found, made_up(found.missed, dues) if missed else dues)
        except Unavailable as error:  # the next tick tries again, until it counts as missed
            self._say(found, str(error.message))
            return
        told = {"missed_from": missed[0], "caught_up": now} if missed else {}
        left_out = {"missed_count": found.missed_count + len(dues) - len(runs), "missed_more": found.missed_more or are_more}
        self._changed(found.id, lambda one: replace(one, next_at=next_of(found, now), trouble=trouble, **left_out, **told))
        for run in runs:
            self._ran(found.id, run)

    def _begun(self, found: Schedule, dues: Sequence[float]) -> tuple[list[Run], str]:
        """Runs for these times, or why there are none. Raises Unavailable."""
        try:
            return [self._launched(found, due) for due in dues], ""
        except Unavailable:
            raise
        except EngineError as error:
            return [], str(error.message)
        except Exception as error:  # the type's own code
            return [], str(UNREADABLE(why=type(error).__name__))

    def _say(self, found: Schedule, trouble: str) -> None:
        if found.trouble != trouble:
            self._changed(found.id, lambda one: replace(one, trouble=trouble))

    def _launched(self, found: Schedule, due: float) -> Run:
        """The same time is never run twice: after a crash between the launch and the note of it, its key finds the task."""
        task, new = self._engine.submit_once(launch_of(found, f"{_PREFIX}{found.id}:{due:.0f}"), by=found.by, via=VIA)
        if new:
            self.told(found, task)
        return Run(due, task.id)

    def _ran(self, schedule_id: str, run: Run) -> None:
        with self._lock:
            self._going[run.task] = schedule_id  # before it is looked at: an end that comes meanwhile is heard of after
            task = self._engine.store.find(run.task)
            if task is None or task.status in TERMINAL:
                del self._going[run.task]
                run = replace(run, status=task.status.value if task is not None else DELETED)
            self._changed(schedule_id, lambda one: replace(one, runs=(*one.runs, run)[-RUNS:], run_count=one.run_count + 1))

    def _listen(self, changes: Sequence[Change]) -> None:
        """Under the store's lock; nobody asks for that one under ours."""
        if not self._going:
            return
        with self._lock:
            for change in changes:
                task = change.task
                if task.id in self._going and (change.after is None or task.status in TERMINAL):
                    status = task.status.value if task.status in TERMINAL else DELETED
                    self._changed(self._going.pop(task.id), partial(with_end, task_id=task.id, status=status))

    # -- inside

    def _described(self, request: ScheduleRequest) -> Schedule:
        return described(request, self._engine.registry, signs=self._engine.limits.signs)

    def _changed(self, schedule_id: str, change: Callable[[Schedule], Schedule]) -> None:
        with self._lock:
            found = self._all.get(schedule_id)
            if found is not None:
                self._put(change(found))

    def _put(self, schedule: Schedule) -> Schedule:
        self._all[schedule.id] = schedule
        self._engine.journal.put(_PREFIX + schedule.id, written(schedule))
        return schedule

    def _make_sure_of_room(self) -> None:
        if len(self._all) >= self.most:
            raise Conflict(say("There are {most:,} schedules, which is as many as there may be.", most=self.most))

    def _restore(self, records: Mapping[str, bytes]) -> None:
        found = [read(record) for name, record in records.items() if name.startswith(_PREFIX)]
        self.unreadable = sum(schedule is None for schedule in found)
        for schedule in sorted(filter(None, found), key=lambda one: (one.created_at, one.id)):
            due = schedule.next_at
            again = next_of(schedule, self._engine.clock.time()) if due is None else due  # its zone may be known again
            self._all[schedule.id] = replace(schedule, next_at=again)
            self._catch_up_with(schedule)

    def _catch_up_with(self, schedule: Schedule) -> None:
        """Look at what became of the runs whose end is not known."""
        for run in schedule.runs:
            task = None if run.status else self._engine.store.find(run.task)
            if task is not None and task.status not in TERMINAL:
                self._going[run.task] = schedule.id
            elif not run.status:
                status = task.status.value if task is not None else DELETED
                self._changed(schedule.id, partial(with_end, task_id=run.task, status=status))
