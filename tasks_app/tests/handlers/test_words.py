"""Numbers in words."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks_app.handlers._words import milliseconds, seconds, size, size_of, speed


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0, "0 ms"),
        (0.083, "0.08 ms"),
        (0.9, "0.9 ms"),
        (0.999, "1 ms"),
        (8.0, "8 ms"),
        (12.44, "12.4 ms"),
        (99.96, "100 ms"),
        (184.4, "184 ms"),
        (999.6, "1.00 s"),
        (1520, "1.52 s"),
    ],
)
def test_milliseconds_have_about_three_digits(value: float, words: str):
    assert milliseconds(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.05, "0.05 s"),
        (1.0, "1 s"),
        (45.23, "45.2 s"),
        (59.96, "1 m 00 s"),
        (200, "3 m 20 s"),
        (3599.7, "1 h 00 m"),
        (86_400, "24 h 00 m"),
    ],
)
def test_lengths_of_time_carry_over(value: float, words: str):
    assert seconds(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "0 bytes"), (512, "512 bytes"), (999, "999 bytes"), (1000, "1.00 kB"), (999_999, "1.00 MB"), (3_100_000_000, "3.10 GB")],
)
def test_sizes_are_decimal(value: int, words: str):
    assert size(value) == words


def test_a_part_of_a_size_is_in_the_unit_of_the_whole():
    assert size_of(1_240_000_000, 3_100_000_000) == "1.24 of 3.10 GB"
    assert size_of(5, 20) == "5 of 20 bytes"
    assert speed(18_240_000) == "18.2 MB/s"
    assert speed(120) == "0.1 kB/s"


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**15))
def test_a_size_says_the_number_it_was_given(count: int):
    number, unit = size(count).split()
    scale = 1000 ** ("bytes", "kB", "MB", "GB", "TB").index(unit)
    assert abs(float(number.replace(",", "")) * scale - count) <= scale / 200 + 1e-6
    assert float(number.replace(",", "")) < 1000 or unit == "TB"


@settings(deadline=None, max_examples=60)
@given(st.floats(0, 60_000))
def test_milliseconds_say_the_number_they_were_given(value: float):
    number, unit = milliseconds(value).split()
    shown = float(number.replace(",", "")) * (1000 if unit == "s" else 1)
    assert abs(shown - value) <= max(0.0051, value * 0.006)
