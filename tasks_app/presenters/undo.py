"""What was deleted a moment ago and can come back: said in a toast, with the way to undo it."""

from __future__ import annotations

import math
from collections.abc import Iterable

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from msgspec import Struct

from tasks_app.engine import bulk
from tasks_app.engine.bulk import Action, BulkParams
from tasks_app.engine.deleted import SECONDS
from tasks_app.engine.task import ACTIVE, Task
from tasks_app.engine.undo import DELETED
from tasks_app.presenters import words
from tasks_app.presenters.labels import title
from tasks_app.runtime import Runtime


class Offer(Struct, frozen=True):
    """One delete: what it did, where it is undone, and for how many whole seconds that is possible, from 1 to 10."""

    text: str
    url: str
    seconds: int
    counted: str


def offers(runtime: Runtime, names: Iterable[str]) -> list[Offer]:
    """Those among deletes (a task's id, or that of the task of a bulk delete) that can still be undone."""
    return [found for name in names if (found := _offer(runtime, name)) is not None]


def _offer(runtime: Runtime, name: str) -> Offer | None:
    deleted = runtime.store.deleted
    seconds = deleted.seconds_left(name)
    left = deleted.find(name)
    if left is not None and seconds is not None:
        text = _deleted(left.task) % {"task": f"{title(left.task)} #{left.task.number}"}
        return _made(text, reverse("web:restore", args=[name]), seconds)
    task = runtime.store.find(name)
    return None if task is None else _of_bulk(runtime, task, seconds)


def _deleted(task: Task) -> str:
    if task.cancel is not None and task.cancel.reason == DELETED:
        return _("%(task)s is stopped and deleted. Undone, it comes back as cancelled.")
    return _("%(task)s is deleted.")


def _of_bulk(runtime: Runtime, task: Task, seconds: float | None) -> Offer | None:
    if not deletes(task):
        return None
    url = reverse("web:undo-bulk", args=[task.id])
    if task.status in ACTIVE:
        return _made(_going(task), url, SECONDS)
    batch = runtime.store.deleted.batch(task.id)
    if batch is None or seconds is None or batch.returning:
        return None
    said = ngettext("Deleted %(count)s task.", "Deleted %(count)s tasks.", batch.deleted) % {"count": words.count(batch.deleted)}
    if batch.left < batch.deleted:
        said += " " + ngettext("%(count)s can come back.", "%(count)s can come back.", batch.left) % {"count": words.count(batch.left)}
    if batch.stopped:
        ran = ngettext(
            "%(count)s of them ran and was stopped: undone, it comes back as cancelled.",
            "%(count)s of them ran and were stopped: undone, they come back as cancelled.",
            batch.stopped,
        )
        said += " " + ran % {"count": words.count(batch.stopped)}
    return _made(said, url, seconds)


def _going(task: Task) -> str:
    ids = BulkParams.model_validate_json(task.params).ids
    if ids is None:
        return _("Tasks are being deleted.")
    said = ngettext("%(count)s task is being deleted.", "%(count)s tasks are being deleted.", len(ids))
    return said % {"count": words.count(len(ids))}


def deletes(task: Task) -> bool:
    """Whether this is the task of a bulk delete."""
    return task.type == bulk.NAME and BulkParams.model_validate_json(task.params).action is Action.DELETE


def _made(text: str, url: str, seconds: float) -> Offer:
    whole = max(1, math.ceil(seconds))
    return Offer(text, url, whole, words.duration(whole))
