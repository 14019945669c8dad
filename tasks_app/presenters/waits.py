"""Why a task waits, as two sentences: its place in line, and what it waits for."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from msgspec import Struct

from tasks_app.engine.foreign import Foreign
from tasks_app.engine.task import Status, Task
from tasks_app.engine.waiting import Waiting
from tasks_app.presenters import words
from tasks_app.runtime import Runtime


class Waits(Struct, frozen=True):
    """`place`: where in line. `reason`: what it waits for. `seconds` until it starts, a guess, None where there is none."""

    place: str = ""
    reason: str = ""
    seconds: float | None = None


def waits(runtime: Runtime, task: Task) -> Waits:
    """Why a pending task waits; empty sentences once it does not any more."""
    if task.foreign is not None and task.status is Status.PENDING:
        return Waits(reason=_in_celery(task.foreign))
    waiting = runtime.engine.waiting(task)
    if waiting is None:
        return Waits()
    return Waits(_place(waiting.position), _reason(waiting, task.type), waiting.eta_seconds)


def _in_celery(foreign: Foreign) -> str:
    """Who has it: a worker that will come to it, or the broker."""
    if foreign.worker and foreign.received_at is not None:
        return _("%(worker)s has taken it from the queue") % {"worker": foreign.worker}
    return _("In the queue %(queue)s") % {"queue": foreign.queue} if foreign.queue else _("Waits for a Celery worker")


def _place(position: int | None) -> str:
    if position == 1:
        return _("Next in line")
    return _("%(place)s in line") % {"place": words.ordinal(position)} if position else ""


def _reason(waiting: Waiting, type_name: str) -> str:
    slots = waiting.slots or 0
    counted = {"slots": words.count(slots), "type": type_name}
    match waiting.reason:
        case "type_full":
            return ngettext("The one slot of %(type)s is busy", "All %(slots)s slots of %(type)s are busy", slots) % counted
        case "all_full":
            return ngettext("The one slot is busy", "All %(slots)s slots are busy", slots) % counted
        case "share_full":
            said = ngettext("The one slot a person may have is busy", "All %(slots)s slots that one person may have are busy", slots)
            return said % counted
        case "paused":
            return _("%(type)s is paused") % counted
        case "no_type":
            return _("No task type %(type)s is installed here") % counted
        case _:
            return _("Starts at once")
