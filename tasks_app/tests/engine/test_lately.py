"""What a type did in the last day and the last week."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks_app.engine import task as t
from tasks_app.engine.durations import Durations
from tasks_app.engine.lately import DAY, HOUR, PART, WEEK, Lately
from tasks_app.engine.stats import Stats
from tasks_app.engine.store import Store
from tasks_app.engine.task import Status, Task
from tasks_app.tests.engine.records import CANCELLED, DONE, FAILED, a_task
from tasks_app.tests.engine.test_stats import Clock


def ended(how: t.Outcome = DONE, seconds: float = 2.0, at: float = 60.0, **fields: Any) -> Task:
    """A task that waited for 5 s, ran so long, and ended that way."""
    task = a_task(waiting_since=at - 5.0, **fields)
    running = t.started(task, at=at, monotonic=0.0)
    return t.finished(
        running if how is not CANCELLED else t.cancel_requested(running, by="", reason="", at=at, monotonic=0.0), how, monotonic=seconds
    )


def test_ends_are_counted_by_status_and_durations_of_completed_runs() -> None:
    lately = Lately()
    for how, seconds in ((DONE, 1.0), (DONE, 3.0), (FAILED, 100.0), (CANCELLED, 50.0)):
        lately.at(7).count(ended(how, seconds), seconds)
    found = lately.since(7, DAY)
    assert found.ended == {Status.COMPLETED: 2, Status.FAILED: 1, Status.CANCELLED: 1}
    assert (found.took.count, found.took.mean, found.took.longest) == (2, 2.0, 3.0)
    assert (found.waited.count, found.waited.mean) == (4, 5.0)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 4)), max_size=60), st.integers(0, 400))
def test_a_day_holds_the_last_24_hours_and_a_week_the_last_7_days_to_a_quarter(steps: list[tuple[int, int]], later: int) -> None:
    lately, hour, counted = Lately(), -50, []
    for forward, runs in steps:
        hour += forward
        for _ in range(runs):
            lately.at(hour).count(ended(), 2.0)
            counted.append(hour)
    hour += later
    assert lately.since(hour, DAY).took.count == sum(hour - DAY < at <= hour for at in counted)
    week = lately.since(hour, WEEK).took.count
    assert sum(hour - WEEK + PART < at for at in counted) <= week <= sum(hour - WEEK < at for at in counted)
    assert len(lately._hours) <= DAY
    assert len(lately._parts) <= WEEK // PART + 1


def test_figures_that_were_read_once_go_on_being_true() -> None:
    lately = Lately()
    for hour in range(3):
        lately.at(hour).count(ended(), 1.0)
    assert lately.since(2, DAY).took.count == 3
    lately.at(2).count(ended(), 1.0)
    assert lately.since(2, DAY).took.count == 4
    lately.at(1).count(ended(), 1.0)
    assert lately.since(2, DAY).took.count == 5
    assert lately.since(2 + DAY, DAY).took.count == 0


def test_the_figures_of_an_earlier_process_are_made_again_of_what_was_kept() -> None:
    clock = Clock()
    clock.now = 10 * 24 * HOUR
    stats = Stats(clock)
    ago = {"now": 10.0, "yesterday": 30.0 * HOUR, "before": 8.0 * 24 * HOUR}
    stats.restore([ended(at=clock.now - seconds - 2.0) for seconds in ago.values()] + [a_task(9)])
    assert stats.lately("scripted", DAY).took.count == 1
    assert stats.lately("scripted", WEEK).took.count == 2
    assert stats.typical("scripted") == 2.0
    assert not stats.durations  # what is counted since the start begins with the start
    assert stats.lately("another").ended == {}


def test_what_ends_is_counted_for_its_type_in_the_hour_it_ends() -> None:
    clock, store = Clock(), Store()
    stats = Stats(clock)
    store.listen(stats.listen)
    for hour in range(30):
        clock.now = 10_000.0 + hour * HOUR
        task = a_task(store.next_number())
        store.add([task])
        store.update(task.number, lambda now: t.started(now, at=clock.now, monotonic=clock.now))
        store.update(task.number, lambda now: t.finished(now, DONE, monotonic=clock.now))
    assert stats.lately("scripted", DAY).ended == {Status.COMPLETED: DAY}
    assert stats.lately("scripted", WEEK).ended == {Status.COMPLETED: 30}


def test_runs_are_spread_over_edges() -> None:
    durations = Durations()
    for seconds in (0.0005, 0.0015, 0.5, 0.6, 1.5, 100.0):
        durations.add(seconds)
    assert durations.spread([0.001, 0.002, 0.25, 1.0, 2.0]) == [2, 0, 2, 2]
    assert sum(Durations().spread([1.0, 2.0, 3.0])) == 0


@pytest.mark.parametrize("seconds", [0.0, 1e-9, 1e-3, 1.0, 86_400.0, 1e9])
def test_the_longest_run_is_known_exactly(seconds: float) -> None:
    durations, others = Durations(), Durations()
    others.add(seconds)
    durations.add(0.0)
    durations.take_in(others)
    assert durations.longest == seconds
