"""Drawings of slots: scales with round marks, bars on top of one another, spans, areas with gaps."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from tasks_app.presenters import plots
from tasks_app.presenters.plots import HEIGHT, WIDTH

BAR = re.compile(r"M([\d.]+) (-?[\d.]+)h[\d.]+v([\d.]+)h-[\d.]+z")


def bars(path: str) -> list[tuple[float, float, float]]:
    return [(float(x), float(top), float(tall)) for x, top, tall in BAR.findall(path)]


@given(st.integers(0, 10**9))
def test_a_scale_of_counts_has_whole_marks_and_room_for_the_highest(highest: int) -> None:
    scale = plots.counts(highest)
    assert scale.high >= highest
    assert all("." not in tick.label for tick in scale.ticks)
    assert [tick.y for tick in scale.ticks] == [0.0, 47.5, 95.0, 142.5, 190.0]


@given(st.lists(st.floats(1e-5, 1e8), max_size=20))
def test_a_scale_of_durations_holds_all_of_them(values: list[float]) -> None:
    scale = plots.durations(values)
    assert 2 <= len(scale.ticks) <= 6
    assert all(0 <= tick.y <= HEIGHT for tick in scale.ticks)
    assert all(0 <= scale.y(value) <= HEIGHT for value in values)
    assert [tick.y for tick in scale.ticks] == sorted(tick.y for tick in scale.ticks), "from the highest to the lowest"


def test_minutes_and_hours_have_marks_of_their_own() -> None:
    labels = [tick.label.replace("\u202f", " ") for tick in plots.durations([20.0, 9000.0]).ticks]
    assert labels == ["6 h", "1 h", "10 m", "1 m", "10 s"]


def test_a_tenfold_is_as_far_wherever_it_is() -> None:
    scale = plots.durations([0.001, 86_400.0])
    steps = [scale.y(value) - scale.y(10 * value) for value in (0.01, 1.0, 500.0)]
    assert max(steps) - min(steps) < 1e-9


def test_bars_stand_on_those_before_them() -> None:
    scale = plots.counts(4)
    below, above = plots.stacked([[1, 0], [2, 4]], scale)
    assert bars(below) == [(50.0, 142.5, 47.5)]
    assert bars(above) == [(50.0, 47.5, 95.0), (550.0, 0.0, 190.0)]


def test_little_among_much_is_seen() -> None:
    (path,) = plots.stacked([[1, 10_000]], plots.counts(10_000))
    assert bars(path)[0][2] == plots.THINNEST


def test_nothing_is_no_bar() -> None:
    assert plots.stacked([[0, 0]], plots.counts(0)) == [""]
    assert plots.stacked([], plots.counts(0)) == []


def test_a_span_goes_from_half_to_most_where_both_are_known() -> None:
    scale = plots.durations([1.0, 100.0])
    block, line = plots.spans([1.0, None], [100.0, None], scale)
    ((_, top, tall),) = bars(block)
    assert (top, round(top + tall, 1)) == (round(scale.y(100.0), 1), round(scale.y(1.0), 1))
    assert line == f"M50.0 {scale.y(1.0):.1f}h400.0"


def test_a_line_has_a_gap_where_nothing_is_known() -> None:
    under, line = plots.area([4, 4, None, 2], plots.counts(4))
    assert line == f"M125.0 0.0 375.0 0.0M875.0 {HEIGHT / 2}h.01"
    assert under.count("Z") == 2
    assert plots.area([None, None], plots.counts(0)) == ("", "")
    assert WIDTH == 1000
