"""What two runs measured, drawn over one another on one scale: each from its own begin, or by the clock."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _
from msgspec import Struct

from tasks_app.engine.task import Task
from tasks_app.engine.trail import Series, Trail
from tasks_app.presenters import words
from tasks_app.presenters.axes import clock_axis, time_axis, value_axis
from tasks_app.presenters.charts import HEIGHT, WIDTH, runs_of, spots_of
from tasks_app.presenters.readings import Spot, value_text
from tasks_app.presenters.sentences import translated


class Overlay(Struct, frozen=True):
    """A quantity both or one of them measured: two paths, the labels around them, and the sentence that says it. `a` and `b` tell whether
    there is a line of the first and of the second."""

    name: str
    unit: str
    line_a: str
    line_b: str
    x_labels: tuple[str, ...]
    y_labels: tuple[str, ...]
    sentence: str


class Run(Struct, frozen=True):
    """A task and what it left behind."""

    task: Task
    trail: Trail | None

    def spots(self, name: str, *, by_clock: bool) -> list[Spot]:
        """What it measured of a quantity: by seconds since its begin, or by moments (seconds since 1970) as far as these are known."""
        series = self.series(name)
        points = list(series.points) if series else []
        if not by_clock:
            return spots_of(points)
        began = {attempt.number: attempt.started_at for attempt in self.task.attempts}
        return [(began[point.attempt] + point.seconds, point) for point in points if point.attempt in began]

    def series(self, name: str) -> Series | None:
        """A quantity that it measured."""
        return self.trail.series.get(name) if self.trail else None


def overlays(one: Run, other: Run, *, by_clock: bool = False) -> list[Overlay]:
    """A drawing for each quantity that one of them has values of: each from its own begin, or both by the clock."""
    names = dict.fromkeys(name for run in (one, other) if run.trail for name in list(run.trail.series))
    return [_overlay(name, (one, other), by_clock) for name in names if _is_measured(one, name) or _is_measured(other, name)]


def _is_measured(run: Run, name: str) -> bool:
    series = run.series(name)
    return series is not None and series.mean is not None


def _overlay(name: str, runs: tuple[Run, Run], by_clock: bool) -> Overlay:
    lines = [run.spots(name, by_clock=by_clock) for run in runs]
    values = [point.value for spots in lines for _at, point in spots if point.value is not None]
    moments = [at for spots in lines for at, _point in spots]
    across = clock_axis(min(moments, default=0.0), max(moments, default=0.0)) if by_clock else time_axis(0.0, max(moments, default=0.0))
    up = value_axis(min(values, default=0.0), max(values, default=0.0))

    def path(spots: Sequence[Spot]) -> str:
        runs = [
            [f"{across.share(at) * WIDTH:.1f} {HEIGHT - up.share(p.value or 0.0) * HEIGHT:.1f}" for at, p in run] for run in runs_of(spots)
        ]
        return " ".join(f"M{run[0]}{' ' + ' '.join(run[1:]) if run[1:] else 'h.01'}" for run in runs)

    unit = next((series.unit for run in runs if (series := run.series(name)) is not None and series.unit), "")
    told = [_said(run.series(name), run.task.number, unit) for run in runs]
    said = " ".join([*told, _began(runs)] if by_clock else told)
    return Overlay(translated(name), translated(unit), path(lines[0]), path(lines[1]), across.labels, up.labels[::-1], said)


def _began(runs: tuple[Run, Run]) -> str:
    """Which began later, and by how much."""
    known = sorted((run.task.started_at, run.task.number) for run in runs if run.task.started_at is not None)
    if len(known) < 2 or known[0][1] == known[1][1]:
        return ""
    (earlier, first), (later, second) = known
    return _("Task %(second)s began %(time)s after task %(first)s.") % {
        "second": second,
        "time": words.took(later - earlier),
        "first": first,
    }


def _said(series: Series | None, number: int, unit: str) -> str:
    if series is None or series.mean is None or series.low is None or series.high is None:
        return _("Task %(number)s measured nothing here.") % {"number": number}
    tail = f"{words.THIN}{translated(unit)}" if unit else ""
    known = {"low": value_text(series.low), "high": value_text(series.high) + tail, "mean": value_text(series.mean) + tail}
    return _("Task %(number)s: %(low)s to %(high)s, on average %(mean)s.") % {"number": number, **known}
