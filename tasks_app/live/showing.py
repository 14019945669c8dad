"""A window and who looks through it, each in a step of the tick; and what changed for it since it was rendered last."""

from __future__ import annotations

from collections.abc import Set

from tasks_app.engine.sentences import Sentence
from tasks_app.live.viewer import Viewer
from tasks_app.live.window import Tick, Window


class Showing:
    """One window of the hub, with its viewers by the place they took."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.viewers: dict[Viewer, int] = {}
        self._dirty: set[int] = set()
        self._reshaped = False
        self._heard_of = -1

    def due(self, step: int, steps: int) -> list[Viewer]:
        """Those who are served in this step of so many."""
        return [viewer for viewer, place in self.viewers.items() if place % steps == step]

    def owe(self, dirty: Set[int], reshaped: bool) -> None:
        """Something changed. It is rendered when somebody is there to see it."""
        self._dirty |= dirty & self.window.numbers
        self._reshaped |= reshaped

    def tick(self, number: int, version: int, notice: Sentence) -> None:
        """Render what is owed."""
        tick = Tick(number, version, self._dirty, self._reshaped, notice, again=number == self._heard_of)
        self.window.tick(tick)
        self._dirty, self._reshaped, self._heard_of = set(), False, number
