"""Which board is at which path below `/live/boards/`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from tasks_app.auth.allow import Action
from tasks_app.engine.errors import NotFound
from tasks_app.live.boards import Parts
from tasks_app.presenters import activity, bulk, compare, pulse, schedule_page, type_page, worker_page
from tasks_app.runtime import Runtime

# A page's first word -> what makes its parts, given the runtime, the rest of its path and its query. Raises EngineError when there is none.
Board = Callable[[Runtime, str, Mapping[str, str]], Parts]
BOARDS: dict[str, Board] = {
    "activity": activity.board,
    "audit": partial(activity.board, everything=True),
    "bulk": bulk.board,
    "pulse": pulse.board,
    "schedules": schedule_page.board,
    "types": type_page.board,
    "compare": compare.board,
    "workers": worker_page.board,
}

_NEEDS = {"audit": Action.AUDIT}  # those that are not for everybody who may read


def needs(page: str) -> Action:
    """What somebody must be allowed to do who looks at a page."""
    return _NEEDS.get(page.partition("/")[0], Action.READ)


def board(runtime: Runtime, page: str, asked: Mapping[str, str]) -> Parts:
    """The parts of a page such as `types/ping`. Raises EngineError."""
    name, _, rest = page.partition("/")
    found = BOARDS.get(name)
    if found is None:
        raise NotFound("There is no such page.")
    return found(runtime, rest, asked)
