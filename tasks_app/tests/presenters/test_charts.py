"""Charts draw every value that came back, mark those that did not, and say the same in words."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from django.utils import translation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks_app.engine.trail import MAX_POINTS, Series
from tasks_app.presenters.axes import round_up, time_axis, value_axis
from tasks_app.presenters.charts import HEIGHT, WIDTH, Chart, chart
from tasks_app.presenters.readings import value_text
from tasks_app.tests.presenters.pages import UNHURRIED

NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
values = st.floats(allow_nan=False, allow_infinity=False)


def series(*given: float | None, name: str = "Round-trip", unit: str = "ms", step: float = 1.0) -> Series:
    """A series with a value each `step` seconds."""
    made = Series(name, unit)
    for at, value in enumerate(given):
        made.add(at * step, value)
    return made


def drawn(*given: float | None, **options: float) -> Chart:
    """Its chart, after the end."""
    return chart(series(*given, **options), running=False)  # type: ignore[arg-type]


def coordinates(path: str) -> list[tuple[float, float]]:
    """The points of a path; a lone point's tail `h.01` is no point."""
    numbers = [float(n) for n in NUMBER.findall(path.replace("h.01", ""))]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


@UNHURRIED
@given(st.lists(st.one_of(st.none(), values), max_size=80))
def test_a_path_has_a_point_for_each_value_and_a_mark_for_each_loss(given: list[float | None]) -> None:
    shown = chart(series(*given), running=True).whole
    assert len(coordinates(shown.line)) == sum(value is not None for value in given)
    assert shown.lost.count("M") == sum(value is None for value in given)
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in coordinates(shown.line))


@settings(
    UNHURRIED, max_examples=10, suppress_health_check=[HealthCheck.large_base_example, HealthCheck.data_too_large, HealthCheck.too_slow]
)
@given(st.lists(st.one_of(st.none(), values), min_size=MAX_POINTS + 1, max_size=MAX_POINTS + 40))
def test_a_series_longer_than_what_is_kept_is_drawn_with_a_band(given: list[float | None]) -> None:
    shown = chart(series(*given), running=False)
    assert "nan" not in shown.whole.line + shown.whole.band
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in coordinates(shown.whole.band.replace("Z", "")))
    labels = [label for label, _ in shown.figures]
    assert "p95" not in labels
    assert "jitter" not in labels


def test_losses_are_gaps() -> None:
    shown = drawn(1.0, 2.0, None, 3.0, 4.0)
    assert shown.whole.line.count("M") == 2
    assert shown.whole.under.count("Z") == 2


def test_a_value_between_two_losses_is_a_dot() -> None:
    assert re.fullmatch(r"M\d+\.\d \d+\.\dh\.01", drawn(None, 2.0, None).whole.line)


def test_a_new_attempt_begins_a_new_line_behind_the_first() -> None:
    made = series(1.0, 2.0, 3.0)
    for second in range(3):
        made.add(float(second), 4.0, attempt=2)
    shown = chart(made, running=False).whole
    assert shown.line.count("M") == 2
    assert [x for x, _ in coordinates(shown.line)] == sorted(x for x, _ in coordinates(shown.line))


def test_values_told_slightly_out_of_order_stay_one_line() -> None:
    made = series(1.0, 2.0, 3.0)
    made.add(1.9999, 4.0)
    assert chart(made, running=False).whole.line.count("M") == 1


def test_an_empty_series_has_a_chart_that_says_so() -> None:
    shown = drawn()
    assert (shown.whole.line, shown.whole.lost, shown.whole.y_labels) == ("", "", ())
    assert shown.sentence == "0 values: none came back."


def test_where_no_line_can_be_drawn_a_word_stands_in_its_place() -> None:
    lost = series(None, None)
    assert chart(lost, running=True).whole.empty == "No answers yet"
    assert chart(lost, running=False).whole.empty == "No answers"
    assert chart(series(None, 1.0), running=True).whole.empty == ""


def test_one_value_is_a_dot_with_a_sentence() -> None:
    shown = drawn(12.4)
    ((x, y),) = coordinates(shown.whole.line)
    assert x == 0
    assert y == pytest.approx(HEIGHT * (1 - 12.4 / 16), abs=0.1)
    assert shown.sentence == "1 value: 12.4\u202fms."


def test_a_constant_series_is_a_level_line() -> None:
    shown = drawn(*[5.0] * 30)
    assert len({y for _, y in coordinates(shown.whole.line)}) == 1
    assert shown.sentence == "30 values: 5\u202fms."
    assert dict(shown.figures)["jitter"] == "0"


@pytest.mark.parametrize("given", [(1e308, -1e308), (5e-324, 0.0), (1e308, 1e308), (-1.5, -1.5), (1e15, 1e15 + 2), (0.0, 0.0)])
def test_extreme_values_are_drawn_all_the_same(given: tuple[float, float]) -> None:
    shown = drawn(*given)
    assert len(coordinates(shown.whole.line)) == 2
    assert len(shown.whole.y_labels) == 5
    assert not {"nan", "inf"} & set(re.findall("nan|inf", " ".join((*shown.whole.y_labels, shown.sentence, shown.whole.line))))


def test_figures_are_the_series_own() -> None:
    shown = dict(drawn(*range(1, 101), None).figures)
    assert (shown["min"], shown["max"]) == ("1", "100")
    assert (shown["avg"], shown["jitter"], shown["lost"]) == ("50.5", "1", "1 of 101")
    assert float(shown["p95"]) == pytest.approx(95, abs=1.5)
    assert "last" not in shown  # the last one was lost


def test_the_sentence_says_what_is_usual_what_stands_out_and_what_is_missing() -> None:
    shown = drawn(*[10.0, 11.0] * 10, 31.2, None)
    assert shown.sentence == "22 values: most between 10 and 11\u202fms, the highest 31.2\u202fms at 0:20. One was lost, at 0:21."


def test_jitter_is_for_times_only() -> None:
    assert "jitter" not in dict(chart(series(1.0, 2.0, unit="MB/s"), running=False).figures)


def test_what_is_still_to_come_stands_empty_at_the_right() -> None:
    shown = chart(series(*[1.0] * 51), running=True, expected=100.0).whole
    assert float(shown.ahead) == pytest.approx(WIDTH / 2)
    assert shown.x_labels[-1] == "1:40"
    assert shown.now


def test_a_finished_series_has_neither_future_nor_present() -> None:
    shown = drawn(*[1.0] * 51).whole
    assert (shown.ahead_width, shown.now) == ("0.0", "")


def test_the_last_minute_is_a_view_of_its_own_once_there_is_more() -> None:
    assert drawn(*[1.0] * 60).minute is None
    shown = drawn(*[float(at) for at in range(200)]).minute
    assert shown is not None
    assert len(coordinates(shown.line)) == 61
    assert shown.x_labels[0] == "2:19"


@UNHURRIED
@given(values, values)
def test_an_axis_holds_its_values_and_rises(one: float, other: float) -> None:
    axis = value_axis(min(one, other), max(one, other))
    assert 0 <= axis.share(one) <= 1
    assert axis.low < axis.high
    assert len(axis.labels) == 5


@UNHURRIED
@given(st.floats(0, 1e6), st.floats(0, 1e7))
def test_an_axis_of_time_reaches_the_end_without_much_beyond(start: float, length: float) -> None:
    axis = time_axis(start, start + length)
    assert axis.high - axis.low >= 0.994 * length
    assert axis.high - axis.low <= max(2.1 * length, 0.01)
    assert 4 <= len(axis.labels) <= 7


@UNHURRIED
@given(st.floats(1e-12, 1e12))
def test_round_numbers_are_not_below_what_they_round(value: float) -> None:
    assert value * (1 - 1e-9) <= round_up(value) <= value * 1.51


def test_ticks_are_evenly_spaced_round_numbers() -> None:
    assert value_axis(9.8, 31.2).labels == ("0", "8", "16", "24", "32")
    assert value_axis(290.0, 292.0).labels == ("290", "290.5", "291", "291.5", "292")
    assert value_axis(-3.0, 5.0).labels == ("-5", "-2.5", "0", "2.5", "5")
    assert time_axis(0, 200).labels == ("0:00", "0:40", "1:20", "2:00", "2:40", "3:20")
    assert time_axis(0, 1.5).labels == tuple(f"{at}\u202fs" for at in ("0", "0.25", "0.5", "0.75", "1", "1.25", "1.5"))
    assert time_axis(0, 0.003).labels == tuple(f"{at}\u202fms" for at in ("0", "0.5", "1", "1.5", "2", "2.5", "3"))
    with translation.override("ru"):
        assert time_axis(0, 3).labels[-1] == "3\u202fс"
    ticks = [float(label.replace("\u202fM", "")) for label in value_axis(0, 18_200_000).labels]
    assert {round(b - a, 6) for a, b in pairwise(ticks)} == {5}


@pytest.mark.parametrize(
    ("value", "text"),
    [(12.41, "12.4"), (9.807, "9.81"), (184.2, "184"), (1234567.0, "1,234,567"), (0.0831, "0.083"), (0, "0"), (-2.5, "-2.5")],
)
def test_values_are_shown_with_about_three_digits(value: float, text: str) -> None:
    assert value_text(value) == text
