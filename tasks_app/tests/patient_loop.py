"""A loop for tests by whose clock nothing takes long: what a machine does meanwhile ends no wait too early."""

from __future__ import annotations

import asyncio
import selectors
import time

STEP = 0.05  # seconds; nobody sleeps longer at a time
MOST = 2 * STEP  # seconds that pass by this clock between two looks at it, however many did


class _InSteps(selectors.DefaultSelector):
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return early rather than late: the loop looks at its clock, and comes again."""
        return super().select(STEP if timeout is None else min(timeout, STEP))


class PatientLoop(asyncio.SelectorEventLoop):
    """Real time, except while the process stands still: a machine that does other things for five seconds makes none of the timers
    here fire that would not have fired without."""

    def __init__(self) -> None:
        self._seen = self._now = time.monotonic()
        super().__init__(_InSteps())

    def time(self) -> float:
        """Seconds, those of the system's monotonic clock as long as nothing stands still."""
        now = time.monotonic()
        self._now += min(now - self._seen, MOST)
        self._seen = now
        return self._now
