"""The pulse: minutes of the last hour and quarters of the last day, against a simple model and clocks that are set."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks_app.engine import task as t
from tasks_app.engine.pulse import DAY, HOUR, MINUTE, QUARTER, Pulse, Slot, Span
from tasks_app.engine.store import Store
from tasks_app.engine.task import Outcome, Status, Task
from tasks_app.tests.engine.records import CANCELLED, DONE, FAILED, INTERRUPTED, a_task, begun

NOON = 1_800_000_000.0  # a full minute and a full quarter


class Clock:
    """Both clocks stand where they are put."""

    def __init__(self, wall: float = NOON) -> None:
        self.wall, self.steady = wall, 5_000.0

    def time(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.steady

    def go_on(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


class Beating:
    """A store with a pulse."""

    def __init__(self, wall: float = NOON) -> None:
        self.clock = Clock(wall)
        self.store = Store()
        self.pulse = Pulse(self.clock)
        self.store.listen(self.pulse.listen)

    def launch(self, kind: str = "scripted") -> Task:
        return self.store.add([a_task(self.store.next_number(), type=kind)])[0]

    def begin(self, task: Task) -> None:
        self.store.update(task.number, begun)

    def end(self, task: Task, how: Outcome = DONE, seconds: float = 1.0) -> None:
        self.store.update(task.number, lambda now: t.finished(now, how, monotonic=10.0 + seconds))


def totals(span: Span) -> tuple[int, int, int]:
    return sum(slot.accepted for slot in span.slots), sum(slot.started for slot in span.slots), sum(slot.ended() for slot in span.slots)


ENDS = {"done": DONE, "failed": FAILED, "cancelled": CANCELLED, "interrupted": INTERRUPTED}
COLUMNS = ("launch", "begin", *ENDS)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.floats(0.0, 200.0)),
        st.tuples(st.just("wait"), st.floats(0.0, 40_000.0)),
        st.tuples(st.just("set"), st.floats(-90_000.0, 90_000.0)),
        st.tuples(st.just("look"), st.integers(0, 1000)),
        st.tuples(st.sampled_from(["launch", "begin", *ENDS]), st.sampled_from(["ping", "count"])),
    ),
    max_size=80,
)


class Model:
    """All that ever happened, each with the steady time at which it did; slots are counted out of it anew."""

    def __init__(self, clock: Clock) -> None:
        self.ahead = clock.time() - clock.monotonic()
        self.happened: list[tuple[float, str, Any]] = []

    def slots(self, now: float, seconds: int, count: int) -> list[dict[str, Any]]:
        last = int((now + self.ahead) // seconds)
        return [self._slot(index, seconds) for index in range(last - count + 1, last + 1)]

    def _slot(self, index: int, seconds: int) -> dict[str, Any]:
        here = [(word, what) for at, word, what in self.happened if int((at + self.ahead) // MINUTE) * MINUTE // seconds == index]
        counts: dict[str, list[int]] = {}
        for word, what in here:
            if word != "look":
                counts.setdefault(what, [0] * len(COLUMNS))[COLUMNS.index(word)] += 1
        return {
            "counts": counts,
            "took": sum(word == "done" for word, _ in here),
            "waiting": max((what for word, what in here if word == "look"), default=None),
        }


def counted(slot: Slot) -> dict[str, Any]:
    return {"counts": slot.counts, "took": slot.durations.count, "waiting": slot.waiting}


@given(STEPS, st.floats(0.0, 900.0))
def test_slots_hold_what_a_simple_model_counts_whoever_sets_the_clock(steps: list[tuple[str, Any]], past_noon: float) -> None:
    beating = Beating(NOON + past_noon)
    model, waiting, running = Model(beating.clock), [], []
    for word, what in steps:
        now = beating.clock.steady
        if word == "wait":
            beating.clock.go_on(what)
        elif word == "set":
            beating.clock.wall += what
        elif word == "look":
            beating.pulse.look(what, 0, 0.0)
            model.happened.append((now, "look", what))
        elif word == "launch":
            waiting.append(beating.launch(what))
            model.happened.append((now, "launch", what))
        elif word == "begin" and waiting:
            running.append(waiting.pop(0))
            beating.begin(running[-1])
            model.happened.append((now, "begin", running[-1].type))
        elif word in ENDS and running:
            task = running.pop(0)
            beating.end(task, ENDS[word])
            model.happened.append((now, word, task.type))
    hour, day = beating.pulse.last_hour(), beating.pulse.last_day()
    steady = beating.clock.steady
    assert [counted(slot) for slot in hour.slots] == model.slots(steady, MINUTE, HOUR)
    assert [counted(slot) for slot in day.slots] == model.slots(steady, QUARTER, DAY)


def test_slots_begin_at_full_minutes_and_quarters() -> None:
    beating = Beating(NOON + 17 * 60 + 12.5)
    hour, day = beating.pulse.last_hour(), beating.pulse.last_day()
    assert [slot.at for slot in hour.slots] == [NOON + 60 * (17 - back) for back in range(59, -1, -1)]
    assert [slot.at for slot in day.slots] == [NOON + 900 * (1 - back) for back in range(95, -1, -1)]


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_a_clock_that_is_set_moves_the_slots_after_it_and_none_before(jump: float) -> None:
    beating = Beating()
    beating.launch()
    beating.clock.go_on(60)
    beating.clock.wall += jump
    beating.launch()
    hour = beating.pulse.last_hour()
    assert [slot.at for slot in hour.slots[-2:]] == [NOON, NOON + 60 + jump]
    assert [slot.accepted for slot in hour.slots[-2:]] == [1, 1]


def test_a_clock_that_drifts_leaves_minutes_full() -> None:
    beating = Beating()
    beating.clock.wall += 0.4
    beating.clock.go_on(60)
    assert beating.pulse.last_hour().slots[-1].at == NOON + 60


def test_no_more_is_kept_than_an_hour_of_minutes_and_a_day_of_quarters() -> None:
    beating = Beating()
    for _ in range(1000):
        beating.clock.go_on(170)
        beating.launch()
    assert len(beating.pulse._minutes) <= HOUR
    assert len(beating.pulse._quarters) <= DAY


def test_durations_are_told_by_slot() -> None:
    beating = Beating()
    for seconds in (1.0, 2.0, 300.0):
        task = beating.launch()
        beating.begin(task)
        beating.end(task, DONE, seconds)
    last = beating.pulse.last_hour().slots[-1]
    assert last.durations.quantile(0.5) == pytest.approx(2.0, rel=0.0501)
    assert beating.pulse.last_day().slots[-1].durations.quantile(1.0) == pytest.approx(300.0, rel=0.0501)


def test_what_was_most_is_kept_of_a_slot() -> None:
    beating = Beating()
    for waiting, running, delay in ((3, 8, 0.01), (9, 2, 0.5), (0, 0, 0.0)):
        beating.pulse.look(waiting, running, delay)
    for span in (beating.pulse.last_hour(), beating.pulse.last_day()):
        assert (span.slots[-1].waiting, span.slots[-1].running, span.slots[-1].delay) == (9, 8, 0.5)
        assert span.slots[0].waiting is None, "nobody looked"


def test_what_a_reader_has_stays_as_it_was() -> None:
    beating = Beating()
    before = beating.pulse.last_hour(), beating.pulse.last_day()
    beating.launch()
    assert [totals(span) for span in before] == [(0, 0, 0)] * 2


def test_progress_deletes_and_a_wait_for_another_attempt_are_no_ends() -> None:
    beating = Beating()
    task = beating.launch()
    beating.begin(task)
    beating.store.update(task.number, lambda now: t.progressed(now, current=1, total=None, message="", monotonic=11.0))
    beating.store.update(task.number, lambda now: t.retry_planned(now, FAILED, monotonic=11.0, due_at=70.0))
    beating.store.delete(task.number)
    assert totals(beating.pulse.last_hour()) == (1, 1, 0)


def _ended(number: int, ago: float, how: Outcome = DONE) -> Task:
    """Launched two minutes before it began, a minute after which it ended, so long ago."""
    task = t.started(a_task(number, created_at=NOON - ago - 180), at=NOON - ago - 60, monotonic=0.0)
    return t.finished(task, how, monotonic=60.0)


def test_kept_tasks_of_an_earlier_process_are_counted_where_they_ended() -> None:
    pulse = Pulse(Clock())
    pulse.restore([_ended(1, 30.0), _ended(2, 30.0, FAILED), _ended(3, 7200.0), _ended(4, 2 * 86_400.0)])
    hour, day = pulse.last_hour(), pulse.last_day()
    assert hour.told
    assert totals(hour) == (2, 2, 2)
    assert (hour.slots[-2].ended(Status.COMPLETED), hour.slots[-2].ended(Status.FAILED), hour.slots[-2].ended_of("scripted")) == (1, 1, 2)
    assert hour.slots[-2].ended_of("ping") == 0
    assert hour.slots[-2].durations.quantile(0.5) == pytest.approx(60.0, rel=0.0501)
    assert totals(day) == (3, 3, 3)


def test_what_was_restored_in_the_open_minute_is_counted_once() -> None:
    clock = Clock(NOON + 50)
    pulse = Pulse(clock)
    pulse.restore([a_task(1, created_at=NOON + 10)])
    clock.go_on(60)
    assert totals(pulse.last_hour()) == totals(pulse.last_day()) == (1, 0, 0)


def test_tasks_from_the_future_and_from_long_ago_tell_nothing() -> None:
    pulse = Pulse(Clock())
    pulse.restore([a_task(1, created_at=NOON + 4000), a_task(2, created_at=NOON - 90_000)])
    assert totals(pulse.last_day()) == (0, 0, 0)
    assert not pulse.last_day().told
