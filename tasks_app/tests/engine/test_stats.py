"""Figures: throughput per second and how long runs take."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks_app.engine import task as t
from tasks_app.engine.events import Change
from tasks_app.engine.pulse import Pulse
from tasks_app.engine.stats import HOUR, Durations, Stats
from tasks_app.engine.store import Store
from tasks_app.engine.task import Task
from tasks_app.tests.engine.records import DONE, FAILED, a_task, begun


class Clock:
    """Stands where it is put."""

    now = 10_000.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


class Counted:
    """A store whose figures are kept."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.store = Store()
        self.stats = Stats(self.clock)
        self.store.listen(self.stats.listen)

    def launch(self) -> Task:
        task = a_task(self.store.next_number())
        self.store.add([task])
        return task

    def end(self, task: Task, how: t.Outcome, seconds: float = 1.0) -> None:
        self.store.update(task.number, begun)
        self.store.update(task.number, lambda now: t.finished(now, how, monotonic=10.0 + seconds))


def test_launches_and_ends_are_counted_by_the_second() -> None:
    counted = Counted()
    first, second = counted.launch(), counted.launch()
    counted.clock.now += 10
    counted.end(first, DONE)
    counted.end(second, FAILED)
    assert counted.stats.throughput(5) == {"launched": 0, "completed": 1, "failed": 1, "cancelled": 0, "interrupted": 0}
    assert counted.stats.throughput(60)["launched"] == 2


class Figures:
    """Both that count changes."""

    def __init__(self) -> None:
        self.stats, self.pulse = Stats(Clock()), Pulse(Clock())

    def listen(self, changes: Sequence[Change]) -> None:
        """See Stats and Pulse."""
        self.stats.listen(changes)
        self.pulse.listen(changes)

    def restore(self, tasks: Sequence[Task]) -> None:
        """See Stats and Pulse."""
        self.stats.restore(tasks)
        self.pulse.restore(tasks)

    def plain(self) -> object:
        """All that is counted, as plain values."""
        stats = self.stats
        slots = [(slot.counts, vars(slot.durations)) for slot in self.pulse.last_hour().slots]
        took = {name: vars(found) for name, found in stats.durations.items()}
        of_types = {
            name: ({end: (one.counts, one.total) for end, one in found.took.items()}, found.waited.counts, found.attempts, found.retries)
            for name, found in stats.counts.items()
        }
        lately = {name: (found.ended, vars(found.took), vars(found.waited)) for name in ("ping", "count") if (found := stats.lately(name))}
        return slots, took, of_types, lately, stats.totals, stats.throughput(60)


ENDS = {"done": DONE, "failed": FAILED, "again": None}


@given(st.lists(st.tuples(st.sampled_from([*ENDS]), st.sampled_from([1.0, 2.0]), st.sampled_from(["ping", "count"])), max_size=20))
def test_what_begins_and_ends_together_is_counted_as_if_it_came_one_by_one(tasks: list[tuple[str, float, str]]) -> None:
    changes: list[Change] = []
    store = Store()
    store.listen(changes.extend)
    with store.together():
        store.add([a_task(store.next_number(), type=kind, waiting_since=monotonic) for _, monotonic, kind in tasks])
    with store.together():
        for number, (_, monotonic, _) in enumerate(tasks, 1):
            store.update(number, partial(t.started, at=60.0, monotonic=monotonic))
    with store.together():
        for number, (how, _, _) in enumerate(tasks, 1):
            store.update(number, partial(_ended, how=how))
    together, alone = Figures(), Figures()
    together.listen(changes)
    for change in changes:
        alone.listen([change])
    assert together.plain() == alone.plain()


@given(st.lists(st.tuples(st.sampled_from([DONE, FAILED]), st.sampled_from([9.0, 10.0]), st.sampled_from(["ping", "count"])), max_size=20))
def test_tasks_of_an_earlier_process_are_counted_one_by_one_though_they_are_alike(tasks: list[tuple[t.Outcome, float, str]]) -> None:
    now = Clock().time()
    left = [
        t.finished(t.started(a_task(number, type=kind, created_at=now - 90), at=now - 80, monotonic=1.0), how, monotonic=ends)
        for number, (how, ends, kind) in enumerate(tasks, 1)
    ]
    together, alone = Figures(), Figures()
    together.restore(left)
    for task in left:
        alone.restore([task])
    assert together.plain() == alone.plain()
    assert sum(slot.ended() for slot in together.pulse.last_hour().slots) == len(left)


def _ended(task: Task, how: str) -> Task:
    outcome = ENDS[how]
    return t.retry_planned(task, FAILED, monotonic=9.0, due_at=70.0) if outcome is None else t.finished(task, outcome, monotonic=9.0)


def test_only_an_hour_is_kept() -> None:
    counted = Counted()
    for _ in range(3 * HOUR):
        counted.clock.now += 1
        counted.launch()
    assert counted.stats.throughput(10 * HOUR)["launched"] == HOUR
    assert len(counted.stats._seconds) == HOUR


def test_progress_and_deletes_are_not_counted() -> None:
    counted = Counted()
    task = counted.launch()
    counted.store.update(task.number, begun)
    counted.store.update(task.number, lambda now: t.progressed(now, current=1, total=None, message="", monotonic=11.0))
    counted.store.delete(task.number)
    assert sum(counted.stats.throughput(60).values()) == 1


def test_a_retried_task_ends_twice() -> None:
    counted = Counted()
    task = counted.launch()
    counted.end(task, FAILED)
    counted.store.update(task.number, lambda now: t.retried(now, at=1.0))
    counted.end(task, DONE)
    assert counted.stats.throughput(60) == {"launched": 1, "completed": 1, "failed": 1, "cancelled": 0, "interrupted": 0}


def test_typical_is_the_mean_of_completed_runs() -> None:
    counted = Counted()
    assert counted.stats.typical("scripted") is None
    for seconds, how in ((1.0, DONE), (3.0, DONE), (100.0, FAILED)):
        counted.end(counted.launch(), how, seconds)
    assert counted.stats.typical("scripted") == 2.0


@given(st.lists(st.floats(1e-3, 1e6), min_size=1, max_size=200), st.sampled_from([0.5, 0.9, 0.99, 1.0]))
def test_a_quantile_is_within_five_percent(values: list[float], share: float) -> None:
    durations = Durations()
    for value in values:
        durations.add(value)
    exact = sorted(values)[max(0, -int(-share * len(values) // 1) - 1)]
    assert durations.quantile(share) == pytest.approx(exact, rel=0.0501)
    assert durations.mean == pytest.approx(sum(values) / len(values))


def test_no_runs_no_figures() -> None:
    assert (Durations().mean, Durations().quantile(0.5)) == (None, None)


def test_very_short_and_very_long_runs_have_their_bucket() -> None:
    durations = Durations()
    for value in (0.0, 1e-9, 1e9):
        durations.add(value)
    assert durations.count == 3
    assert durations.quantile(1.0) == pytest.approx(1e9, rel=0.0501)


def test_figures_may_be_read_while_they_are_written() -> None:
    counted = Counted()
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            counted.stats.throughput(HOUR)

    with ThreadPoolExecutor(2) as pool:
        reading = [pool.submit(read) for _ in range(2)]
        for number in range(3_000):
            counted.clock.now += number % 2
            counted.end(counted.launch(), DONE if number % 3 else FAILED)
        ended.set()
        for one in reading:
            one.result()
    assert counted.stats.throughput(HOUR) == {"launched": 3_000, "completed": 2_000, "failed": 1_000, "cancelled": 0, "interrupted": 0}
