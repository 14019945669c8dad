"""How far a task is, how fast it goes, and how long it will take."""

from __future__ import annotations

import math

from msgspec import Struct

from tasks_app.engine.sentences import Draft

RATE_WINDOW = 10.0  # seconds over which the rate is smoothed


class Progress(Struct, frozen=True, gc=False):
    """How far a task is. `at` is monotonic; `since` is when it was first seen to move, None before; `rate` is units a second, smoothed,
    None until it can be known."""

    current: float
    total: float | None
    said: str | Draft
    at: float
    rate: float | None = None
    since: float | None = None

    @property
    def message(self) -> str:
        """The step in words."""
        return str(self.said)

    @property
    def eta_seconds(self) -> float | None:
        """Seconds left at the present rate, None where it cannot be said."""
        if self.total is None:
            return None
        if self.current >= self.total:
            return 0.0
        return (self.total - self.current) / self.rate if self.rate and self.rate > 0 else None


def moved_on(before: Progress | None, current: float, total: float | None, message: str | Draft, *, at: float) -> Progress:
    """What follows from the progress before and a new word at `at` (monotonic).

    The rate is measured from the first word that says more than 0, not from the begin: whether the first unit comes at once, as the
    first of several probes does, or takes its time, it says nothing about the rest. It is the mean since then, in which a unit weighs
    less the longer it is past: an exponentially weighted mean, divided by the weight that has come together so far.
    """
    if before is None or before.since is None or current < before.current:
        return Progress(current, total, message, at, None, at if current > 0 else None)
    rate, since = before.rate, before.since
    if at > before.at:
        now = (current - before.current) / (at - before.at)
        old = (now if rate is None else rate) * _weight(before.at - since)
        rate = (old + _weight(at - before.at) * (now - old)) / _weight(at - since)
    return Progress(current, total, message, at, rate, since)


def _weight(seconds: float) -> float:
    return -math.expm1(-seconds / RATE_WINDOW)
