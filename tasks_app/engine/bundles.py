"""Attempts that begin, or end, in one turn of the loop: the store is changed for all of them at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from tasks_app.engine.live import Live
from tasks_app.engine.ports import Clock
from tasks_app.engine.reports import Reports
from tasks_app.engine.task import Outcome

TOGETHER = 256  # attempts that are begun, or settled, while nobody else gets to the store: that takes it a millisecond or two
ROUNDS = 16  # looks at who is next meanwhile; where many types wait in turn each finds one task


class Ends:
    """Attempts that have ended and are about to be settled, in the loop's next turn. On the engine's loop."""

    def __init__(self, reports: Reports, clock: Clock, settle: Callable[[Sequence[tuple[Live, Outcome]], float], object]) -> None:
        self._reports = reports
        self._clock = clock
        self._settle = settle
        self._waiting: list[tuple[Live, Outcome]] = []

    def add(self, live: Live, outcome: Outcome) -> None:
        """This one has ended as well."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self.settle)
        self._waiting.append((live, outcome))

    def settle(self) -> None:
        """Settle all, now. Raises what the first raised that could not be settled; each sees to itself then."""
        try:
            while self._waiting:
                ends, self._waiting = self._waiting[:TOGETHER], self._waiting[TOGETHER:]
                with self._reports.flushing:
                    self._settle(ends, self._clock.monotonic())  # one moment for all: what they have in common is kept once
        finally:
            if self._waiting:
                asyncio.get_running_loop().call_soon(self.settle)


def each(ones: Sequence[tuple[Any, Any]], act: Callable[[Any, Any], object]) -> None:
    """Act on each, whatever becomes of the others. Raises what the first raised that did."""
    errors = []
    for live, what in ones:
        try:
            act(live, what)
        except Exception as error:
            errors.append(error)
    if errors:
        raise errors[0]
