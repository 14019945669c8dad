"""Axes of charts: where a scale begins and ends so that its marks are round numbers, and what the marks say."""

from __future__ import annotations

import math
from collections.abc import Iterator

from django.utils.translation import gettext as _
from msgspec import Struct

from tasks_app.presenters import times, words
from tasks_app.presenters.clocks import stopwatch, time_of_day

INTERVALS = 4
LARGEST = 1e300  # values beyond are drawn here: differences of larger ones are no numbers any more
SHORT = 0.995  # an axis of time may leave out this little at its end, rather than a whole interval empty
FINE = 0.1  # seconds; an axis of time that ends before is in milliseconds
NEAR = 0.25  # values that differ by less than this share of their size get an axis that does not begin at zero
_MANTISSAS = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
_SECONDS = (
    *(2, 3, 5, 10, 15, 20, 30, 40, 50, 60, 90, 120, 180, 240, 300, 360, 480, 600, 900, 1200, 1500, 1800),
    *(2400, 2700, 3600, 5400, 7200, 10_800, 14_400, 21_600, 28_800, 43_200, 86_400),
)
_DAY = 86_400
_MULTIPLES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


class Axis(Struct, frozen=True):
    """A scale from `low` to `high`, with a label for each of its evenly spaced marks, lowest first."""

    low: float
    high: float
    labels: tuple[str, ...]

    def share(self, value: float) -> float:
        """Where a value lies: 0 at the low end, 1 at the high one; never outside."""
        return min(1.0, max(0.0, (within(value) - self.low) / (self.high - self.low)))


def within(value: float) -> float:
    """A value that can be calculated with."""
    return max(-LARGEST, min(LARGEST, value))


def value_axis(low: float, high: float) -> Axis:
    """An axis for values from `low` to `high`. It begins at zero unless the values lie close together far from it."""
    low, high = within(low), within(high)
    close = low != high and low * high > 0 and high - low < NEAR * max(abs(low), abs(high))
    bottom, top = (low, high) if close else (min(low, 0.0), max(high, 0.0))
    step = round_up((top - bottom) / INTERVALS) if top > bottom else 0.25
    while (start := math.floor(bottom / step) * step) + INTERVALS * step < top:
        step = round_up(step * 1.01)
    ticks = [start + step * index for index in range(INTERVALS + 1)]
    return Axis(ticks[0], ticks[-1], _number_labels(ticks, step))


def time_axis(start: float, end: float) -> Axis:
    """An axis of seconds from `start` to `end` or a little beyond: three to six intervals of a round length."""
    span = max(end - start, 1e-3)
    fits = [(count * step, -count, step) for count in (6, 5, 4, 3) for step in _steps_near(SHORT * span / count)]
    _whole, count, step = min(fits)
    count = -count
    marks = [start + step * index for index in range(count + 1)]
    return Axis(start, marks[-1], tuple(_second_labels(marks) if count * step <= 10 else (stopwatch(mark + 1e-6) for mark in marks)))


def clock_axis(start: float, end: float) -> Axis:
    """An axis of moments (seconds since 1970) with up to five marks at round times of day; of more than a day its ends alone are told,
    with their dates."""
    if end - start > _DAY:
        return Axis(start, end, (times.moment(start), times.moment(end)))
    step = next(step for step in (1, *_SECONDS) if step * (INTERVALS - 1) >= end - start)
    low = math.floor(start / step) * step
    count = max(1, math.ceil((end - low) / step))
    return Axis(low, low + count * step, tuple(time_of_day(low + index * step) for index in range(count + 1)))


def round_up(value: float) -> float:
    """The next round number: 1, 1.5, 2, 2.5, 3, 4, 5, 6 or 8 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(max(value, 1 / LARGEST)))
    return next((m * power for m in _MANTISSAS if m * power >= value * (1 - 1e-12)), 10 * power)


def _steps_near(least: float) -> Iterator[float]:
    if least <= 2:
        yield round_up(least)
    elif least > _SECONDS[-1]:
        yield math.ceil(least / _DAY) * _DAY
    else:
        yield next(step for step in _SECONDS if step >= least)


def _second_labels(marks: list[float]) -> list[str]:
    """Marks a fraction of a second apart, with their unit; those of a moment in milliseconds, so that no two read the same."""
    if marks[-1] > FINE:
        return [f"{words.figure(mark, 3)}{words.THIN}{_('s')}" for mark in marks]
    return [f"{words.figure(1000 * mark, 3)}{words.THIN}{_('ms')}" for mark in marks]


def _number_labels(ticks: list[float], step: float) -> tuple[str, ...]:
    largest = max(map(abs, ticks))
    if largest >= 1e15 or largest < 1e-3:
        return tuple(f"{tick:.3g}" for tick in ticks)
    scale, suffix = next(((size, mark) for size, mark in _MULTIPLES if largest >= 10 * size), (1.0, ""))
    places = max(0, 1 - math.floor(math.log10(step / scale)))
    return tuple(words.figure(tick / scale, min(places, 6)) + (f"{words.THIN}{suffix}" if suffix else "") for tick in ticks)
