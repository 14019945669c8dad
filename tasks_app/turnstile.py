"""What many ask for at the same moment is done a few at a time, so that others wait for these and not for all."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

from tasks_app.engine.loops import EachLoop

TURN_SECONDS = 0.002  # for which one after the other is let through in one turn


class Turnstile:
    """Lets one through in each turn of the running loop, or as many as there is time for, in the order in which they came."""

    def __init__(self) -> None:
        self._line: deque[Callable[[], object]] = deque()
        self._due = False

    def enter(self, act: Callable[[], object]) -> None:
        """Do this when its turn comes."""
        self._line.append(act)
        if not self._due:
            self._due = True
            asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        end = time.monotonic() + TURN_SECONDS
        try:
            self._line.popleft()()
            while self._line and time.monotonic() < end:
                self._line.popleft()()
        finally:
            self._due = bool(self._line)
            if self._due:
                asyncio.get_running_loop().call_soon(self._next)


turnstile = EachLoop(Turnstile)
