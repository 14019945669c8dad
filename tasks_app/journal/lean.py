"""Records read from a file share what is the same in them, as they did in the process that made them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from operator import attrgetter

from msgspec.structs import force_setattr

from tasks_app.engine.task import Task

_SHARED = ("type", "by", "via", "params", "result", "attempts", "created_at", "waiting_since", "ended_at")
_parts = attrgetter(*_SHARED)


def lean(tasks: Iterable[Task]) -> Iterator[Task]:
    """The same records, that nobody else holds yet: what is equal in one and the one before it is one object, not two."""
    before: tuple[object, ...] = (None,) * len(_SHARED)
    for task in tasks:
        parts = _parts(task)
        if parts != before:
            before = tuple([old if new == old else new for new, old in zip(parts, before, strict=True)])
        for name, new, old in zip(_SHARED, parts, before, strict=True):
            if new is not old:
                force_setattr(task, name, old)
        yield task
