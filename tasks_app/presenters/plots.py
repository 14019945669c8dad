"""Drawings of what happened slot by slot: stacked bars, spans from half to most, areas; each with its scale and its table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from tasks_app.presenters import words
from tasks_app.presenters.axes import INTERVALS, round_up

WIDTH, HEIGHT = 1000, 190
FULL = 0.8  # of a slot's width is its bar
THINNEST = 1.5  # units of height: what is there is seen
_MARKS = (0.001, 0.01, 0.1, 1.0, 10.0, 60.0, 600.0, 3600.0, 21_600.0, 86_400.0, 864_000.0, 8_640_000.0)  # seconds
_LABELS = 6

Values = Sequence[float | None]


class Layer(Struct, frozen=True):
    """A path of SVG in a box of WIDTH by HEIGHT. `look` is its class, `status` colours it."""

    look: str
    path: str
    status: str = ""


class Tick(Struct, frozen=True):
    """A mark of a scale: units from the top, and what it says."""

    y: float
    label: str

    @property
    def share(self) -> float:
        """Where it is, in hundredths of the height."""
        return round(100 * self.y / HEIGHT, 2)


class Scale(Struct, frozen=True):
    """Where values lie in the box. `ticks` from the highest to the lowest."""

    ticks: tuple[Tick, ...]
    low: float
    high: float
    logarithmic: bool = False

    def y(self, value: float) -> float:
        """Units from the top; never outside."""
        low, high, at = (_log(v) for v in (self.low, self.high, value)) if self.logarithmic else (self.low, self.high, value)
        return HEIGHT * (1 - min(1.0, max(0.0, (at - low) / (high - low))))

    @property
    def rules(self) -> str:
        """The lines at its ticks, as a path."""
        return "".join(f"M0 {min(max(tick.y, 0.5), HEIGHT - 0.5):g}H{WIDTH}" for tick in self.ticks)


def counts(highest: float) -> Scale:
    """A scale from 0 for whole numbers: its ticks are whole as well."""
    step = math.ceil(round_up(max(highest, 1) / INTERVALS))
    top = step * INTERVALS
    ticks = (Tick(HEIGHT - index * HEIGHT / INTERVALS, words.count(index * step)) for index in range(INTERVALS, -1, -1))
    return Scale(tuple(ticks), 0.0, float(top))


def durations(values: Iterable[float]) -> Scale:
    """A scale from milliseconds to days, on which a minute is as far from an hour as a second from a minute."""
    known = list(values) or [1.0]
    low = max((mark for mark in _MARKS[:-2] if mark <= min(known)), default=_MARKS[0])
    high = min((mark for mark in _MARKS if mark >= max(known) and mark > low), default=_MARKS[-1])
    scale = Scale((), low, high, logarithmic=True)
    marks = [mark for mark in reversed(_MARKS) if low <= mark <= high]
    every = math.ceil(len(marks) / _LABELS)
    return Scale(tuple(Tick(scale.y(mark), _label(mark)) for mark in marks[::every]), low, high, logarithmic=True)


def stacked(series: Sequence[Values], scale: Scale) -> list[str]:
    """The bars of each series, each on top of those before it."""
    count = len(series[0]) if series else 0
    base = [0.0] * count
    paths = []
    for values in series:
        tops = [under + (value or 0.0) for under, value in zip(base, values, strict=True)]
        paths.append("".join(_bar(i, count, scale.y(top), scale.y(base[i])) for i, top in enumerate(tops) if top > base[i]))
        base = tops
    return paths


def spans(low: Values, high: Values, scale: Scale) -> tuple[str, str]:
    """A bar from one value to the other in each slot, and a line at the lower one."""
    both = [(i, scale.y(a), scale.y(b)) for i, (a, b) in enumerate(zip(low, high, strict=True)) if a is not None and b is not None]
    width = _width(len(low))
    return (
        "".join(_bar(i, len(low), top, below) for i, below, top in both),
        "".join(f"M{_left(i, len(low)):.1f} {below:.1f}h{width:.1f}" for i, below, _ in both),
    )


def area(values: Values, scale: Scale) -> tuple[str, str]:
    """The space under a line, and the line; where nothing is known both have a gap."""
    count = len(values)
    under, line = [], []
    for run in _runs(values):
        points = [f"{_middle(i, count):.1f} {scale.y(value):.1f}" for i, value in run]
        line.append(f"M{' '.join(points)}" + ("h.01" if len(points) == 1 else ""))
        under.append(f"M{_middle(run[0][0], count):.1f} {HEIGHT} L{' '.join(points)} L{_middle(run[-1][0], count):.1f} {HEIGHT}Z")
    return "".join(under), "".join(line)


def _runs(values: Values) -> Iterator[list[tuple[int, float]]]:
    run: list[tuple[int, float]] = []
    for i, value in enumerate(values):
        if value is not None:
            run.append((i, value))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _bar(index: int, count: int, top: float, below: float) -> str:
    top = min(top, below - THINNEST)
    width = _width(count)
    return f"M{_left(index, count):.1f} {top:.1f}h{width:.1f}v{below - top:.1f}h-{width:.1f}z"


def _width(count: int) -> float:
    return FULL * WIDTH / count


def _left(index: int, count: int) -> float:
    return (index + (1 - FULL) / 2) * WIDTH / count


def _middle(index: int, count: int) -> float:
    return (index + 0.5) * WIDTH / count


def _label(seconds: float) -> str:
    return words.span(seconds) if seconds >= 1 else words.took(seconds)


def _log(value: float) -> float:
    return math.log(max(value, 1e-9))
