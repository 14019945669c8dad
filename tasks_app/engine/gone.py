"""Schedules that were deleted and can still be put back: for so many seconds, and no more than so many."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from tasks_app.engine.schedule import Schedule

UNDO = 10.0  # seconds
MOST = 100


class Gone:
    """What was deleted lately, by id. `monotonic` is the clock, in seconds. Its owner has the lock."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._all: OrderedDict[str, tuple[float, Schedule]] = OrderedDict()

    def put(self, schedule: Schedule) -> None:
        """It was deleted this moment."""
        self._all[schedule.id] = self._monotonic(), schedule
        if len(self._all) > MOST:
            self._all.popitem(last=False)

    def find(self, schedule_id: str) -> Schedule | None:
        """One that can still be put back."""
        self.forget()
        found = self._all.get(schedule_id)
        return found[1] if found else None

    def take(self, schedule_id: str) -> None:
        """It is back."""
        del self._all[schedule_id]

    def forget(self) -> None:
        """Let go of those it is too late for."""
        latest = self._monotonic() - UNDO
        while self._all and next(iter(self._all.values()))[0] < latest:
            self._all.popitem(last=False)
