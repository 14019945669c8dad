"""The record and its transitions: what is legal, what is not, and what each one writes down."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks_app.engine import task as t
from tasks_app.engine.errors import IllegalTransition
from tasks_app.engine.task import ACTIVE, MAX_ATTEMPTS_KEPT, RETRYABLE, TERMINAL, TRANSITIONS, Status, Task
from tasks_app.tests.engine.records import CANCELLED, DONE, FAILED, IN_STATUS, INTERRUPTED, a_task, begun, cancelling

S = Status
GIVEN_TABLE = """
scheduled    pending cancelled interrupted
pending      processing cancelled interrupted
processing   completed failed retrying cancelling cancelled interrupted
retrying     pending cancelled interrupted
cancelling   cancelled interrupted
completed
failed       pending
cancelled    pending
interrupted  pending
"""
MOVES = {
    "due": (lambda task: t.due(task, at=80.0), {S.SCHEDULED: S.PENDING, S.RETRYING: S.PENDING}),
    "started": (begun, {S.PENDING: S.PROCESSING}),
    "cancel_requested": (
        cancelling,
        {S.SCHEDULED: S.CANCELLED, S.PENDING: S.CANCELLED, S.RETRYING: S.CANCELLED, S.PROCESSING: S.CANCELLING},
    ),
    "completed": (lambda task: t.finished(task, DONE, monotonic=20.0), {S.PROCESSING: S.COMPLETED, S.CANCELLING: S.CANCELLED}),
    "failed": (lambda task: t.finished(task, FAILED, monotonic=20.0), {S.PROCESSING: S.FAILED, S.CANCELLING: S.CANCELLED}),
    "stopped": (lambda task: t.finished(task, CANCELLED, monotonic=20.0), {S.PROCESSING: S.CANCELLED, S.CANCELLING: S.CANCELLED}),
    "cut off": (lambda task: t.finished(task, INTERRUPTED, monotonic=20.0), {S.PROCESSING: S.INTERRUPTED, S.CANCELLING: S.INTERRUPTED}),
    "retry_planned": (lambda task: t.retry_planned(task, FAILED, monotonic=20.0, due_at=90.0), {S.PROCESSING: S.RETRYING}),
    "interrupted": (
        lambda task: t.interrupted(task, at=80.0),
        {S.SCHEDULED: S.INTERRUPTED, S.PENDING: S.INTERRUPTED, S.RETRYING: S.INTERRUPTED},
    ),
    "retried": (lambda task: t.retried(task, at=80.0), {S.FAILED: S.PENDING, S.CANCELLED: S.PENDING, S.INTERRUPTED: S.PENDING}),
}


def test_the_table_is_the_one_we_gave() -> None:
    given_table = {(words := line.split())[0]: set(words[1:]) for line in GIVEN_TABLE.strip().splitlines()}
    assert {status.value: {to.value for to in TRANSITIONS[status]} for status in Status} == given_table


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("move", MOVES)
def test_each_move_leads_where_it_should_or_is_refused(move: str, status: Status) -> None:
    make, allowed = MOVES[move]
    task = IN_STATUS[status]()
    assert task.status is status
    if status not in allowed:
        with pytest.raises(IllegalTransition):
            make(task)
    else:
        after = make(task)
        assert after.status is allowed[status]
        assert after.status in TRANSITIONS[status]


def test_every_legal_transition_is_made_by_some_move() -> None:
    made = {(before, after) for _, allowed in MOVES.values() for before, after in allowed.items()}
    assert made == {(before, after) for before in Status for after in TRANSITIONS[before]}


def test_only_an_explicit_retry_leaves_a_terminal_status() -> None:
    for status in TERMINAL:
        assert TRANSITIONS[status] == ({S.PENDING} if status in RETRYABLE else frozenset())
    assert set(Status) == TERMINAL | ACTIVE


@pytest.mark.parametrize("change", [t.cancel_forced, t.stuck])
def test_only_a_cancelling_task_can_be_forced_or_stuck(change) -> None:
    assert change(cancelling()).status is S.CANCELLING
    for status in set(Status) - {S.CANCELLING}:
        with pytest.raises(IllegalTransition):
            change(IN_STATUS[status]())


def test_a_cancel_remembers_who_asked_why_and_when() -> None:
    cancel = t.stuck(t.cancel_forced(cancelling())).cancel
    assert cancel is not None
    assert (cancel.by, cancel.reason, cancel.at, cancel.since, cancel.forced, cancel.stuck) == ("ann", "no more", 61.0, 11.0, True, True)


def test_an_abandoned_handler_is_said_to_be_so() -> None:
    cancel = t.finished(cancelling(), CANCELLED, monotonic=20.0, abandoned=True).cancel
    assert cancel is not None
    assert cancel.abandoned


def test_an_attempt_knows_its_length_and_its_end_though_the_clock_was_set() -> None:
    task = t.finished(begun(), DONE, monotonic=13.5)
    attempt = task.attempt
    assert attempt is not None
    assert (attempt.seconds, attempt.ended_at, task.ended_at, task.started_at) == (3.5, 63.5, 63.5, 60.0)
    assert task.seconds_running(999.0) == 3.5


def test_running_time_is_summed_over_attempts() -> None:
    task = a_task()
    assert task.seconds_running(5.0) is None
    task = t.due(t.retry_planned(begun(task), FAILED, monotonic=14.0, due_at=70.0), at=70.0)
    task = t.started(task, at=70.0, monotonic=20.0)
    assert task.seconds_running(21.0) == 5.0
    assert task.attempt_number == 2


def test_a_retry_adds_attempts_and_forgets_how_the_last_one_ended() -> None:
    task = t.retried(t.finished(begun(a_task(max_attempts=3)), FAILED, monotonic=20.0), at=80.0)
    assert (task.attempts_before, task.attempts_allowed, len(task.attempts)) == (1, 4, 1)
    assert (task.error, task.result, task.ended_at, task.cancel, task.waiting_since) == (None, None, None, None, 80.0)


def test_only_the_last_fifty_attempts_are_kept_but_their_numbers_go_on() -> None:
    task = a_task()
    for _ in range(MAX_ATTEMPTS_KEPT + 10):
        task = t.due(t.retry_planned(begun(task), FAILED, monotonic=11.0, due_at=70.0), at=70.0)
    assert [attempt.number for attempt in task.attempts] == list(range(11, 61))


def test_a_new_attempt_begins_without_progress_result_or_error() -> None:
    task = t.progressed(begun(), current=5, total=10, message="half", monotonic=11.0)
    task = t.due(t.retry_planned(task, FAILED, monotonic=12.0, due_at=70.0), at=70.0)
    assert task.error is not None
    task = begun(task)
    assert (task.progress, task.error, task.result) == (None, None, None)


def test_a_record_goes_to_json_and_comes_back_the_same() -> None:
    for make in IN_STATUS.values():
        task = make()
        assert msgspec.json.decode(msgspec.json.encode(task), type=Task) == task


# -- rate and time left


def steady(task: Task, speed: float, step: float, steps: int, total: float | None = None) -> Task:
    for number in range(1, steps + 1):
        task = t.progressed(task, current=number * step * speed, total=total, message="", monotonic=10.0 + number * step)
    return task


@given(speed=st.floats(0.01, 1e6), step=st.floats(0.01, 50), steps=st.integers(2, 60))
def test_a_steady_rate_is_right_from_the_second_word_on(speed: float, step: float, steps: int) -> None:
    progress = steady(begun(), speed, step, steps).progress
    assert progress is not None
    assert progress.rate == pytest.approx(speed, rel=1e-6)


def test_a_first_unit_that_comes_at_once_promises_nothing() -> None:
    task = t.progressed(begun(), current=1, total=200, message="", monotonic=10.01)
    assert task.progress is not None
    assert task.progress.eta_seconds is None
    task = t.progressed(task, current=2, total=200, message="", monotonic=11.01)
    assert task.progress is not None
    assert task.progress.eta_seconds == pytest.approx(198)


def test_saying_zero_at_the_begin_does_not_slow_the_rate() -> None:
    task = t.progressed(begun(), current=0, total=200, message="", monotonic=10.001)
    for second in range(1, 6):
        task = t.progressed(task, current=second, total=200, message="", monotonic=10.0 + second)
    assert task.progress is not None
    assert task.progress.rate == pytest.approx(1.0, rel=0.01)
    assert task.progress.eta_seconds == pytest.approx(195, rel=0.01)


def test_a_change_of_speed_is_followed_within_half_a_minute() -> None:
    task = steady(begun(), 100.0, 1.0, 60)
    for second in range(1, 31):
        task = t.progressed(task, current=6000 + second, total=None, message="", monotonic=70.0 + second)
    assert task.progress is not None
    assert task.progress.rate == pytest.approx(6, abs=1)


def test_going_back_forgets_the_rate() -> None:
    task = t.progressed(steady(begun(), 10.0, 1.0, 5), current=3, total=None, message="", monotonic=16.0)
    assert task.progress is not None
    assert task.progress.rate is None
    task = t.progressed(task, current=5, total=None, message="", monotonic=17.0)
    assert task.progress is not None
    assert task.progress.rate == pytest.approx(2.0)


@pytest.mark.parametrize(("current", "total", "seconds"), [(0, 10, 1), (1, None, 1), (1, 10, 0), (1, 10, 1)])
def test_the_time_left_is_not_guessed_where_it_cannot_be_known(current: float, total: float | None, seconds: float) -> None:
    progress = t.progressed(begun(), current=current, total=total, message="", monotonic=10.0 + seconds).progress
    assert progress is not None
    assert progress.eta_seconds is None


@given(st.lists(st.tuples(st.floats(0, 2.0**53), st.floats(0, 1e7)), max_size=30))
def test_the_rate_is_always_a_finite_number_or_unknown(reports: list[tuple[float, float]]) -> None:
    task, now = begun(), 10.0
    for current, pause in reports:
        now += pause
        task = t.progressed(task, current=current, total=None, message="", monotonic=now)
        assert task.progress is not None
        assert task.progress.rate is None or (math.isfinite(task.progress.rate) and task.progress.rate >= -1e-3)
