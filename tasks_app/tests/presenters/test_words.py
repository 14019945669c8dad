"""Figures in words."""

from __future__ import annotations

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from tasks_app.presenters import words

T = words.THIN


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, f"0{T}s"),
        (0.9, f"0{T}s"),
        (57, f"57{T}s"),
        (60, f"1{T}m 00{T}s"),
        (200, f"3{T}m 20{T}s"),
        (8040, f"2{T}h 14{T}m"),
        (86_399, f"23{T}h 59{T}m"),
        (100_000, f"1{T}d 03{T}h"),
        (100_000_000, f"1,157{T}d 09{T}h"),
        (-5, f"0{T}s"),
        (float("inf"), f"0{T}s"),
    ],
)
def test_a_duration_has_two_units_at_most(seconds, said):
    assert words.duration(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.0, f"under 1{T}ms"), (0.34, f"340{T}ms"), (0.9996, f"1{T}s"), (4.24, f"4.2{T}s"), (9.96, f"9{T}s"), (61, f"1{T}m 01{T}s")],
)
def test_what_has_ended_is_told_finer_below_ten_seconds(seconds, said):
    assert words.took(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.5, f"0.5{T}s"), (2.0, f"2{T}s"), (90, f"1{T}m 30{T}s"), (1800, f"30{T}m"), (43_200, f"12{T}h"), (86_400, f"1{T}d")],
)
def test_a_length_that_somebody_chose_is_told_without_zeros(seconds, said):
    assert words.span(seconds) == said


@given(st.floats(0, 1e9), st.floats(0, 1e9))
def test_a_longer_time_is_never_said_to_be_shorter(a, b):
    def spoken(seconds):
        scale = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
        return sum(int(part.split(T)[0].replace(",", "")) * scale[part.split(T)[1]] for part in words.duration(seconds).split(" "))

    assert (spoken(a) <= spoken(b)) or a > b


@given(st.floats(0, 1e12), st.floats(0.001, 1e12))
def test_a_hundred_percent_means_done(part, whole):
    share = int(words.percent(part, whole).split(T)[0])
    assert 0 <= share <= 100
    assert (share == 100) == (part >= whole)


@pytest.mark.parametrize(("part", "whole", "said"), [(0, 200, 0), (143, 200, 71), (199.99, 200, 99), (0, 0, 100), (-3, 10, 0)])
def test_a_share_is_rounded_down_and_zero_is_shown(part, whole, said):
    assert words.percent(part, whole) == f"{said}{T}%"


@given(st.integers(0, 10**15))
def test_a_count_keeps_all_its_digits(number):
    assert words.count(number).replace(",", "") == str(number)


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (1, "1st"),
        (2, "2nd"),
        (3, "3rd"),
        (4, "4th"),
        (11, "11th"),
        (12, "12th"),
        (13, "13th"),
        (21, "21st"),
        (111, "111th"),
        (4312, "4,312th"),
    ],
)
def test_a_place_in_line_is_an_ordinal(number, said):
    assert words.ordinal(number) == said


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.00 kB"),
        (999_999, "1.00 MB"),
        (12_345_678, "12.3 MB"),
        (123_456_789, "123 MB"),
        (1.24e9, "1.24 GB"),
    ],
)
def test_sizes_have_three_digits(octets, said):
    assert words.size(octets).replace(T, " ") == said


@pytest.mark.parametrize(("number", "said"), [(0.4, "0.4"), (18.25, "18.25"), (4312, "4,312"), (2.0, "2"), (0.999, "1"), (-1.5, "-1.5")])
def test_a_figure_has_no_needless_zeros(number, said):
    assert words.figure(number) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(12.2, f"13{T}s"), (200, f"about 3{T}m"), (7300, f"about 2{T}h 01{T}m"), (200_000, f"about 2{T}d")]
)
def test_a_guess_of_more_than_a_minute_says_about(seconds, said):
    assert words.guess(seconds) == said


def test_numbers_take_the_separators_of_the_language():
    with translation.override("ru"):
        assert words.count(4312).replace("\xa0", " ") == "4 312"
        assert words.figure(0.5) == "0,5"
