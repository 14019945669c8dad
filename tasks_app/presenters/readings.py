"""What a measured series says in figures and in a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean, quantiles

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tasks_app.engine.trail import Point, Series
from tasks_app.presenters import words
from tasks_app.presenters.axes import within
from tasks_app.presenters.clocks import stopwatch
from tasks_app.presenters.sentences import translated

TIMES = frozenset({"ms", "s", "us", "µs"})  # units of quantities whose jitter means something
ENOUGH = 20  # values that make a percentile

Spot = tuple[float, Point]  # seconds along the drawing, and what was measured there


def figures(series: Series, spots: Sequence[Spot]) -> tuple[tuple[str, str], ...]:
    """Label and value of each figure that can be known; where neighbours were merged, their order and share cannot."""
    single = all(p.count == 1 for _, p in spots)
    known = [p.value for _, p in spots if p.value is not None]
    found: list[tuple[str, float | None]] = [(_("last"), series.last), (_("min"), series.low), (_("avg"), series.mean)]
    if single and len(known) >= ENOUGH:
        found.append((_("p95"), quantiles(map(within, known), n=20)[-1]))
    found.append((_("max"), series.high))
    if single and series.unit in TIMES and len(known) > 1:
        found.append((_("jitter"), fmean(abs(within(b) - within(a)) for a, b in pairwise(known))))
    shown = [(label, value_text(value)) for label, value in found if value is not None]
    if series.lost:
        shown.append((_("lost"), _("%(part)s of %(whole)s") % {"part": words.count(series.lost), "whole": words.count(series.count)}))
    return tuple(shown)


def value_text(value: float) -> str:
    """A measured value with about three digits."""
    size = abs(value)
    if size >= 1e15 or 0 < size < 1e-3:
        return f"{value:.3g}"
    return words.figure(round(value) if size >= 99.95 else value, 1 if size >= 9.995 else 2 if size >= 0.995 else 3)


def sentence(series: Series, spots: Sequence[Spot], *, running: bool) -> str:
    """The drawing in words."""
    said = ngettext("%(count)s value", "%(count)s values", series.count) % {"count": words.count(series.count)}
    if running:
        said = _("%(values)s so far") % {"values": said}
    known = sorted(within(p.value) for _, p in spots if p.value is not None)
    parts = [_spread(said, known, series, spots), _losses(series, spots)]
    most = max((p.count for _, p in spots), default=1)
    if most > 1:
        told = _("The line is drawn through the mean of up to %(count)s neighbours; the band shows the lowest and highest of them.")
        parts.append(told % {"count": words.count(most)})
    return " ".join(filter(None, parts))


def _spread(said: str, known: list[float], series: Series, spots: Sequence[Spot]) -> str:
    if series.low is None or series.high is None or not known:
        return _("%(values)s: none came back.") % {"values": said}
    unit = f"{words.THIN}{translated(series.unit)}" if series.unit else ""
    if series.low == series.high:
        return _("%(values)s: %(value)s.") % {"values": said, "value": value_text(series.high) + unit}
    highest = max(spots, key=lambda spot: -float("inf") if spot[1].value is None else within(high_of(spot[1]) or spot[1].value))
    tenth = len(known) // 10
    return _("%(values)s: most between %(low)s and %(high)s, the highest %(top)s at %(when)s.") % {
        "values": said,
        "low": value_text(known[tenth]),
        "high": value_text(known[-1 - tenth]) + unit,
        "top": value_text(series.high) + unit,
        "when": stopwatch(highest[0]),
    }


def _losses(series: Series, spots: Sequence[Spot]) -> str:
    if not series.lost or series.lost == series.count:
        return ""
    seen = [at for at, p in spots if p.value is None]
    if series.lost == 1 and len(seen) == 1:
        return _("One was lost, at %(when)s.") % {"when": stopwatch(seen[0])}
    return ngettext("%(count)s was lost.", "%(count)s were lost.", series.lost) % {"count": words.count(series.lost)}


def low_of(point: Point) -> float | None:
    """The lowest value in a point."""
    return point.value if point.low is None else point.low


def high_of(point: Point) -> float | None:
    """The highest value in a point."""
    return point.value if point.high is None else point.high
