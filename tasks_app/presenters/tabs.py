"""The parts of a task's page, in the order in which they matter now: the first one is open."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from msgspec import Struct

from tasks_app.engine.task import TERMINAL, Task
from tasks_app.engine.trail import Trail
from tasks_app.presenters import words


class Tab(Struct, frozen=True):
    """A link to a part of the page; `status` colours it."""

    anchor: str
    label: str
    small: str = ""
    status: str = ""


def tabs(task: Task, trail: Trail | None) -> tuple[Tab, ...]:
    """The tabs of a task; what is not on the page has none."""
    ended = task.status in TERMINAL
    measured = bool(trail and trail.series)
    lines = words.count(trail.lines_written) if trail and trail.lines_written else ""
    found = [
        (ended and task.error is not None, Tab("error", _("Error"), status=task.status.value)),
        (ended and task.result is not None, Tab("result", _("Result"))),
        (measured, Tab("live", _("Measured") if ended else pgettext("a part of the Task page", "Live"))),
        (True, Tab("log", _("Log"), lines)),
        (not ended, Tab("result", _("Result"), _("when it ends"))),
    ]
    return tuple(tab for there, tab in found if there)
