"""Durations as bars that double, from milliseconds to a day."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks_app.engine.durations import Durations
from tasks_app.presenters.histogram import HEIGHT, LEAST, WIDTH, Histogram, histogram
from tasks_app.presenters.words import THIN


def drawn(*seconds: float) -> Histogram:
    taken = Durations()
    for one in seconds:
        taken.add(one)
    found = histogram(taken)
    assert found is not None
    return found


def counts(found: Histogram) -> list[int]:
    return [int(re.sub(r"\D", "", bar.title.split(" ")[0])) for bar in found.bars]


def test_without_runs_there_is_nothing_to_draw() -> None:
    assert histogram(Durations()) is None


def test_minutes_and_hours_have_bars_of_their_own() -> None:
    found = drawn(*[29.0] * 50, *[125.0] * 5, 3600.0, 9.2 * 3600)
    assert sum(counts(found)) == 57
    assert [count for count in counts(found) if count] == [50, 5, 1, 1]
    assert [mark.text for mark in found.times] == ["10\u202fs", "1\u202fm", "10\u202fm", "1\u202fh", "6\u202fh", "1\u202fd"]
    assert found.sentence.replace(THIN, " ").endswith("Half of 57 runs ended within 29 s, 95 % within 2 m 01 s; the longest took 9 h 12 m.")


def test_milliseconds_have_bars_of_their_own() -> None:
    found = drawn(0.002, 0.02, 0.2)
    assert [count for count in counts(found) if count] == [1, 1, 1]
    assert f"10{THIN}ms" in [mark.text for mark in found.times]


def test_percentiles_that_stand_close_together_share_a_label() -> None:
    assert [mark.text for mark in drawn(*[5.0] * 20).percentiles] == ["p50, p95, p99"]
    assert [mark.text for mark in drawn(*[1.0] * 90, *[60.0] * 8, *[4000.0] * 2).percentiles] == ["p50", "p95", "p99"]


def test_a_single_run_says_itself() -> None:
    assert drawn(3.0).sentence.replace(THIN, " ") == "Each bar spans twice the time of the one before. The only run took 3 s."


@given(st.lists(st.floats(0, 1e7), min_size=1, max_size=50))
def test_every_run_is_in_a_bar_and_every_bar_in_the_drawing(seconds: list[float]) -> None:
    found = drawn(*seconds)
    assert sum(counts(found)) == len(seconds)
    assert len(found.bars) >= LEAST
    for bar in found.bars:
        assert 0 <= float(bar.x) < float(bar.x) + float(bar.width) <= WIDTH
        assert float(bar.y) + float(bar.height) == pytest.approx(HEIGHT, abs=0.11)
        assert 0 <= float(bar.y) <= HEIGHT
    places = [float(mark.x.removesuffix("%")) for mark in (*found.percentiles, *found.times)]
    assert all(0 <= place <= 100 for place in places)


@given(st.integers(1, 100_000))
def test_the_scale_of_counts_is_of_whole_numbers_and_holds_the_highest_bar(count: int) -> None:
    taken = Durations()
    taken.add(1.0)
    taken.count, taken._buckets[next(iter(taken._buckets))] = count, count
    found = histogram(taken)
    assert found is not None
    top, middle, bottom = (int(re.sub(r"\D", "", text)) for text in found.counts)
    assert (bottom, top) == (0, 2 * middle)
    assert top >= count
