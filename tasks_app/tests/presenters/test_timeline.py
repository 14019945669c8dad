"""The timeline tells the whole life of a task, to scale and without a hole."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tasks_app.engine import task as t
from tasks_app.engine.task import TERMINAL, Status, Task
from tasks_app.presenters.timeline import GAP, LEAST, WIDTH, known_until, stretches, timeline
from tasks_app.tests.engine.records import DONE, FAILED, a_task, begun
from tasks_app.tests.presenters.pages import UNHURRIED, Reader, lives

seconds = st.floats(min_value=0, max_value=1e6)
leaps = st.floats(min_value=-1e5, max_value=1e5)  # somebody sets the clock


@st.composite
def histories(draw: st.DrawFn) -> Task:
    """A task after any number of attempts, on a wall clock that leaps."""
    task, wall, steady = a_task(created_at=1e6, max_attempts=9), 1e6, 0.0
    for _ in range(draw(st.integers(0, 5))):
        steady += (wait := draw(seconds))
        wall += wait + draw(leaps)
        task = t.started(task, at=wall, monotonic=steady)
        steady += (length := draw(seconds))
        wall += length
        task = t.retry_planned(task, FAILED, monotonic=steady, due_at=wall + 1)
        task = t.due(task, at=wall + 1)
    ending = draw(st.sampled_from(["waits", "runs", "ends", "is cancelled"]))
    if ending == "is cancelled":
        return t.cancel_requested(task, by="", reason="", at=wall + draw(leaps), monotonic=steady)
    if ending == "waits":
        return task
    task = t.started(task, at=wall + draw(leaps), monotonic=steady)
    return t.finished(task, DONE, monotonic=steady + draw(seconds)) if ending == "ends" else task


@UNHURRIED
@given(histories(), st.one_of(st.none(), seconds))
def test_stretches_cover_the_span_without_a_hole_and_none_is_negative(task: Task, later: float | None) -> None:
    until = known_until(task) if later is None else known_until(task) + later
    parts = stretches(task, until)
    assert parts[0].start == task.created_at
    assert all(part.seconds >= 0 for part in parts)
    assert all(before.end == after.start for before, after in pairwise(parts))
    assert [part.attempt for part in parts if part.attempt] == list(task.attempts)
    assert sum(part.open for part in parts) == (task.status not in TERMINAL)
    if parts[-1].open:
        assert parts[-1].end == max(until, parts[-1].start)


@UNHURRIED
@given(histories())
def test_the_drawing_stays_inside_its_box(task: Task) -> None:
    for bar in timeline(task, known_until(task)).bars:
        assert float(bar.x) >= 0
        assert float(bar.width) >= LEAST
        assert float(bar.x) + float(bar.width) <= WIDTH + 0.11


@pytest.mark.parametrize("life", lives())
def test_every_state_of_a_task_has_a_timeline_with_words(life: str) -> None:
    task = lives()[life]()
    found = timeline(task, known_until(task))
    assert found.label
    assert found.entries
    assert all(entry.title and entry.note for entry in found.entries)


def test_bars_are_to_scale() -> None:
    waits = t.retry_planned(begun(), FAILED, monotonic=20.0, due_at=80.0)  # waited 50-60, ran 60-70
    task = t.finished(t.started(t.due(waits, at=80.0), at=80.0, monotonic=30.0), DONE, monotonic=40.0)  # waited to 80, ran to 90
    bars = timeline(task, 0.0).bars
    assert [bar.status for bar in bars] == ["pending", "failed", "retrying", "completed"]
    assert [float(bar.x) for bar in bars] == [0, 250, 500, 750]
    assert {float(bar.width) for bar in bars} == {250 - GAP}


def told(task: Task, now: float = 0.0) -> list[tuple[str, str]]:
    return [(entry.title, Reader(entry.note).text.rpartition(", ")[2]) for entry in timeline(task, now).entries]


def test_between_a_failure_and_a_retry_by_hand_it_did_not_wait() -> None:
    failed = t.finished(begun(), FAILED, monotonic=20.0)  # waited 50-60, ran 60-70
    asked = t.retried(failed, at=170.0)
    assert [title for title, _ in told(asked, now=175.0)] == ["Waited", "Attempt 1 failed", "Failed, until it was retried", "Waits"]
    again = t.started(asked, at=180.0, monotonic=130.0)
    assert [title for title, _ in told(again, now=190.0)][2:] == ["Failed, until it was retried", "Waited", "Attempt 2"]
    parts = stretches(again, 190.0)
    assert [(part.kind, part.start, part.end) for part in parts[2:]] == [
        ("idle", 70.0, 170.0),
        ("wait", 170.0, 180.0),
        ("run", 180.0, 190.0),
    ]
    cancelled = t.cancel_requested(asked, by="", reason="", at=180.0, monotonic=130.0)
    assert [title for title, _ in told(cancelled)][2:] == ["Failed, until it was retried", "Cancelled while it waited"]


@pytest.mark.parametrize("max_attempts", [1, 3])
def test_each_retry_by_hand_is_told_apart_from_one_that_comes_by_itself(max_attempts: int) -> None:
    final = replace(FAILED, retry=False)
    task = begun(a_task(max_attempts=max_attempts))  # waited 50-60, runs from 60
    for at in (100.0, 200.0):
        task = t.finished(task, final, monotonic=task.attempts[-1].began + 10.0)
        task = t.started(t.retried(task, at=at), at=at + 5, monotonic=at)
    asked = [("idle", 70.0, 100.0), ("wait", 100.0, 105.0), ("run", 105.0, 115.0), ("idle", 115.0, 200.0), ("wait", 200.0, 205.0)]
    parts = [(part.kind, part.start, part.end) for part in stretches(task, 300.0)]
    assert parts[2:-1] == asked
    assert [title for title, _ in told(task, now=300.0)][-5:-1] == ["Waited", "Attempt 2 failed", "Failed, until it was retried", "Waited"]
    assert {part.status for part in stretches(task, 300.0) if part.kind == "wait"} == {Status.PENDING}


def test_what_an_earlier_version_kept_is_not_told_as_a_wait() -> None:
    failed = t.finished(begun(), FAILED, monotonic=20.0)
    again = t.finished(t.started(t.retried(failed, at=170.0), at=180.0, monotonic=130.0), FAILED, monotonic=140.0)
    unkept = replace(again, attempts=tuple(replace(one, asked_at=None) for one in again.attempts))
    assert [title for title, _ in told(unkept)] == ["Waited", "Attempt 1 failed", "Between two attempts", "Attempt 2 failed"]
    assert [part.kind for part in stretches(unkept, 190.0)] == ["wait", "run", "idle", "run"]
    assert "Failed, until it was retried" in [title for title, _ in told(again)]


def test_attempts_that_come_by_themselves_after_a_retry_by_hand_waited_for_their_time() -> None:
    task = t.finished(begun(a_task(max_attempts=2)), replace(FAILED, retry=False), monotonic=20.0)
    task = t.started(t.retried(task, at=100.0), at=105.0, monotonic=100.0)
    task = t.due(t.retry_planned(task, FAILED, monotonic=110.0, due_at=130.0), at=130.0)
    task = t.started(task, at=130.0, monotonic=125.0)
    kinds = [(part.kind, part.status.value) for part in stretches(task, 140.0)][2:]
    assert kinds == [("idle", "failed"), ("wait", "pending"), ("run", "failed"), ("wait", "retrying"), ("run", "processing")]


def test_before_an_attempt_that_comes_by_itself_it_waited() -> None:
    task = t.retry_planned(begun(), FAILED, monotonic=20.0, due_at=80.0)
    again = t.started(t.due(task, at=80.0), at=80.0, monotonic=30.0)
    assert [part.kind for part in stretches(again, 90.0)] == ["wait", "run", "wait", "run"]


def test_an_expected_end_is_drawn_ahead_and_listed_as_a_guess() -> None:
    task = begun()
    for second in (1, 2, 3):
        task = t.progressed(task, current=second, total=10, message="", monotonic=10.0 + second)
    found = timeline(task, known_until(task))
    assert found.bars[-1].kind == "ahead"
    assert found.entries[-1].ahead
    assert "about" in Reader(found.entries[-1].note).text


def test_a_task_cancelled_between_attempts_shows_that_last_wait() -> None:
    found = timeline(lives()["cancelled between attempts"](), 0.0)
    assert found.entries[-1].title == "Cancelled while it waited"
    assert found.bars[-1].status == Status.CANCELLED


def test_of_many_attempts_the_newest_are_listed_and_all_are_drawn() -> None:
    task = a_task(max_attempts=40)
    for at in range(30):
        task = t.due(
            t.retry_planned(t.started(task, at=60.0 + 10 * at, monotonic=10.0 * at), FAILED, monotonic=10.0 * at + 5, due_at=0), at=0
        )
    found = timeline(task, known_until(task))
    assert len(found.bars) == 61
    assert len(found.entries) == 6
    assert found.hidden == "55 earlier steps are in the bar alone."


def test_the_drawing_of_an_unchanged_task_does_not_change() -> None:
    task = begun()
    assert timeline(task, known_until(task)) == timeline(task, known_until(task))
    assert timeline(task, known_until(task)) != timeline(task, known_until(task) + 5)
