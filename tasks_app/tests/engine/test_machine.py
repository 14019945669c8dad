"""Any orders in any sequence, in virtual time, against a model that is simple enough to be right.

`IOTASK_HYPOTHESIS=long` runs it for long; the normal run is a quick look.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, precondition, rule
from msgspec.structs import replace

from tasks_app.engine.deleted import SECONDS
from tasks_app.engine.errors import Conflict, EngineError, IllegalTransition, NotFound, WaitingFull
from tasks_app.engine.events import Change
from tasks_app.engine.limits import Limits
from tasks_app.engine.task import RETRYABLE, RUNNING, TERMINAL, WAITING, Status, Task
from tasks_app.tests import scripted
from tasks_app.tests.engine.lives import InlineJournal, gone
from tasks_app.tests.engine.model import Model, after_a_crash
from tasks_app.tests.engine.naive import assert_indexes_are_right, everything
from tasks_app.tests.engine.virtual import EPOCH, VirtualLoop
from tasks_app.tests.engine.world import World, handler
from tasks_app.tests.live.pages import PAGES, Pages

S = Status
OTHER = handler("other", scripted.scripted.function, params=scripted.ScriptParams, idempotent=True)
LONG = os.environ.get("IOTASK_HYPOTHESIS") == "long"
MAX_WAITING, MAX_RUNNING, KEPT = 30, 4, 6
TYPES = ("scripted", "other")
WHOLE = ("version", "status", "cancel", "attempts", "progress", "result", "error", "ended_at")  # what the end of a stopped attempt changes
LIMITS: dict[str, int | None] = {"scripted": 2, "other": None}


class EngineMachine(RuleBasedStateMachine):
    """Orders are given between the turns of the loop; the loop settles or time passes by rules of their own."""

    tasks: Bundle[str] = Bundle("tasks")
    deleted: Bundle[str] = Bundle("deleted")

    def __init__(self) -> None:
        super().__init__()
        scripted.LET_GO.clear()
        self.loop = VirtualLoop()

    def do(self, what: Coroutine[Any, Any, Any]) -> None:
        self.loop.run_until_complete(what)

    @initialize()
    def begin(self) -> None:
        self.folder = Path(mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
        self.lives = 0
        self.model, self.late = Model(MAX_RUNNING), Model(MAX_RUNNING)  # the latter hears only now and then
        self.model.limits = dict(LIMITS)
        self.begin_a_life()
        self.do(self.engine.start())

    def begin_a_life(self) -> None:
        """A process on the journal as it is."""
        limits = Limits(max_waiting=MAX_WAITING, max_running=MAX_RUNNING, keep_finished=KEPT, keep_seconds=500, cancel_grace=2)
        self.journal = InlineJournal(self.folder / str(self.lives) / "journal", self.loop)
        self.world = World(self.loop, limits, types=[OTHER], journal=self.journal, first_id=1 + 10_000 * self.lives)
        self.engine, self.store = self.world.engine, self.world.store
        for type, slots in self.model.limits.items():
            self.engine.set_concurrency(type, slots)
        for type in self.model.paused:
            self.engine.pause(type)
        self.retried = 0
        self.left: dict[str, tuple[float, Task]] = {}  # what was deleted in this life: when, and what it was
        self.late_changes: list[Change] = []
        self.store.listen(self.late_changes.extend)
        for model in (self.model, self.late):
            model.begin_anew(self.store)
        self.pages = Pages(self.engine)
        self.acknowledged = {task.number: task for task in everything(self.store)}

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.pages.close()
            self.do(self.engine.drain(1))
            self.model.hear(self.world.changes)
            assert {task.status for task in everything(self.store)} <= TERMINAL | WAITING
            assert self.engine.queues.running == 0
            scripted.LET_GO.set()
            self.do(self.loop.advance(5))
            assert self.engine.runner.stuck == 0
            self.journal.close()
            shutil.rmtree(self.folder)
        self.loop.close()

    # -- orders

    @rule(
        target=tasks,
        mode=st.sampled_from(["ok", "fail", "hang", "hang", "stubborn", "slow_progress", "fail_then_ok", "nan"]),
        type=st.sampled_from(TYPES),
        seconds=st.sampled_from([0.3, 1.0, 20.0]),
        priority=st.integers(-1, 1),
        timeout=st.sampled_from([None, None, 0.5, 1.0]),
        attempts=st.integers(1, 3),
        delay=st.sampled_from([None, None, None, 0.0, 1.0, 5.0]),
    )
    def launch(self, mode: str, type: str, seconds: float, priority: int, timeout: float | None, attempts: int, delay: float | None) -> Any:
        run_at = None if delay is None else datetime.fromtimestamp(self.world.clock.time() + delay, UTC)
        given = {"priority": priority, "timeout": timeout, "max_attempts": attempts, "run_at": run_at, "tags": [mode]}
        if self.store.waiting >= MAX_WAITING:
            with pytest.raises(WaitingFull):
                self.world.submit(mode, type=type, **given)
            return multiple()
        return self.world.submit(mode, type=type, seconds=seconds, times=2, **given).id

    @rule(task_id=tasks, force=st.booleans())
    def cancel(self, task_id: str, force: bool) -> None:
        before = self.store.find(task_id)
        if before is None:
            with pytest.raises(NotFound):
                self.engine.cancel(task_id, force=force)
        elif before.status in TERMINAL:
            with pytest.raises(IllegalTransition):
                self.engine.cancel(task_id, force=force)
        else:
            after = self.engine.cancel(task_id, by="ann", force=force).status
            assert after is (S.CANCELLED if before.status in WAITING else S.CANCELLING)

    @rule(target=deleted, task_id=consumes(tasks))
    def delete(self, task_id: str) -> Any:
        before = self.store.find(task_id)
        if before is None:
            with pytest.raises(NotFound):
                self.engine.delete(task_id)
            return multiple()
        self.engine.delete(task_id, by="bob")
        assert self.store.find(task_id) is None
        self.left[task_id] = self.world.clock.monotonic(), before
        return task_id

    @rule(target=tasks, task_id=deleted)
    def restore(self, task_id: str) -> Any:
        """It comes back whole, in its place: for ten seconds, once, if nobody has taken the place it waited at."""
        at, before = self.left.get(task_id, (-EPOCH, None))
        if self.store.find(task_id) is not None:
            refused: type[EngineError] | None = Conflict
        elif before is None or self.world.clock.monotonic() >= at + SECONDS:
            refused = NotFound
        else:
            refused = WaitingFull if before.status in WAITING and self.store.waiting >= MAX_WAITING else None
        if refused is not None:
            with pytest.raises(refused):
                self.engine.restore(task_id)
            return multiple()
        assert before is not None
        self._is_whole(before, self.engine.restore(task_id))
        del self.left[task_id]
        return task_id

    def _is_whole(self, before: Task, after: Task) -> None:
        if before.status not in RUNNING:
            assert after == replace(before, version=after.version)
            return
        assert after.status in (S.CANCELLING, S.CANCELLED), "what ran was stopped by the delete"
        under_way = before.number in {live.context.number for live in self.engine.runner._live.values()}
        assert under_way is (after.status is S.CANCELLING)
        assert replace(after, **dict.fromkeys(WHOLE)) == replace(before, **dict.fromkeys(WHOLE))

    @rule(task_id=tasks)
    def retry(self, task_id: str) -> None:
        before = self.store.find(task_id)
        if before is None:
            with pytest.raises(NotFound):
                self.engine.retry(task_id)
        elif self.store.waiting >= MAX_WAITING:
            with pytest.raises(WaitingFull):
                self.engine.retry(task_id)
        elif before.status not in RETRYABLE:
            with pytest.raises(IllegalTransition):
                self.engine.retry(task_id)
        else:
            assert self.engine.retry(task_id).status is S.PENDING
            self.retried += 1

    @rule(target=tasks, task_id=tasks)
    def rerun(self, task_id: str) -> Any:
        if self.store.find(task_id) is None or self.store.waiting >= MAX_WAITING:
            with pytest.raises((NotFound, WaitingFull)):
                self.engine.rerun(task_id)
            return multiple()
        return self.engine.rerun(task_id).id

    @rule(type=st.sampled_from(TYPES))
    def pause_or_resume(self, type: str) -> None:
        if type in self.model.paused:
            self.engine.resume(type)
        else:
            self.engine.pause(type)
        self.model.paused ^= {type}

    @rule(type=st.sampled_from(TYPES), slots=st.sampled_from([1, 2, 3, None]))
    def limit(self, type: str, slots: int | None) -> None:
        self.engine.set_concurrency(type, slots)
        self.model.limits[type] = slots

    # -- time

    @rule()
    def settle(self) -> None:
        self.do(self.loop.settle())
        self._all_that_may_run_runs()

    @rule(seconds=st.sampled_from([0.01, 0.25, 0.3, 1.0, 2.0, 2.01, 10.0, 400.0]))
    def advance(self, seconds: float) -> None:
        self.do(self.loop.advance(seconds))
        self._all_that_may_run_runs()

    @rule()
    def crash_and_recover(self) -> None:
        """The process is killed, whatever it was about to write; another one begins on what its journal's files hold."""
        self.pages.close()
        self.lives += 1
        shutil.copytree(self.folder / str(self.lives - 1), self.folder / str(self.lives), ignore=shutil.ignore_patterns("*.lock"))
        before, expected = self.acknowledged, after_a_crash(self.acknowledged, KEPT)
        self.do(gone(self.engine))
        self.journal.close()
        self.begin_a_life()
        found = {task.number: {task.status} for task in everything(self.store)}
        assert found == expected, "what was acknowledged, and nothing else"
        for number, task in before.items():
            now = self.store.by_number(number)
            assert now is None or len(now.attempts) == len(task.attempts), "no attempt was made that nobody knows of"
        self.do(self.engine.start())

    @rule(seconds=st.sampled_from([-3600, -1, 1, 3600, -EPOCH, 20 * 365 * 86_400]))
    def set_the_wall_clock(self, seconds: float) -> None:
        self.world.clock.set_by += seconds

    @rule()
    def flush(self) -> None:
        self.engine.flush_progress()

    @rule()
    def let_the_stubborn_go(self) -> None:
        scripted.LET_GO.set()
        self.do(self.loop.advance(0.1))
        scripted.LET_GO.clear()

    @precondition(lambda self: self.late_changes)
    @rule()
    def the_late_one_catches_up(self) -> None:
        """By the names of what changed and the records as they are, as a browser that was away does."""
        names = self.store.changed_since(self.late.version)
        assert names is not None
        held = {task.id: task for task in self.late.held.values()}
        for _, task_id in names:
            task = self.store.find(task_id)
            if task is None:
                held.pop(task_id, None)
            else:
                held[task_id] = task
        self.late.held = {task.number: task for task in held.values()}
        self.late.version = self.store.version
        self.late_changes.clear()
        assert self.late.held == self.store._tasks

    # -- those who look

    @rule(page=st.integers(0, PAGES - 1), what=st.sampled_from(["slow", "quick", "lose a frame", "reconnect"]))
    def disturb_a_page(self, page: int, what: str) -> None:
        self.pages.disturb(page, what)

    @rule()
    def look(self) -> None:
        self.do(self.pages.tick())

    @rule()
    def every_page_shows_what_the_store_holds(self) -> None:
        self.do(self.pages.converge())

    # -- what always holds

    @invariant()
    def a_subscriber_holds_what_the_store_holds(self) -> None:
        if hasattr(self, "world"):
            self.model.hear(self.world.changes)
            assert self.model.held == self.store._tasks
            assert self.model.version == self.store.version

    @invariant()
    def only_explicit_retries_left_a_terminal_status(self) -> None:
        if hasattr(self, "world"):
            assert self.model.retries == self.retried

    @invariant()
    def what_the_journal_has_settled_is_acknowledged(self) -> None:
        if hasattr(self, "world") and self.journal.has_all(self.store.version):
            self.acknowledged = {task.number: task for task in everything(self.store)}

    @invariant()
    def counters_indexes_and_places_are_right(self) -> None:
        if hasattr(self, "world"):
            assert_indexes_are_right(self.store)

    @invariant()
    def a_running_task_is_under_way_and_no_other_is(self) -> None:
        if hasattr(self, "world"):
            under_way = {live.context.number for live in self.engine.runner._live.values()}
            assert {task.number for task in everything(self.store) if task.status in RUNNING} <= under_way

    def _all_that_may_run_runs(self) -> None:
        """After the loop has settled no pending task has a free slot."""
        slots = sum(live.has_slot for live in self.engine.runner._live.values())
        assert slots == self.engine.queues.running
        for type in TYPES:
            used = self.engine.queues.get(type).running
            limit = self.model.limits[type]
            full = slots >= MAX_RUNNING or (limit is not None and used >= limit)
            waits = self.store.count_of(type, S.PENDING)
            assert not waits or full or type in self.model.paused, f"{waits} of {type} wait though a slot is free"


EngineMachine.TestCase.settings = settings(
    max_examples=2_000 if LONG else 15,
    stateful_step_count=100 if LONG else 30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


TestEngineMachine = pytest.mark.timeout(3_600 if LONG else 300)(EngineMachine.TestCase)
