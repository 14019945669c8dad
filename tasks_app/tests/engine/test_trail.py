"""What a task leaves behind is bounded, and merging loses no extreme and no count."""

from __future__ import annotations

import gc
import threading
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import force_setattr

from tasks_app.engine.sentences import Draft
from tasks_app.engine.trail import MAX_LINE_LENGTH, MAX_LINES, MAX_POINTS, MAX_SERIES, LogLine, Point, Series, Trail


def say(trail: Trail, text: str, level: str = "info") -> None:
    trail.log(at=1.0, seconds=0.0, attempt=1, level=level, text=text)


def test_the_newest_lines_are_kept_and_the_dropped_ones_counted() -> None:
    trail = Trail()
    for number in range(1, MAX_LINES + 51):
        say(trail, f"line {number}")
    assert [line.seq for line in trail.lines()] == list(range(51, MAX_LINES + 51))
    assert trail.dropped == 50


def test_a_line_is_cut_where_it_gets_too_long() -> None:
    trail = Trail()
    say(trail, "x" * 50_000_000)
    say(trail, "y" * MAX_LINE_LENGTH)
    long, whole = trail.lines()
    assert long.text == "x" * (MAX_LINE_LENGTH - 1) + "…"
    assert whole.text == "y" * MAX_LINE_LENGTH


def test_lines_can_be_asked_for_by_level_and_behind_one() -> None:
    trail = Trail()
    for level in ("debug", "info", "warning", "error", "no such level"):
        say(trail, level, level)
    assert [line.text for line in trail.lines(level="warning")] == ["warning", "error"]
    assert [line.text for line in trail.lines(after=4)] == ["no such level"]
    assert trail.lines()[-1].level == "info"


def test_series_beyond_the_eighth_are_not_kept() -> None:
    trail = Trail()
    for number in range(MAX_SERIES + 5):
        trail.measure(f"series {number}", 1.0, seconds=0.0, unit="")
    assert len(trail.series) == MAX_SERIES


def test_the_version_rises_with_every_line_and_value() -> None:
    trail = Trail()
    say(trail, "a")
    trail.measure("s", 1.0, seconds=0.0, unit="ms")
    trail.measure("s", None, seconds=0.0, unit="ms")
    assert trail.version == 3


def filled(values: list[float | None]) -> Series:
    series = Series("round trip", "ms")
    for second, value in enumerate(values):
        series.add(float(second), value)
    return series


@given(st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=1, max_size=20), st.integers(1, 400))
def test_merging_keeps_extremes_counts_and_the_mean(values: list[float | None], times: int) -> None:
    series = filled(values * times)
    known = [v for v in values if v is not None] * times
    assert len(series.points) <= MAX_POINTS
    assert sum(point.count for point in series.points) == series.count == len(values) * times
    assert sum(point.lost for point in series.points) == series.lost == len(values) * times - len(known)
    assert min((p.low for p in series.points if p.low is not None), default=None) == series.low == min(known, default=None)
    assert max((p.high for p in series.points if p.high is not None), default=None) == series.high == max(known, default=None)
    if known:
        merged = sum(p.value * (p.count - p.lost) for p in series.points if p.value is not None) / len(known)
        assert merged == pytest.approx(sum(known) / len(known), rel=1e-6, abs=1e-3)
        assert series.mean == pytest.approx(merged, rel=1e-6, abs=1e-3)
    else:
        assert series.mean is None


def test_a_short_series_is_kept_as_it_is() -> None:
    series = filled([float(n) for n in range(MAX_POINTS)])
    assert [point.value for point in series.points] == list(range(MAX_POINTS))


@pytest.mark.parametrize("length", [601, 6_000, 100_000])
def test_the_first_half_of_a_long_run_is_drawn_as_finely_as_the_second(length: int) -> None:
    points = filled([1.0] * length).points
    assert len(points) >= MAX_POINTS // 2
    assert len({point.count for point in points[:-1]}) == 1
    assert [point.seconds for point in points] == [n * points[0].count for n in range(len(points))]


def test_several_threads_lose_no_line() -> None:
    trail = Trail()

    def talk() -> None:
        for _ in range(500):
            say(trail, "x")
            trail.measure("s", 1.0, seconds=0.0, unit="")

    threads = [threading.Thread(target=talk) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert trail.lines_written == trail.series["s"].count == 2_000


class Circle:
    """Garbage with last words."""

    def __init__(self, trail: Trail) -> None:
        self.trail, self.itself = trail, self

    def __del__(self) -> None:
        say(self.trail, "last words")


@pytest.mark.timeout(120)
def test_garbage_that_is_found_while_a_trail_is_written_may_have_last_words_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a session that nobody closed has, or a coroutine that failed and that nobody waited for: their handler's thread looks for garbage
    in the midst of what it writes."""
    trail = Trail()

    def found(self: Series, *_: Any) -> None:
        gc.collect()

    def numbered(line: LogLine, name: str, value: int) -> None:
        gc.collect()
        force_setattr(line, name, value)

    monkeypatch.setattr(Series, "add", found)
    monkeypatch.setattr("tasks_app.engine.trail.force_setattr", numbered)
    Circle(trail)
    trail.measure("rtt", 1.0, seconds=0.0, unit="ms")
    Circle(trail)
    say(trail, "a line")
    assert sorted(line.text for line in trail.lines()) == ["a line", "last words", "last words"]
    assert sorted(line.seq for line in trail.lines()) == [1, 2, 3]


class Spoken(Draft, frozen=True):
    """Counts how often it was put together."""

    number: int
    read: ClassVar[list[int]] = []

    def __str__(self) -> str:
        self.read.append(self.number)
        return f"line {self.number}"


def test_a_draft_is_put_together_when_its_line_is_read_and_not_before() -> None:
    trail = Trail()
    for number in range(3):
        trail.log(at=1.0, seconds=0.0, attempt=1, level="info", text=Spoken(number))
    assert trail.size > 0
    assert Spoken.read == []
    assert [line.text for line in trail.lines(after=1)] == ["line 1", "line 2"]
    assert Spoken.read == [1, 2]


@pytest.mark.parametrize("length", [3, MAX_POINTS, MAX_POINTS + 1])
def test_a_second_attempt_goes_on_in_the_series_of_the_first(length: int) -> None:
    series = filled([1.0, None, *[2.0] * length])
    before = series.count
    series.add(0.5, 7.0, attempt=2)
    assert series.points[-1] == Point(0.5, 7.0, 7.0, 7.0, attempt=2)
    assert {point.attempt for point in series.points[:-1]} == {1}
    assert sum(point.count for point in series.points) == series.count == before + 1
    assert (series.low, series.high, series.lost, series.last) == (1.0, 7.0, 1, 7.0)
