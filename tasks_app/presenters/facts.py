"""Params, result and particulars of a task as lists of names and values, or as formatted JSON where they are not flat."""

from __future__ import annotations

import json
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext
from msgspec import Struct

from tasks_app.engine.queues import Queue
from tasks_app.engine.registry import Backoff, TaskType
from tasks_app.engine.task import Task
from tasks_app.presenters import times, words
from tasks_app.presenters.origins import origin
from tasks_app.runtime import Runtime

MOST_ROWS = 40  # flat objects with more fields are shown as JSON
EXACT = 2**53


class Fact(Struct, frozen=True):
    """A name and its value; `code` values stand in the fixed-width face, `url` makes them a link."""

    name: str
    value: str
    code: bool = False
    url: str = ""


class Shown(Struct, frozen=True):
    """JSON as a reader sees it: `rows` where it is a flat object, `text` (formatted) always."""

    text: str
    rows: tuple[Fact, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is nothing in it."""
        return self.text in ("{}", "[]", "null")


def shown(given: bytes) -> Shown:
    """JSON text, fit to be read."""
    value = json.loads(given)
    text = json.dumps(value, indent=2, ensure_ascii=False)
    flat = isinstance(value, dict) and len(value) <= MOST_ROWS and not any(isinstance(v, dict | list) for v in value.values())
    return Shown(text, tuple(Fact(name, plain(v), True) for name, v in value.items()) if flat else ())


def plain(value: Any) -> str:
    """A JSON value without the quotes around text: `10.4.0.1`, `true`, `none`; a whole number without its `.0`."""
    if value is None:
        return _("none")
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT:
        return str(int(value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def particulars(runtime: Runtime, task: Task) -> tuple[Fact, ...]:
    """What else there is to know about a task."""
    found = [
        Fact(_("Number"), str(task.number)),
        Fact(_("Launched"), times.moment(task.created_at)),
    ]
    if task.by:
        found.append(Fact(_("By"), task.by))
    if task.via:
        found.append(Fact(_("Through"), origin(task)))
    if task.rerun_of:
        old = runtime.store.find(task.rerun_of)
        found.append(Fact(_("Rerun of"), _task(old.number) if old else _("a task that is gone"), url=old.id if old else ""))
    if task.foreign is not None:
        return tuple(found)
    found += [
        Fact(_("Priority"), str(task.priority)),
        Fact(pgettext("how long an attempt may take", "Timeout"), words.duration(task.timeout) if task.timeout else _("none")),
        Fact(_("Attempts"), attempts_of(task.max_attempts, runtime.registry.find(task.type))),
    ]
    return tuple(found)


def slots(runtime: Runtime, task: Task) -> str:
    """How many slots of the task's type are taken."""
    if task.foreign is not None:
        return _("none here: it runs in Celery")
    return slots_of(runtime.engine.queues.get(task.type))


def slots_of(queue: Queue) -> str:
    """How many slots of a type are taken: `3 of 8 busy`, `3 busy, no limit`."""
    busy = words.count(queue.running)
    if queue.paused:
        return _("%(busy)s busy, paused") % {"busy": busy}
    if queue.concurrency is None:
        return _("%(busy)s busy, no limit") % {"busy": busy}
    told = _("%(busy)s of %(most)s busy") % {"busy": busy, "most": words.count(queue.concurrency)}
    if queue.retry_concurrency is None:
        return told
    retries = {"busy": words.count(queue.retrying), "most": words.count(queue.retry_concurrency)}
    return f"{told}, {_('%(busy)s of %(most)s for retries') % retries}"


def _task(number: int) -> str:
    return _("task %(number)s") % {"number": number}


def attempts_of(most: int, task_type: TaskType | None) -> str:
    """How many attempts there may be, and how far apart: `one`, `up to 3, waits growing from 10 s`."""
    if most == 1:
        return _("one")
    told = ngettext("up to %(count)s", "up to %(count)s", most) % {"count": words.count(most)}
    return f"{told}, {_spacing(task_type.backoff)}" if task_type else told


def _spacing(backoff: Backoff) -> str:
    base = words.took(backoff.base)
    if backoff.factor == 1:
        return _("%(wait)s apart") % {"wait": base}
    return _("waits growing from %(wait)s") % {"wait": base}
