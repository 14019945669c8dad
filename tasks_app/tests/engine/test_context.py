"""A handler's door to the world takes whatever it is given."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from types import FrameType
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks_app.engine.context import MAX_MESSAGE, Context, Report, Stop
from tasks_app.engine.errors import TaskCancelled
from tasks_app.engine.sentences import Draft
from tasks_app.engine.task import OutcomeKind
from tasks_app.engine.trail import Trail


class Clock:
    """Stands where it is put."""

    now = 10.0

    def time(self) -> float:
        return 1000.0 + self.now

    def monotonic(self) -> float:
        return self.now


class Door:
    """A context, and all that came through it."""

    def __init__(self, blocking: bool = False) -> None:
        self.reports: list[Report] = []
        self.trail = Trail()
        self.clock = Clock()
        self.context = Context(
            task_id="id-1",
            number=1,
            type="scripted",
            attempt=1,
            clock=self.clock,
            trail=lambda: self.trail,
            report=lambda number, attempt, report: self.reports.append(report),
            blocking=blocking,
        )


def test_what_is_left_out_of_progress_stays_as_it_was() -> None:
    door = Door()
    door.context.progress(1, 10, "first")
    door.context.progress(2)
    door.context.progress(message="third")
    assert door.reports == [(1, 10, "first"), (2, 10, "first"), (2, 10, "third")]


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), float("-inf"), True, "5", None, [], 10**400, -(10**400), 2**53 + 1, 1j])
def test_what_is_no_number_is_no_progress(odd: Any) -> None:
    door = Door()
    door.context.progress(3, 10)
    door.context.progress(odd, odd)
    assert door.reports[-1] == (3, 10, "")


def test_a_count_is_held_at_its_total() -> None:
    door = Door()
    door.context.progress(2.0, 1.0)
    door.context.progress(5, -3)
    assert door.reports == [(1.0, 1.0, ""), (1.0, 1.0, "")]


def test_a_count_does_not_go_back_unless_a_new_one_begins() -> None:
    door = Door()
    for current, total in ((5, 10), (3, 10), (0, 10), (4, 10), (2, 5)):
        door.context.progress(current, total)
    assert [report[0] for report in door.reports] == [5, 5, 0, 4, 2]


@pytest.mark.parametrize(
    "odd", [-1, float("nan"), float("inf"), "5", True, pytest.param(10**5000, id="huge"), 11, 2, pytest.param(object(), id="thing")]
)
def test_odd_progress_is_said_once_in_the_log_however_often_it_comes(odd: Any) -> None:
    door = Door()
    door.context.progress(3, 10)
    for _ in range(1000):
        door.context.progress(odd)
    assert [line.level for line in door.trail.lines()] == ["warning"]
    assert door.trail.lines()[0].text.startswith("Odd progress: ")
    assert door.reports[-1][0] in (3, 10)


def test_what_is_left_out_or_begins_anew_is_not_odd() -> None:
    door = Door()
    for current, total in ((None, None), (1, 10), (None, 20), (20, None), (0, None), (5, None), (1, 3), (3, 3)):
        door.context.progress(current, total)
    assert door.trail.lines() == []


@given(st.one_of(st.floats(), st.integers(), st.booleans(), st.none(), st.text(st.characters())), st.text(st.characters()))
def test_whatever_a_handler_says_can_be_written_as_json(value: Any, text: str) -> None:
    door = Door()
    door.context.progress(value, value, text)
    door.context.log(text, text)
    door.context.measure(text, value if not isinstance(value, str) else None, text)
    series = [(s.name, s.unit, s.points) for s in door.trail.series.values()]
    assert msgspec.json.encode((door.reports, door.trail.lines(), series))


def test_a_file_name_that_is_not_text_is_spelled_out() -> None:
    door = Door()
    door.context.log("cannot open \udcff.txt")
    assert door.trail.lines()[0].text == "cannot open \\udcff.txt"


def test_messages_are_cut() -> None:
    door = Door()
    door.context.progress(message="x" * 10_000)
    assert door.reports[-1][2] == "x" * MAX_MESSAGE


def test_line_breaks_begin_new_lines_and_nothing_is_a_line_too() -> None:
    door = Door()
    door.clock.now = 12.5
    door.context.log("one\ntwo\r\nthree")
    door.context.log("")
    lines = door.trail.lines()
    assert [line.text for line in lines] == ["one", "two", "three", ""]
    assert (lines[0].at, lines[0].seconds, lines[0].attempt) == (1012.5, 2.5, 1)


def test_a_huge_message_costs_a_bounded_number_of_lines() -> None:
    door = Door()
    door.context.log("\n" * 10_000_000)
    assert door.trail.lines_written <= 20_000


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), "x", True, 10**400])
def test_what_is_no_number_is_not_measured(odd: Any) -> None:
    door = Door()
    door.context.measure("s", odd)
    assert not door.trail.series


def test_a_lost_value_is_measured_as_lost() -> None:
    door = Door()
    door.context.measure("s", None, "ms")
    assert (door.trail.series["s"].lost, door.trail.series["s"].unit) == (1, "ms")


def test_after_the_end_nothing_is_heard() -> None:
    door = Door()
    door.context.end()
    door.context.progress(1, 2)
    door.context.log("late")
    door.context.measure("s", 1.0)
    assert (door.reports, door.trail.lines(), door.trail.series) == ([], [], {})


def test_the_first_reason_to_stop_stays() -> None:
    context = Door().context
    assert not context.cancelled
    context.request_stop(Stop(OutcomeKind.TIMED_OUT, "first"))
    context.request_stop(Stop(OutcomeKind.CANCELLED, "second"))
    assert context.cancelled
    assert context.stop is not None
    assert context.stop.reason == "first"


def test_a_waiting_function_leaves_at_once_when_it_is_to_stop() -> None:
    context = Door(blocking=True).context
    threading.Timer(0.05, context.request_stop, [Stop(OutcomeKind.CANCELLED, "asked")]).start()
    with pytest.raises(TaskCancelled, match="asked"):
        context.wait(3600)
    with pytest.raises(TaskCancelled):
        context.check()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("line", range(1, 40))
def test_a_signal_may_ask_it_to_stop_between_any_two_lines_of_its_wait(line: int) -> None:
    """The thread that waits is the one that handles signals: a lock that it has just then is never to be had."""
    context, left = Door(blocking=True).context, line

    def traced(frame: FrameType, event: str, arg: Any) -> Any:
        nonlocal left
        left -= event == "line"
        if left == 0:
            context.request_stop(Stop(OutcomeKind.CANCELLED))
        return traced

    before = sys.gettrace()
    sys.settrace(traced)
    try:
        with contextlib.suppress(TaskCancelled):
            context.wait(0)
    finally:
        sys.settrace(before)


@pytest.mark.timeout(120)
def test_all_that_wait_are_woken_and_nobody_waits_again() -> None:
    context, left = Door(blocking=True).context, []

    def wait() -> None:
        with pytest.raises(TaskCancelled):
            context.wait(100)
        left.append(1)

    threads = [threading.Thread(target=wait, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    context.request_stop(Stop(OutcomeKind.CANCELLED))
    for thread in threads:
        thread.join()
    wait()
    assert len(left) == 4


def test_wait_is_not_for_coroutines() -> None:
    with pytest.raises(TypeError, match=r"context\.sleep"):
        Door().context.wait(0)


def test_a_cancelled_function_passes_through_a_broad_except() -> None:
    assert not issubclass(TaskCancelled, Exception)


def test_seconds_count_from_the_begin_of_the_attempt() -> None:
    door = Door()
    door.clock.now = 17.0
    assert door.context.seconds == 7.0


def test_a_handler_cannot_write_why_it_stops() -> None:
    context = Door().context
    for name in ("stop", "ended", "cancelled"):
        with pytest.raises(AttributeError):
            setattr(context, name, 1)


class Spoken(Draft, frozen=True):
    """A text that must not be put together."""

    number: int

    def __str__(self) -> str:
        raise AssertionError("nobody has read it")


def test_a_draft_is_handed_on_as_it_is_by_log_and_progress() -> None:
    door = Door()
    door.context.progress(1, 2, Spoken(1))
    door.context.log(Spoken(2), "warning")
    assert door.reports == [(1, 2, Spoken(1))]
    assert door.trail.lines_written == 1


async def test_a_sleep_that_is_cancelled_leaves_no_timer_that_would_wake_it() -> None:
    door = Door()
    asleep = asyncio.create_task(door.context.sleep(0.01))
    await asyncio.sleep(0)
    asleep.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asleep
    await door.context.sleep(0.02)  # the other's time has passed: an error in its timer would fail this test
    assert asleep.cancelled()


@pytest.mark.parametrize("seconds", [0, -1, 0.001])
async def test_a_sleep_of_any_length_gives_others_a_turn(seconds: float) -> None:
    turns: list[int] = []
    asyncio.get_running_loop().call_soon(turns.append, 1)
    await Door().context.sleep(seconds)
    assert turns == [1]
