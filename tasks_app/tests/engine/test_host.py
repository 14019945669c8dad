"""The engine on a thread of its own: nothing a handler does there reaches anybody else, and it ends when told."""

from __future__ import annotations

import asyncio
import ctypes
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from tasks_app.engine import watchdog as watchdog_module
from tasks_app.engine.engine import Engine
from tasks_app.engine.errors import Draining, EngineError
from tasks_app.engine.events import Change
from tasks_app.engine.host import Host
from tasks_app.engine.launch import LaunchRequest
from tasks_app.engine.limits import Limits
from tasks_app.engine.ports import SystemClock
from tasks_app.engine.query import Query
from tasks_app.engine.registry import Registry
from tasks_app.engine.store import Store
from tasks_app.engine.task import ACTIVE, TERMINAL, Status, Task
from tasks_app.engine.watchdog import BLOCKED_AFTER, Block, Stall, Watchdog
from tasks_app.engine.whose import nobodys
from tasks_app.executors.local import LocalExecutor
from tasks_app.journal.null import NullJournal
from tasks_app.tests import scripted
from tasks_app.tests.engine.leaks import PATIENCE, until
from tasks_app.tests.engine.naive import assert_indexes_are_right, replayed

pytestmark = pytest.mark.real_time


class Hosted:
    """An engine on its thread, what it announced, and what its watchdog told."""

    def __init__(self, new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop, **limits: Any) -> None:
        self.store, self.registry = Store(), Registry()
        self.registry.discover(scripted)
        self.changes: list[Change] = []
        self.blocks: list[Block] = []
        self.stalls: list[Stall] = []
        self.engine = Engine(
            store=self.store,
            registry=self.registry,
            executor=LocalExecutor(),
            journal=NullJournal(),
            clock=SystemClock(),
            limits=Limits(**{"cancel_grace": 0.3, **limits}),
        )
        self.store.listen(self.changes.extend)
        self.host = Host(self.engine, new_loop=new_loop, told=self._told)

    def _told(self, found: Block | Stall) -> None:
        if isinstance(found, Block):
            self.blocks.append(found)
        else:
            self.stalls.append(found)

    def blocks_of(self, number: int | None) -> list[Block]:
        """What it told of a task, or of code of none."""
        return [block for block in self.blocks if block.number == number]

    def submit(self, mode: str = "ok", type: str = "scripted", **params: Any) -> Task:
        return self.engine.submit(LaunchRequest(type=type, params={"mode": mode, **params}))

    def ended(self, grace: float) -> bool:
        """Whether its thread ends when told; asked again, as a loop that a busy machine keeps from answering is not waited for."""
        return until(lambda: self.host.stop(grace))

    def became(self, task: Task, *statuses: Status) -> bool:
        """Wait for a status."""
        return until(lambda: self.store.get(task.id).status in statuses)


@pytest.fixture(params=["asyncio", "uvloop"])
def hosted(request: pytest.FixtureRequest) -> Iterator[Hosted]:
    """An engine that runs, on each kind of loop."""
    made = Hosted(pytest.importorskip("uvloop").new_event_loop if request.param == "uvloop" else asyncio.new_event_loop)
    made.host.start()
    yield made
    scripted.LET_GO.set()
    assert made.ended(0.2)


def test_a_watchdog_whose_word_nobody_takes_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A handler of logging may stand still."""
    monkeypatch.setattr("tasks_app.engine.watchdog.BLOCKED_AFTER", 0.0)
    monkeypatch.setattr("tasks_app.engine.watchdog.PATIENCE", 0.1)
    told, go_on = threading.Event(), threading.Event()

    def stands_still(found: Block | Stall) -> None:
        told.set()
        go_on.wait()

    loop = asyncio.new_event_loop()  # which never runs
    watchdog = Watchdog(loop, threading.get_ident(), SystemClock(), stands_still)
    watchdog.start()
    try:
        assert told.wait(PATIENCE)
        watchdog.stop()
    finally:
        go_on.set()
        watchdog._thread.join(PATIENCE)
        loop.close()


def test_a_loop_that_got_no_time_is_not_taken_for_a_blocked_one(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Block | Stall] = []
    now, beats = 0.0, 0

    def monotonic() -> float:
        nonlocal beats
        beats += 1
        return now

    def some_beats() -> bool:
        before = beats
        return until(lambda: beats > before + 20)

    clock: Any = SimpleNamespace(monotonic=monotonic)
    monkeypatch.setattr(watchdog_module, "_BEAT", 0.001)
    loop = asyncio.new_event_loop()  # which never runs
    watchdog = Watchdog(loop, threading.get_ident(), clock, told.append)
    watchdog.start()
    try:
        assert some_beats()
        now = 100.0  # the whole process stood still
        assert some_beats()
        assert [type(one) for one in told] == [Stall]
        now += BLOCKED_AFTER / 2
        assert some_beats()
        assert [type(one) for one in told] == [Stall]
        now += BLOCKED_AFTER
        assert some_beats()
        assert [type(one) for one in told] == [Stall, Block]
    finally:
        watchdog.stop()
        loop.close()


@pytest.mark.parametrize("type", ["scripted", "scripted_thread", "scripted_process"])
def test_tasks_of_each_kind_run(hosted: Hosted, type: str) -> None:
    assert hosted.became(hosted.submit(type=type), Status.COMPLETED)


@pytest.mark.parametrize("mode", ["child_exits", "stops_the_loop", "cancels_everybody", "exit", "interrupt", "hostile", "generator_exit"])
def test_whatever_a_handler_does_to_the_loop_the_engine_goes_on(hosted: Hosted, mode: str) -> None:
    task = hosted.submit(mode)
    assert hosted.became(task, *TERMINAL)
    for type in ("scripted", "scripted_thread"):
        assert hosted.became(hosted.submit(type=type), Status.COMPLETED)
    assert until(lambda: hosted.engine.queues.running == 0)  # a slot is free a moment after the task has ended


def test_a_handler_that_blocks_the_loop_is_named_with_its_line_and_holds_up_nobody_else(hosted: Hosted) -> None:
    task = hosted.submit("blocks", seconds=2 * PATIENCE)
    assert until(lambda: bool(hosted.blocks_of(task.number)))
    watchdog = hosted.host.watchdog
    assert watchdog is not None
    block = hosted.blocks_of(task.number)[0]
    assert block.type == "scripted"
    inner, _, outer = block.place.partition(", called by ")
    assert "threading.py:" in inner
    assert inner.endswith(" in wait")
    assert "scripted.py:" in outer
    assert outer.endswith(" in common")
    for _ in range(50):
        other = hosted.submit()
        hosted.store.page(Query(), 50)
        hosted.engine.flush_progress()
        hosted.engine.cancel(other.id)
    assert hosted.store.get(task.id).status is Status.PROCESSING, "they waited for the loop, which is blocked"
    scripted.LET_GO.set()
    assert hosted.became(task, Status.COMPLETED)
    assert until(lambda: watchdog.block is None)
    assert len(hosted.blocks_of(task.number)) == 1, "told once for each block"


def test_code_outside_a_handler_that_blocks_the_loop_is_named_too(hosted: Hosted) -> None:
    assert hosted.host._loop is not None
    let_go = threading.Event()
    hosted.host._loop.call_soon_threadsafe(let_go.wait, 2 * PATIENCE)
    try:
        assert until(lambda: bool(hosted.blocks_of(None)))
    finally:
        let_go.set()
    assert hosted.blocks_of(None)[0].type == ""


def test_a_time_in_which_no_thread_could_run_is_told_afterwards_and_how_long_it_was(
    hosted: Hosted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks_app.engine.watchdog.STALLED_AFTER", 0.8)
    assert hosted.host._loop is not None
    hosted.host._loop.call_soon_threadsafe(ctypes.PyDLL(None).usleep, 999_999)  # a PyDLL keeps the interpreter's lock
    assert until(lambda: any(stall.seconds >= 0.99 for stall in hosted.stalls))
    assert all(0 <= stall.busy <= stall.seconds and stall.place for stall in hosted.stalls)


def test_stop_settles_everything_and_refuses_what_comes_later(hosted: Hosted) -> None:
    tasks = [hosted.submit(mode, type=type) for type in ("scripted", "scripted_thread") for mode in ("hang", "stubborn", "ok")]
    assert until(lambda: (hosted.store.counts[Status.PROCESSING], hosted.store.counts[Status.COMPLETED]) == (4, 2))
    assert hosted.ended(0.1)
    assert sum(hosted.store.counts[status] for status in ACTIVE) == 0
    assert [hosted.store.get(task.id).status.value for task in tasks] == ["interrupted", "interrupted", "completed"] * 2
    with pytest.raises(Draining):
        hosted.submit()
    assert hosted.ended(0.1), "may be called twice"


def test_a_coroutine_that_never_lets_go_does_not_hold_up_the_end(hosted: Hosted) -> None:
    assert hosted.became(hosted.submit("stubborn"), Status.PROCESSING)
    assert hosted.ended(0.1)


def test_the_grace_can_be_cut_short_from_another_thread(hosted: Hosted) -> None:
    task = hosted.submit("hang")
    assert hosted.became(task, Status.PROCESSING)
    with ThreadPoolExecutor(1) as pool:
        stopped = pool.submit(hosted.host.stop, 3600)
        assert until(lambda: hosted.engine.draining)
        assert until(lambda: hosted.host.cut_short() or hosted.store.get(task.id).status is Status.INTERRUPTED)  # type: ignore[func-returns-value]
        stopped.result()
        assert hosted.ended(0.1)


def test_a_blocked_loop_does_not_hold_up_the_stop_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks_app.engine.host.SETTLE_GRACE", 0.3)
    hosted = Hosted(cancel_grace=0.1)
    hosted.host.start()
    let_go = threading.Event()
    assert hosted.host._loop is not None
    hosted.host._loop.call_soon_threadsafe(let_go.wait, 2 * PATIENCE)
    assert not hosted.host.stop(0.1)
    let_go.set()
    assert hosted.ended(0.1)


def test_a_start_that_fails_says_why() -> None:
    def refuse() -> asyncio.AbstractEventLoop:
        raise OSError("too many open files")

    hosted = Hosted(refuse)
    with pytest.raises(OSError, match="too many open files"):
        hosted.host.start()
    assert hosted.host.stop(0.1)


def test_a_stop_without_a_start_is_no_error() -> None:
    assert Hosted().host.stop(1)


def test_fifty_starts_and_stops_by_ten_threads_leave_nothing_open() -> None:
    def life(number: int) -> bool:
        hosted = Hosted()
        with ThreadPoolExecutor(2) as pool:
            starting = pool.submit(hosted.host.start)
            if number % 2:
                starting.result()
                hosted.submit()
            ending = pool.submit(hosted.ended, 0.0)
            starting.result()
        return ending.result() and hosted.ended(0.0)

    files = psutil.Process().num_fds()
    with ThreadPoolExecutor(10) as pool:
        assert all(pool.map(life, range(50)))
    assert psutil.Process().num_fds() <= files + 2


def test_what_an_engine_does_on_its_thread_is_not_in_the_way_of_another_one_on_another_thread(hosted: Hosted) -> None:
    """A context has one thread at a time: whoever finds it taken loses his callback, and with it the end of an attempt."""

    def lives() -> bool:
        tasks = [hosted.submit(), hosted.submit("slow_progress", times=3, seconds=0.001)]
        return all(hosted.became(task, Status.COMPLETED) for task in tasks)

    assert nobodys.context.run(lives)


def test_orders_from_many_threads_leave_everything_in_order(hosted: Hosted) -> None:
    """Launches, cancels, deletes and retries from eight threads while handlers end, fail and report."""

    def order(seed: int) -> None:
        for turn in range(60):
            mode = ("ok", "fail", "hang", "slow_progress")[(seed + turn) % 4]
            type = ("scripted", "scripted", "scripted_thread")[turn % 3]
            task = hosted.submit(mode, type=type, times=2)
            for call in (hosted.engine.flush_progress, lambda now=task: hosted.engine.cancel(now.id, force=turn % 7 == 0)):  # noqa: B023
                try:
                    call()
                except EngineError:
                    continue
            try:
                (hosted.engine.retry, hosted.engine.rerun, hosted.engine.delete)[turn % 3](task.id)
            except EngineError:
                continue

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(order, seed) for seed in range(8)]:
            done.result()
    assert hosted.ended(0.5)
    assert [change.version for change in hosted.changes] == list(range(1, hosted.store.version + 1))
    assert replayed(hosted.changes) == hosted.store._tasks
    assert_indexes_are_right(hosted.store)
    assert until(lambda: hosted.engine.queues.running == 0)  # a slot is free a moment after the task has ended
    assert sum(hosted.store.counts[status] for status in ACTIVE) == 0


@pytest.mark.parametrize("type", ["scripted", "scripted_thread"])
def test_a_cancel_in_the_moment_of_the_end_leads_to_one_end(hosted: Hosted, type: str) -> None:
    tasks = [hosted.submit(type=type) for _ in range(300)]
    refused = 0
    for task in tasks:
        try:
            hosted.engine.cancel(task.id)
        except EngineError:
            refused += 1
    assert until(lambda: sum(hosted.store.counts[status] for status in ACTIVE) == 0)
    assert hosted.store.counts[Status.COMPLETED] == refused
    ends = [
        c.task.id for c in hosted.changes if c.after and c.before and c.after.status in TERMINAL and c.before.status is not c.after.status
    ]
    assert len(ends) == len(set(ends)) == len(tasks)


def test_the_last_word_is_kept_though_readers_flush_all_the_time(hosted: Hosted) -> None:
    ended = threading.Event()

    def flush() -> None:
        while not ended.is_set():
            hosted.engine.flush_progress()

    with ThreadPoolExecutor(2) as pool:
        flushing = [pool.submit(flush) for _ in range(2)]
        tasks = [hosted.submit("slow_progress", type=type, times=3) for _ in range(150) for type in ("scripted", "scripted_thread")]
        assert until(lambda: hosted.store.counts[Status.COMPLETED] == len(tasks))
        ended.set()
        for one in flushing:
            one.result()
    last = [hosted.store.get(task.id).progress for task in tasks]
    assert {(progress.current, progress.total) if progress else None for progress in last} == {(3, 3)}
