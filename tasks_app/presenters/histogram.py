"""How long runs took, as bars of which each spans twice the time of the one before: from milliseconds to a day, minutes as clear as
hours."""

from __future__ import annotations

import math

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from msgspec import Struct

from tasks_app.engine.durations import Durations
from tasks_app.presenters import words
from tasks_app.presenters.axes import round_up

EDGES = tuple(0.001 * 2**place for place in range(28))  # seconds: 1 ms to 37 h
LEAST = 12  # bars that are drawn, however close together the runs are
GAP = 0.13  # of a bar's width
WIDTH, HEIGHT = 1000, 120
NEAR = 7.0  # percent of the width: labels that are closer would touch
_SHARES = ((0.50, "p50"), (0.95, "p95"), (0.99, "p99"))
_LABELS = (0.001, 0.01, 0.1, 1.0, 10.0, 60.0, 600.0, 3600.0, 6 * 3600.0, 86_400.0)


class Bar(Struct, frozen=True):
    """One bar, as attributes of SVG."""

    x: str
    width: str
    y: str
    height: str
    title: str


class Mark(Struct, frozen=True):
    """A label over or under the drawing: `x` in percent of its width, `anchor` which end of the text stands there."""

    x: str
    text: str
    anchor: str = "middle"


class Histogram(Struct, frozen=True):
    """The drawing, the labels around it, and the sentence that says it. `lines` is a path through the percentiles."""

    bars: tuple[Bar, ...]
    percentiles: tuple[Mark, ...]
    lines: str
    times: tuple[Mark, ...]
    counts: tuple[str, ...]
    sentence: str


def histogram(taken: Durations) -> Histogram | None:
    """The drawing of these runs; None where there are none."""
    if not taken.count:
        return None
    counts = taken.spread(EDGES)
    first, last = _shown(counts)
    across = _Across(EDGES[first], last - first)
    step = max(1, math.ceil(round_up(max(counts) / 2)))
    found = [(share, name, min(taken.quantile(share) or 0.0, taken.longest)) for share, name in _SHARES]
    places = [(across.percent(seconds), name) for _share, name, seconds in found]
    return Histogram(
        bars=tuple(_bar(place - first, counts[place], across, 2 * step, EDGES[place]) for place in range(first, last)),
        percentiles=_joined(places),
        lines="".join(f"M{10 * x:.1f} 0V{HEIGHT}" for x, _name in places),
        times=_times(across),
        counts=tuple(words.count(number) for number in (2 * step, step, 0)),
        sentence=_sentence(taken, [seconds for _share, _name, seconds in found]),
    )


class _Across(Struct, frozen=True):
    """The axis of time: so many bars from `low` seconds on."""

    low: float
    bars: int

    def percent(self, seconds: float) -> float:
        """Where a time stands, in percent of the width; never outside."""
        share = math.log2(max(seconds, self.low) / self.low) / self.bars
        return 100 * min(1.0, share)


def _shown(counts: list[int]) -> tuple[int, int]:
    """The first bar that is drawn and the one behind the last: all that hold something, one on each side, and LEAST at least."""
    there = [place for place, count in enumerate(counts) if count]
    first, last = max(0, there[0] - 1), min(len(counts), there[-1] + 2)
    while last - first < LEAST:
        first, last = max(0, first - 1), min(len(counts), last + 1)
    return first, last


def _bar(place: int, count: int, across: _Across, most: int, edge: float) -> Bar:
    width = WIDTH / across.bars
    height = max(HEIGHT * count / most, 1.5) if count else 0.0
    runs = ngettext("%(count)s run", "%(count)s runs", count) % {"count": words.count(count)}
    title = _("%(runs)s of %(low)s to %(high)s") % {"runs": runs, "low": _edge(edge), "high": _edge(2 * edge)}
    return Bar(f"{place * width:.1f}", f"{width * (1 - GAP):.1f}", f"{HEIGHT - height:.1f}", f"{height:.1f}", title)


def _edge(seconds: float) -> str:
    return words.took(seconds) if seconds < words.MINUTE else words.span(round(seconds))


def _joined(places: list[tuple[float, str]]) -> tuple[Mark, ...]:
    """Percentiles that stand close together share a label."""
    groups: list[tuple[float, list[str]]] = []
    for x, name in places:
        if groups and x - groups[-1][0] < NEAR:
            groups[-1][1].append(name)
        else:
            groups.append((x, [name]))
    return tuple(_mark(x, ", ".join(names), edge=9.0) for x, names in groups)


def _times(across: _Across) -> tuple[Mark, ...]:
    marks: list[Mark] = []
    before = -NEAR
    for seconds in _LABELS:
        x = across.percent(seconds)
        if across.low <= seconds <= across.low * 2**across.bars and x - before >= NEAR:
            marks.append(_mark(x, _edge(seconds), edge=3.0))
            before = x
    return tuple(marks)


def _mark(x: float, text: str, edge: float) -> Mark:
    anchor = "start" if x < edge else "end" if x > 100 - edge else "middle"
    return Mark(f"{x:.1f}%", text, anchor)


def _sentence(taken: Durations, percentiles: list[float]) -> str:
    half, most, _nearly = (words.took(seconds) for seconds in percentiles)
    known = {"half": half, "most": most, "longest": words.took(taken.longest), "count": words.count(taken.count)}
    if taken.count == 1:
        return _("Each bar spans twice the time of the one before. The only run took %(longest)s.") % known
    said = _(
        "Each bar spans twice the time of the one before. Half of %(count)s runs ended within %(half)s, 95 %% within %(most)s;"
        " the longest took %(longest)s."
    )
    return said % known
