"""Measured series as drawings: paths in a box that stretches, beside the figures and the sentence that say the same."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _
from msgspec import Struct

from tasks_app.engine.trail import Point, Series
from tasks_app.presenters.axes import Axis, time_axis, value_axis
from tasks_app.presenters.readings import Spot, figures, high_of, low_of, sentence
from tasks_app.presenters.sentences import translated

WIDTH, HEIGHT = 1000, 190
MINUTE = 60.0
GUESSED = 0.98  # a guess that is a little too long need not lengthen the axis
LONG = 90.0  # seconds; below it the last minute is no view of its own


class Drawing(Struct, frozen=True):
    """Paths of SVG in a box of WIDTH by HEIGHT, and the labels around it. `ahead` is where the time
    begins that is still to come, `now` a dot at the newest value while more are coming, `empty` what
    stands in place of a line where none can be drawn."""

    line: str
    under: str
    band: str
    lost: str
    x_labels: tuple[str, ...]
    y_labels: tuple[str, ...]
    ahead: str
    ahead_width: str
    now: str
    empty: str


class Chart(Struct, frozen=True):
    """One series: what stands over, in and under its drawing. `minute` is there once there is more than that to see."""

    name: str
    unit: str
    figures: tuple[tuple[str, str], ...]
    whole: Drawing
    minute: Drawing | None
    sentence: str


def chart(series: Series, *, running: bool, expected: float | None = None) -> Chart:
    """A series as a chart. `expected` is how many seconds the running attempt will take in all, where that can be said."""
    spots = spots_of(list(series.points))
    end = spots[-1][0] if spots else 0.0
    offset = end - (spots[-1][1].seconds if spots else 0.0)
    until = max(end, GUESSED * (offset + expected)) if running and expected is not None else end
    recent = [spot for spot in spots if spot[0] >= end - MINUTE]
    return Chart(
        name=translated(series.name),
        unit=translated(series.unit),
        figures=figures(series, spots),
        whole=drawing(spots, time_axis(0.0, until), running=running),
        minute=drawing(recent, time_axis(recent[0][0], end), running=running) if end > LONG else None,
        sentence=sentence(series, spots, running=running),
    )


def spots_of(points: Sequence[Point]) -> list[Spot]:
    """Points in a row. Each attempt counts its seconds from zero: where another begins, it is set behind the one before."""
    spots: list[Spot] = []
    offset = 0.0
    before: Point | None = None
    for point in points:
        if before is not None and point.attempt != before.attempt:
            offset += before.seconds
        before = point
        spots.append((offset + point.seconds, point))
    return spots


def drawing(spots: Sequence[Spot], across: Axis, *, running: bool) -> Drawing:
    """The paths of some spots; the scale of values fits what is shown."""
    lows = [low for _, p in spots if (low := low_of(p)) is not None]
    highs = [high for _, p in spots if (high := high_of(p)) is not None]
    up = value_axis(min(lows, default=0.0), max(highs, default=0.0))
    runs = [[_place(spot, across, up) for spot in run] for run in runs_of(spots)]
    edge = round(across.share(spots[-1][0]) * WIDTH, 1) if spots else 0.0
    return Drawing(
        line=" ".join(f"M{run[0]}{' ' + ' '.join(run[1:]) if run[1:] else 'h.01'}" for run in runs),
        under=" ".join(f"M{_x(run[0])} {HEIGHT} L{' '.join(run)} L{_x(run[-1])} {HEIGHT}Z" for run in runs if run[1:]),
        band=_band(spots, across, up),
        lost="".join(f"M{across.share(at) * WIDTH:.1f} {HEIGHT}v-14" for at, p in spots if p.value is None),
        x_labels=across.labels,
        y_labels=up.labels[::-1] if runs else (),
        ahead=f"{edge:.1f}",
        ahead_width=f"{WIDTH - edge:.1f}" if running and spots else "0.0",
        now=f"M{runs[-1][-1]}h.01" if running and runs and spots[-1][1].value is not None else "",
        empty="" if runs else _("No answers yet") if running else _("No answers"),
    )


def runs_of(spots: Sequence[Spot]) -> list[list[Spot]]:
    """The stretches in which values came back without a gap. A new attempt begins a stretch of its own."""
    runs: list[list[Spot]] = []
    attempt = 0  # of the stretch that goes on, 0 where none does
    for spot in spots:
        point = spot[1]
        if point.value is None:
            attempt = 0
        elif point.attempt == attempt:
            runs[-1].append(spot)
        else:
            runs.append([spot])
            attempt = point.attempt
    return runs


def _band(spots: Sequence[Spot], across: Axis, up: Axis) -> str:
    parts = []
    for run in runs_of(spots):
        if any(p.count > 1 for _, p in run):
            over = [_coordinates(at, high_of(p) or 0.0, across, up) for at, p in run]
            below = [_coordinates(at, low_of(p) or 0.0, across, up) for at, p in reversed(run)]
            parts.append(f"M{' '.join(over)} L{' '.join(below)}Z")
    return " ".join(parts)


def _place(spot: Spot, across: Axis, up: Axis) -> str:
    return _coordinates(spot[0], spot[1].value or 0.0, across, up)


def _coordinates(at: float, value: float, across: Axis, up: Axis) -> str:
    return f"{across.share(at) * WIDTH:.1f} {HEIGHT - up.share(value) * HEIGHT:.1f}"


def _x(place: str) -> str:
    return place.partition(" ")[0]
