"""What a task leaves behind while it runs: a bounded ring of log lines and bounded measured series."""

from __future__ import annotations

from array import array
from collections import deque
from math import isnan, nan
from threading import RLock

from msgspec import Struct
from msgspec.structs import force_setattr

from tasks_app.engine.sentences import Draft

MAX_LINES = 200
MAX_LINE_LENGTH = 500
MAX_SERIES = 8
MAX_POINTS = 600
_DRAFT = 100  # about so many bytes of memory
LEVELS = ("debug", "info", "warning", "error")


class LogLine(Struct, frozen=True, gc=False):
    """`seq` rises by one a line within a task; `at` is wall-clock time; `seconds` since the attempt began."""

    seq: int
    at: float
    seconds: float
    attempt: int
    level: str
    said: str | Draft

    @property
    def text(self) -> str:
        """The line itself."""
        return str(self.said)


class Point(Struct, frozen=True, gc=False):
    """One measured value, or the mean of `count` neighbours with their extremes. `seconds` counts from the attempt's begin."""

    seconds: float
    value: float | None  # None: nothing came back (a lost probe)
    low: float | None = None
    high: float | None = None
    count: int = 1
    lost: int = 0  # how many of them did not come back
    attempt: int = 1


class Series:
    """A measured quantity over time. When full, neighbours are merged in pairs, and what follows comes in groups of that size:
    any length of run fits in MAX_POINTS, and no part of it is drawn finer than another."""

    __slots__ = ("_group", "_plain", "_points", "count", "high", "last", "lost", "low", "name", "total", "unit")

    def __init__(self, name: str, unit: str) -> None:
        self.name = name
        self.unit = unit
        self._plain: array[float] | None = array("d")  # second, value, second, value, as long as all are of attempt 1 and none are merged
        self._points: list[Point] = []
        self._group = 1  # values to a point
        self.count = 0
        self.lost = 0
        self.total = 0.0
        self.low: float | None = None
        self.high: float | None = None
        self.last: float | None = None

    def add(self, seconds: float, value: float | None, attempt: int = 1) -> None:
        """Take a value in; None counts as lost."""
        self._sum_up(value)
        if self._plain is not None and attempt == 1 and self.count <= MAX_POINTS:
            self._plain.append(seconds)
            self._plain.append(nan if value is None else value)
            return
        if self._plain is not None:
            self._points, self._plain = self.points, None
        last = self._points[-1] if self._points else None
        if last is not None and last.count < self._group and last.attempt == attempt:
            self._points[-1] = _one_more(last, value)
            return
        if len(self._points) >= MAX_POINTS:
            self._points = [_merged(a, b) for a, b in zip(self._points[::2], self._points[1::2], strict=True)]
            self._group *= 2
        self._points.append(Point(seconds, value, value, value, lost=int(value is None), attempt=attempt))

    @property
    def points(self) -> list[Point]:
        """What is kept of it, in order."""
        plain = self._plain
        if plain is None:
            return self._points
        both = plain.tolist()  # in one step: another thread may be adding
        return [_single(second, value) for second, value in zip(both[::2], both[1::2], strict=False)]

    @property
    def size(self) -> int:
        """About so many bytes of memory it holds."""
        return 16 * self.count if self._plain is not None else 120 * len(self._points)

    @property
    def mean(self) -> float | None:
        """Mean of all values that came back."""
        known = self.count - self.lost
        return self.total / known if known else None

    def _sum_up(self, value: float | None) -> None:
        self.count += 1
        self.last = value
        if value is None:
            self.lost += 1
            return
        self.total += value
        if self.low is None or value < self.low:
            self.low = value
        if self.high is None or value > self.high:
            self.high = value


class Trail:
    """Log and series of one task. Written by its handler, read by anybody."""

    def __init__(self) -> None:
        # By one thread again: Python may look for garbage while a line is made, and garbage may have last words for the same log.
        self._lock = RLock()
        self._lines: deque[LogLine] = deque(maxlen=MAX_LINES)
        self.series: dict[str, Series] = {}
        self.lines_written = 0
        self.version = 0

    def log(self, *, at: float, seconds: float, attempt: int, level: str, text: str | Draft) -> LogLine:
        """Append a line, cut to MAX_LINE_LENGTH; the oldest leaves when MAX_LINES are held."""
        if not isinstance(text, Draft) and len(text) > MAX_LINE_LENGTH:
            text = text[: MAX_LINE_LENGTH - 1] + "…"
        line = LogLine(0, at, seconds, attempt, level if level in LEVELS else "info", text)
        with self._lock:
            self.lines_written += 1
            self.version += 1
            force_setattr(line, "seq", self.lines_written)  # not published yet: nobody else holds it
            self._lines.append(line)
            return line

    def measure(self, name: str, value: float | None, *, seconds: float, unit: str, attempt: int = 1) -> None:
        """Add a value to a series; series past MAX_SERIES are not kept."""
        with self._lock:
            series = self.series.get(name)
            if series is None:
                if len(self.series) >= MAX_SERIES:
                    return
                series = self.series[name] = Series(name, unit)
            series.add(seconds, value, attempt)
            self.version += 1

    def lines(self, *, after: int = 0, level: str = "debug") -> list[LogLine]:
        """The lines that are kept with `seq` above `after`, of this level or graver, oldest first."""
        floor = LEVELS.index(level)
        with self._lock:
            return [line for line in self._lines if line.seq > after and LEVELS.index(line.level) >= floor]

    @property
    def size(self) -> int:
        """About so many bytes of memory it holds."""
        points = sum(series.size for series in self.series.values())
        return sum(150 + (len(line.said) if isinstance(line.said, str) else _DRAFT) for line in list(self._lines)) + points

    @property
    def dropped(self) -> int:
        """How many lines are no longer kept."""
        return max(0, self.lines_written - MAX_LINES)


def _single(seconds: float, value: float) -> Point:
    return Point(seconds, None, lost=1) if isnan(value) else Point(seconds, value, value, value)


def _one_more(point: Point, value: float | None) -> Point:
    """As `_merged` with a single value, which is what nearly all of a long series is."""
    mean, low, high, count, lost = point.value, point.low, point.high, point.count, point.lost
    if value is None:
        return Point(point.seconds, mean, low, high, count + 1, lost + 1, point.attempt)
    if mean is None or low is None or high is None:
        return Point(point.seconds, value, value, value, count + 1, lost, point.attempt)
    mean = (mean * (count - lost) + value) / (count - lost + 1)
    return Point(point.seconds, mean, value if value < low else low, value if value > high else high, count + 1, lost, point.attempt)


def _merged(a: Point, b: Point) -> Point:
    known = [p for p in (a, b) if p.value is not None]
    back = sum(p.count - p.lost for p in known)
    return Point(
        a.seconds,
        sum(p.value * (p.count - p.lost) for p in known if p.value is not None) / back if back else None,
        min((p.low for p in known if p.low is not None), default=None),
        max((p.high for p in known if p.high is not None), default=None),
        a.count + b.count,
        a.lost + b.lost,
        a.attempt,
    )
