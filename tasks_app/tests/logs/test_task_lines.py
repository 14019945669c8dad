"""What is told of tasks: one line for each that ends, fails, is tried again or does not stop, and never more than a log can bear."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from threading import Event

import pytest
from msgspec.structs import replace

from tasks_app.engine.events import Change
from tasks_app.engine.task import (
    Outcome,
    OutcomeKind,
    Status,
    Task,
    TaskError,
    cancel_requested,
    finished,
    interrupted,
    progressed,
    retry_planned,
    started,
    stuck,
)
from tasks_app.logs.task_lines import BURST, RATE, TaskLines
from tasks_app.tests.engine.leaks import until
from tasks_app.tests.logs.said import Kept, kept

NEW = Task(id="0192", number=7, type="ping", params=b'{"password":"hunter2"}', created_at=0.0, status=Status.PENDING, via="jobs")
RUNS = started(NEW, at=100.0, monotonic=10.0)
ENDED = Outcome(kind=OutcomeKind.COMPLETED, result=b'{"secret": 1}')
FAILED = Outcome(kind=OutcomeKind.FAILED, error=TaskError("Unreachable", "no answer", "Traceback ..."))
WHOSE = {"task": "0192", "number": 7, "type": "ping", "via": "jobs"}
ATTEMPT = {**WHOSE, "attempt": 1, "duration": 2.5}


class Told:
    """A listener with a clock that is set by hand, and what it said."""

    def __init__(self, heard: Kept) -> None:
        self.now = 0.0
        self.heard = heard
        self.lines = TaskLines(clock=lambda: self.now)

    def of(self, before: Task | None, after: Task | None, times: int = 1) -> list[tuple[str, dict[str, object]]]:
        """What is said of a change."""
        self.lines.listen([Change(1, before, after)] * times)
        self.lines.write()
        return self.heard.told


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    monkeypatch.setattr("tasks_app.logs.task_lines.TELL_AFTER", 3600.0)  # a number is told once, however long a flood takes here
    with kept("iotask.tasks") as heard:
        made = Told(heard)
        yield made
        made.lines.close()


def level(told: Told) -> int:
    return told.heard.records[-1].levelno


def test_a_new_task_is_told_to_those_who_want_to_know_everything(told):
    assert told.of(None, NEW) == [("task_launched", WHOSE)]
    assert level(told) == logging.DEBUG


def test_a_task_that_completed_is_told_with_its_attempt_and_seconds(told):
    assert told.of(RUNS, finished(RUNS, ENDED, monotonic=12.5)) == [("task_completed", ATTEMPT)]
    assert level(told) == logging.INFO
    assert told.heard.said == [""]


def test_a_task_that_failed_is_a_warning_with_the_error_and_what_it_said(told):
    assert told.of(RUNS, finished(RUNS, FAILED, monotonic=12.5)) == [("task_failed", {**ATTEMPT, "error": "Unreachable"})]
    assert level(told) == logging.WARNING
    assert told.heard.said == ["no answer"]


def test_an_attempt_that_will_be_made_again_is_told(told):
    after = retry_planned(RUNS, FAILED, monotonic=12.5, due_at=200.0)
    assert told.of(RUNS, after) == [("task_retrying", {**ATTEMPT, "error": "Unreachable"})]
    assert level(told) == logging.INFO


def test_a_cancelled_task_is_told_with_who_asked_and_why(told):
    after = cancel_requested(NEW, by="mira", reason="No longer wanted", at=101.0, monotonic=11.0)
    assert told.of(NEW, after) == [("task_cancelled", {**WHOSE, "by": "mira"})]
    assert (level(told), told.heard.said) == (logging.INFO, ["No longer wanted"])


def test_a_running_task_is_told_when_it_has_stopped_not_when_it_is_asked_to(told):
    asked = cancel_requested(RUNS, by="mira", reason="", at=101.0, monotonic=11.0)
    assert told.of(RUNS, asked) == []
    stopped = finished(asked, Outcome(kind=OutcomeKind.CANCELLED), monotonic=12.5)
    assert told.of(asked, stopped) == [("task_cancelled", {**ATTEMPT, "by": "mira"})]


def test_a_task_the_end_of_the_server_interrupted_is_a_warning(told):
    assert told.of(NEW, interrupted(NEW, at=101.0)) == [("task_interrupted", WHOSE)]
    assert level(told) == logging.WARNING


def test_a_handler_that_does_not_stop_is_told_once(told):
    asked = cancel_requested(RUNS, by="", reason="", at=101.0, monotonic=11.0)
    overstayed = stuck(asked)
    assert told.of(asked, overstayed) == [("task_stuck", {**WHOSE, "attempt": 1})]
    assert level(told) == logging.WARNING
    assert told.of(overstayed, progressed(overstayed, current=1, total=None, message="", monotonic=12.0)) == told.heard.told[:1]


def test_starts_progress_and_deletes_make_no_lines(told):
    told.of(NEW, RUNS)
    told.of(RUNS, progressed(RUNS, current=1, total=2, message="half", monotonic=11.0))
    told.of(RUNS, None)
    assert told.heard.records == []


def test_params_and_results_are_in_no_line(told):
    told.of(None, NEW)
    told.of(RUNS, finished(RUNS, ENDED, monotonic=12.5))
    assert len(told.heard.records) == 2
    assert "hunter2" not in repr([vars(record) for record in told.heard.records])
    assert "secret" not in repr([vars(record) for record in told.heard.records])


@pytest.mark.parametrize("least", [logging.DEBUG, logging.INFO, logging.WARNING])
def test_a_level_leaves_out_what_is_below_it(least):
    with kept("iotask.tasks", least) as heard:
        told = Told(heard)
        for before, after in ((None, NEW), (RUNS, finished(RUNS, ENDED, monotonic=12.5)), (RUNS, finished(RUNS, FAILED, monotonic=12.5))):
            told.of(before, after)
        told.lines.close()
        assert [record.levelno for record in heard.records] == [
            one for one in (logging.DEBUG, logging.INFO, logging.WARNING) if one >= least
        ]


class Unlooked(list[Change]):
    """Changes nobody may look at."""

    def __iter__(self):
        raise AssertionError("looked at")


def test_where_only_errors_are_wanted_no_change_is_looked_at():
    with kept("iotask.tasks", logging.ERROR) as heard:
        lines = TaskLines()
        lines.listen(Unlooked([Change(1, None, NEW)]))
        lines.close()
        assert heard.records == []


def test_a_flood_of_tasks_that_end_well_is_cut_and_the_number_of_lines_left_out_is_told(told):
    after = finished(RUNS, ENDED, monotonic=12.5)
    assert len(told.of(RUNS, after, times=BURST + 5000)) == BURST
    told.lines.close()
    assert told.heard.told[BURST:] == [("lines_dropped", {"lines": 5000})]
    assert level(told) == logging.WARNING


def test_the_number_is_told_though_nothing_else_happens(told, monkeypatch):
    monkeypatch.setattr("tasks_app.logs.task_lines.TELL_AFTER", 0.01)
    heard = told.heard
    told.of(RUNS, finished(RUNS, ENDED, monotonic=12.5), times=BURST + 3)
    assert until(lambda: len(heard.records) > BURST)
    assert heard.told[-1] == ("lines_dropped", {"lines": 3})


def test_with_time_there_is_room_again(told):
    after = finished(RUNS, ENDED, monotonic=12.5)
    told.of(RUNS, after, times=BURST)
    told.now = 1.0
    assert len(told.of(RUNS, after, times=RATE)) == BURST + RATE
    told.now = 1000.0
    assert len(told.of(RUNS, after, times=BURST)) == BURST + RATE + BURST


def test_failures_are_never_left_out_for_the_sake_of_the_rate(told):
    told.of(RUNS, finished(RUNS, ENDED, monotonic=12.5), times=BURST)
    told.of(RUNS, finished(RUNS, FAILED, monotonic=12.5), times=BURST)
    assert [event for event, _ in told.heard.told].count("task_failed") == BURST


def test_of_a_long_line_that_the_end_interrupts_some_are_named_and_of_what_ran_all(told):
    told.of(NEW, interrupted(NEW, at=101.0), times=BURST + 100_000)
    told.of(RUNS, finished(RUNS, replace(ENDED, kind=OutcomeKind.INTERRUPTED), monotonic=12.5), times=BURST)
    told.lines.close()
    assert [event for event, _ in told.heard.told] == ["task_interrupted"] * 2 * BURST + ["lines_dropped"]
    assert told.heard.told[-1] == ("lines_dropped", {"lines": 100_000})


def test_what_a_handler_says_is_not_taken_for_a_pattern(told):
    outcome = replace(FAILED, error=TaskError("Odd", "100 % of %s and %(x)d"))
    told.of(RUNS, finished(RUNS, outcome, monotonic=12.5))
    assert told.heard.said == ["100 % of %s and %(x)d"]


class Stopped(logging.Handler):
    """A handler of somebody else's, which takes its time, and then fails."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.go = Event(), Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.asked.set()
        self.go.wait()
        raise OSError("no log today")


def test_a_log_that_stands_still_holds_up_nobody_who_changes_a_task(told, monkeypatch):
    monkeypatch.setattr("tasks_app.logs.task_lines.MOST", 10)
    slow = Stopped()
    told.lines.close()
    lines = TaskLines()
    logger = logging.getLogger("iotask.tasks")
    logger.addHandler(slow)
    try:
        failed = [Change(1, RUNS, finished(RUNS, FAILED, monotonic=12.5))]
        lines.listen(failed)
        assert slow.asked.wait(60)
        lines.listen(failed * 100)
        assert len(lines._heard) == 10
    finally:
        slow.go.set()
        lines.close()
        logger.removeHandler(slow)
    assert told.heard.told[-1] == ("lines_dropped", {"lines": 90})
    assert [event for event, _ in told.heard.told].count("task_failed") == 11


def test_a_log_that_stands_still_does_not_hold_up_the_end(told, monkeypatch):
    monkeypatch.setattr("tasks_app.logs.task_lines.PATIENCE", 0.1)
    slow, lines = Stopped(), TaskLines()
    logger = logging.getLogger("iotask.tasks")
    logger.addHandler(slow)
    try:
        lines.listen([Change(1, RUNS, finished(RUNS, FAILED, monotonic=12.5))])
        assert slow.asked.wait(60)
        lines.close()
    finally:
        logger.removeHandler(slow)
        slow.go.set()
        lines._thread.join(60)
