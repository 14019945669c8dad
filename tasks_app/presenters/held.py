"""The rows that a page says it shows and holds: what it is answered keeps their order."""

from __future__ import annotations

import re

from tasks_app.runtime import Runtime

MOST = 50  # rows of a page
_HELD = re.compile(rf"[0-9a-z]+(?:\.[0-9]{{1,15}}){{1,{MOST}}}")


def held_in(said: str, runtime: Runtime) -> tuple[str, ...]:
    """The ids of the rows of `EPOCH.NUMBER.NUMBER…`, as far as they are there. None of an earlier process: its numbers may mean other
    tasks now."""
    if not _HELD.fullmatch(said) or not said.startswith(f"{runtime.epoch}."):
        return ()
    found = (runtime.store.by_number(int(number)) for number in dict.fromkeys(said.split(".")[1:]))
    return tuple(task.id for task in found if task is not None)
