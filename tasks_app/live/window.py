"""What every window has: the tick it hears of, what a viewer has seen of it, its slots by stamp.

A window keeps, for each slot it shows, the stamp at which its text changed last. So a viewer is brought to the present by one number:
all slots with a later stamp than the one it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from typing import Protocol

from msgspec import Struct

from tasks_app.live.frames import Slots


class Tick(Struct, frozen=True):
    """What a tick found: its number, the version reached, the numbers of changed visible tasks, whether any task came, went or
    changed its status, and the notice of the moment. `again`: a window with many viewers hears of one tick in each of its steps."""

    number: int
    version: int
    dirty: Set[int]
    reshaped: bool
    notice: str
    again: bool = False

    def each(self, ticks: int) -> bool:
        """Whether this is one of each so many ticks, and its first step."""
        return not self.again and self.number % ticks == 0


class Seen(Struct, frozen=True, cache_hash=True):
    """What one viewer has: version, stamp and order of its last frame, and the last line of the log. Viewers with one frame share one."""

    version: int = -1
    stamp: int = -1
    order: tuple[str, ...] = ()
    log_seq: int = 0


class Window(Protocol):
    """What hub and viewer ask of a window."""

    @property
    def seen(self) -> Seen:
        """What a viewer has seen who has the newest frame: the store's version then, a stamp that rises with each change, the ids that are
        shown, the last line of the log (0 where there is none)."""

    @property
    def numbers(self) -> frozenset[int]:
        """The numbers of the tasks whose changes concern it."""

    def tick(self, tick: Tick) -> None:
        """Take in what changed."""

    def snapshot(self) -> str:
        """A frame with all of it."""

    def delta(self, seen: Seen) -> str:
        """A frame that brings a viewer who saw `seen` to the present."""


class Shown:
    """Rendered slots by id, each with the stamp of its last change."""

    def __init__(self) -> None:
        self._slots: dict[str, dict[str, tuple[str, int]]] = {}

    def put(self, task_id: str, rendered: Slots, stamp: int) -> bool:
        """Keep what a task looks like now; whether that is new."""
        before = self._slots.get(task_id, {})
        after = {name: old if (old := before.get(name)) and old[0] == html else (html, stamp) for name, html in rendered.items()}
        self._slots[task_id] = after
        return before != after

    def since(self, task_id: str, stamp: int) -> Slots:
        """The slots that changed after a stamp."""
        return {name: html for name, (html, at) in self._slots[task_id].items() if at > stamp}

    def keep(self, ids: Iterable[str]) -> None:
        """Forget all others."""
        self._slots = {task_id: self._slots[task_id] for task_id in ids if task_id in self._slots}

    def __contains__(self, task_id: str) -> bool:
        return task_id in self._slots
