"""Boards: pages made of a few parts that are looked at anew once a second, and sent where their text changed.

A board is any page that is neither the list nor a task: its presenter makes the parts, the page and its socket show the same ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import UNSET

from tasks_app.engine.errors import EngineError
from tasks_app.live.frames import Frame, Notice, Slots
from tasks_app.live.window import Seen, Shown, Tick
from tasks_app.presenters import views
from tasks_app.runtime import Runtime

EVERY = 4  # ticks between two looks: figures that move faster than that cannot be read
Parts = Callable[[Runtime], Slots]


class BoardWindow:
    """A page of parts. `parts` makes all of them as HTML by name; raises EngineError when what the page shows does not exist."""

    def __init__(self, runtime: Runtime, name: str, parts: Parts) -> None:
        self._runtime = runtime
        self._name = name
        self._parts = parts
        self._shown = Shown()
        self._notice = ""
        self._busy = runtime.engine.queues.running
        self._totals = views.totals(runtime)
        self._looked_at: int | None = None
        self.order: tuple[str, ...] = (name,)
        self.numbers: frozenset[int] = frozenset()
        self.version = runtime.store.version
        self.stamp = 0
        self._shown.put(name, parts(runtime), 0)

    @property
    def seen(self) -> Seen:
        """See Window."""
        return Seen(self.version, self.stamp, self.order)

    def tick(self, tick: Tick) -> None:
        """See Window."""
        before = self._beside()
        stamp = self.stamp + 1
        changed = False
        if self._looked_at is None or tick.number - self._looked_at >= EVERY:
            self._looked_at = tick.number
            self._busy, self._totals = self._runtime.engine.queues.running, views.totals(self._runtime)
            changed = self._look(stamp)
        self._notice = tick.notice
        if changed or before != self._beside():
            self.version, self.stamp = max(tick.version, self.version), stamp

    def snapshot(self) -> str:
        """See Window."""
        return self._frame(-1, snapshot=True)

    def delta(self, seen: Seen) -> str:
        """See Window."""
        return self._frame(seen.stamp, base=seen.version)

    def _beside(self) -> tuple[object, ...]:
        return self.order, self._notice, self._busy, self._totals

    def _look(self, stamp: int) -> bool:
        """Whether something else is to be seen. Once what the page shows is gone, its parts stay as they were."""
        if not self.order:
            return False
        try:
            return self._shown.put(self._name, self._parts(self._runtime), stamp)
        except EngineError:
            self.order = ()
            return True

    def _frame(self, stamp: int, **more: Any) -> str:
        slots = self._shown.since(self._name, stamp)
        return Frame(
            epoch=self._runtime.epoch,
            version=self.version,
            order=self.order if more.get("snapshot") else UNSET,
            rows={self._name: slots} if slots else {},
            removed=UNSET if self.order else [self._name],
            busy=self._busy,
            totals=self._totals,
            notice=Notice(self._notice),
            **more,
        ).text()
