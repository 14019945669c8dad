"""The change feed: which tasks changed lately, so that a reader who was away can catch up."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from tasks_app.engine.events import Change

LENGTH = 20_000


class Feed:
    """The last changes as (version, id). The store's lock guards it."""

    def __init__(self) -> None:
        self._changes: deque[tuple[int, str]] = deque(maxlen=LENGTH)
        self._floor = 0  # changes up to this version may be forgotten

    def add_all(self, changes: Sequence[Change]) -> None:
        """Remember changes; the oldest leave when LENGTH are held."""
        kept = self._changes
        new = [(change.version, (change.after or change.before).id) for change in changes[-LENGTH:]]  # type: ignore[union-attr]
        if leave := max(0, len(kept) + len(changes) - LENGTH):
            self._floor = kept[leave - 1][0] if leave <= len(kept) else changes[leave - len(kept) - 1].version
        kept.extend(new)

    def forget(self, version: int) -> None:
        """Changes up to this version cannot be told."""
        self._floor = version

    def since(self, version: int) -> list[tuple[int, str]] | None:
        """The newest change of each task that changed after a version, in order; None when older changes are forgotten."""
        if version < self._floor:
            return None
        newest: dict[str, int] = {}
        for at, task_id in reversed(self._changes):
            if at <= version:
                break
            newest.setdefault(task_id, at)
        return [(at, task_id) for task_id, at in reversed(newest.items())]
