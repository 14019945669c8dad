"""Where a task came from: the door it was launched through, and the number it goes by there."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tasks_app.engine.task import Task

_OWN: Mapping[str, str | Promise] = {
    "api": gettext_lazy("API"),
    "dashboard": gettext_lazy("Dashboard"),
    "demo": gettext_lazy("Demo"),
    "celery": gettext_lazy("Celery"),
}
_DIALECTS: Mapping[str, str] = {  # names of services: the same in every language
    "iotask": "IoTask",
    "io_bound": "IO Bound Task API",
    "jobs": "Flussonic jobs",
    "long_tasks": "Long Tasks Service",
    "task_queue": "Go Task Queue",
}


def door(name: str) -> str:
    """A door in words: `Dashboard`, `Go Task Queue`."""
    return _DIALECTS.get(name) or str(_OWN.get(name, name))


def origin(task: Task) -> str:
    """The door in words; of a dialect with the task's number there: `Go Task Queue, number 5`."""
    if task.via not in _DIALECTS:
        return str(_OWN.get(task.via, task.via))
    name = _DIALECTS[task.via]
    return name if task.serial is None else _("%(service)s, number %(number)s") % {"service": name, "number": task.serial}


def mark(task: Task) -> str:
    """What a row says of it: `Go Task Queue 5` for tasks that came through a dialect, nothing for all others."""
    parts = (_DIALECTS.get(task.via, ""), "" if task.serial is None else str(task.serial))
    return " ".join(filter(None, parts)) if parts[0] else ""
