"""Shares: how many tasks of one person wait, and who runs as many as he may. People are told apart by the name a task keeps in `by`."""

from __future__ import annotations

from threading import RLock

from tasks_app.engine.indexes import Indexes


class Shares:
    """The shares in a store, under its lock. Tasks of nobody in particular (an empty name) are in nobody's share."""

    def __init__(self, lock: RLock, indexes: Indexes) -> None:
        self._lock = lock
        self._indexes = indexes

    def waiting(self, by: str) -> int:
        """How many tasks of this person wait, whatever for."""
        return self._indexes.waiting_of.get(by, 0)

    def divide(self) -> None:
        """Have lines in which people can be passed over, from the first task on: it costs a little at each."""
        assert not self._indexes.lines
        self._indexes.divided = True

    def pass_over(self, by: str) -> None:
        """Start nothing of this person for now."""
        with self._lock:
            self._indexes.full.add(by)
            self._look_again(by)

    def let_in(self, by: str) -> None:
        """He may run more again."""
        with self._lock:
            self._indexes.full.discard(by)
            self._look_again(by)

    def _look_again(self, by: str) -> None:
        for line in self._indexes.lines.values():
            line.look_again(by)
