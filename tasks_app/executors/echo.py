"""Ends of attempts that others may have missed: what a worker said just before the broker went reached whom it reached.

Who sent an attempt knows what it was and how it ended. When there is a broker again it says both again, a few times, as others come back
at moments of their own; whoever knows already hears nothing new.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from tasks_app.executors import wire

BEFORE = 60.0  # seconds before the broker was missed: it may have been gone for as long, and nobody noticed
AGAIN = (0.0, 10.0, 40.0)  # seconds after it is back, at which ends are told again
MOST = 10_000  # ends that are kept


class End(NamedTuple):
    """A call, what it was sent with, and how it ended."""

    call: str
    launched: wire.Launched
    settled: wire.Settled


class Echo:
    """The last ends, and when they are to be told again. `found` may be called from any thread, the rest by whoever has the link."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._ends: deque[tuple[float, End]] = deque(maxlen=MOST)
        self._lost_at: float | None = None
        self._due: deque[tuple[float, float]] = deque(maxlen=2 * len(AGAIN))  # when, and ends from which moment on

    def ended(self, end: End) -> None:
        """An attempt that was sent from here has ended."""
        self._ends.append((self._monotonic(), end))

    def lost(self) -> None:
        """The broker does not answer."""
        if self._lost_at is None:
            self._lost_at = self._monotonic()

    def found(self) -> None:
        """There is a broker, or its events come again."""
        now = self._monotonic()
        since, self._lost_at = (now if self._lost_at is None else self._lost_at) - BEFORE, None
        self._due.extend((now + seconds, since) for seconds in AGAIN)

    def due(self) -> list[End]:
        """The ends that are to be told now."""
        now, since = self._monotonic(), None
        while self._due and self._due[0][0] <= now:
            at = self._due.popleft()[1]
            since = at if since is None else min(since, at)
        return [] if since is None else [end for at, end in list(self._ends) if at >= since]
