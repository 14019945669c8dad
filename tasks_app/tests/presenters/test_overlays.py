"""What two runs measured, over one another: each from its own begin, or where it stood on the clock."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tasks_app.engine import task as t
from tasks_app.engine.task import Task
from tasks_app.engine.trail import Trail
from tasks_app.presenters.axes import clock_axis
from tasks_app.presenters.overlays import Run, overlays
from tasks_app.tests.engine.records import FAILED, a_task
from tasks_app.tests.presenters.pages import UNHURRIED

MORNING = 1_800_003_600.0  # a full hour


def ran(number: int, begin: float, *values: float, attempts: int = 1) -> Run:
    """A task that measured something each second of each of its attempts, which follow one another after a minute."""
    task, trail = a_task(number, created_at=begin, max_attempts=9), Trail()
    for attempt in range(1, attempts + 1):
        at = begin + 60 * (attempt - 1)
        task = t.started(task, at=at, monotonic=0.0)
        for second, value in enumerate(values):
            trail.measure("Round-trip", value, seconds=second, unit="ms", attempt=attempt)
        if attempt < attempts:
            task = t.due(t.retry_planned(task, FAILED, monotonic=float(len(values)), due_at=at + 60), at=at + 60)
    return Run(task, trail)


def across(path: str) -> list[float]:
    """How far from the left the points of a path are."""
    return [float(x) for x, _y in re.findall(r"([\d.]+) ([\d.]+)", path.replace("h.01", ""))]


def test_from_their_begins_two_runs_start_at_the_left_and_by_the_clock_where_they_began() -> None:
    one, other = ran(1, MORNING, 1, 2, 3), ran(2, MORNING + 30, 1, 2, 3)
    (alike,), (told,) = overlays(one, other), overlays(one, other, by_clock=True)
    assert across(alike.line_a) == across(alike.line_b)
    first, second = across(told.line_a), across(told.line_b)
    assert first[0] == 0
    assert second[0] - first[0] == pytest.approx(15 * first[2], abs=1)
    assert "Task 2 began 30 s after task 1." in told.sentence.replace("\u202f", " ")
    assert "began" not in alike.sentence
    assert [re.sub("<.*?>", "", label) for label in told.x_labels] == ["09:00:00", "09:00:15", "09:00:30", "09:00:45"]


def test_each_attempt_stands_where_it_began() -> None:
    (told,) = overlays(ran(1, MORNING, 1, 2, attempts=2), ran(2, MORNING, 5), by_clock=True)
    first, second, third, fourth = across(told.line_a)
    assert fourth - third == pytest.approx(second - first, abs=0.2)
    assert third - first > 50 * (second - first)
    assert told.line_a.count("M") == 2


def test_values_of_an_attempt_that_is_not_kept_any_more_have_no_place_on_the_clock() -> None:
    whole = ran(1, MORNING, 1, 2, attempts=2)
    task: Task = replace(whole.task, attempts=whole.task.attempts[1:])
    (told,) = overlays(Run(task, whole.trail), ran(2, MORNING, 5), by_clock=True)
    assert len(across(told.line_a)) == 2


def test_a_run_compared_with_itself_or_with_one_that_measured_nothing_is_drawn() -> None:
    one = ran(1, MORNING, 1, 2)
    (same,) = overlays(one, one, by_clock=True)
    assert same.line_a == same.line_b
    (alone,) = overlays(one, Run(a_task(2), None), by_clock=True)
    assert alone.line_b == ""
    assert "Task 2 measured nothing here." in alone.sentence
    assert overlays(Run(a_task(1), None), Run(a_task(2), Trail()), by_clock=True) == []


@UNHURRIED
@given(st.floats(0, 4e9), st.floats(0, 1e8))
def test_an_axis_of_moments_holds_them_all_with_few_labels(start: float, span: float) -> None:
    axis = clock_axis(start, start + span)
    assert axis.low <= start
    assert axis.high >= start + span
    assert axis.high > axis.low
    assert 2 <= len(axis.labels) <= 5
