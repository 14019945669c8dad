"""What is known of a task that runs elsewhere: where it is, how it came there, and who asked for it, as names and values."""

from __future__ import annotations

from functools import lru_cache

from django.urls import NoReverseMatch, reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from msgspec import Struct

from tasks_app.cluster.texts import moment_of, task_id_of
from tasks_app.engine.foreign import Foreign
from tasks_app.engine.task import Task
from tasks_app.presenters import times, words
from tasks_app.rendering import get_template
from tasks_app.runtime import Runtime


class Fact(Struct, frozen=True):
    """A name and its value, which may be a link; `code` values stand in the fixed-width face."""

    name: str
    value: str
    url: str = ""
    code: bool = False


def elsewhere(runtime: Runtime, task: Task) -> SafeString:
    """The card; empty for tasks of this process."""
    if task.foreign is None:
        return SafeString()
    relatives = tuple(_known(runtime, name) for name in (task.foreign.parent, task.foreign.root))
    return _card(task.foreign, runtime.cluster is not None, relatives, get_language())


def worker_url(name: str) -> str:
    """The page of a worker; empty for a name that no page can have."""
    try:
        return reverse("web:worker", args=[name])
    except NoReverseMatch:
        return ""


def _known(runtime: Runtime, name: str) -> str:
    """The id here of a task, where we have it."""
    task_id = task_id_of(name) if name else ""
    return task_id if task_id and runtime.store.find(task_id) is not None else ""


@lru_cache(maxsize=256)
def _card(foreign: Foreign, linked: bool, relatives: tuple[str, ...], language: str | None) -> SafeString:
    facts = [fact for fact in _facts(foreign, linked, relatives) if fact.value]
    return mark_safe(get_template("task/slots/elsewhere.html").render({"facts": facts}).strip())  # noqa: S308 - the template escapes


def _facts(foreign: Foreign, linked: bool, relatives: tuple[str, ...]) -> list[Fact]:
    parent, root = relatives
    return [
        Fact(_("Celery ID"), foreign.id, code=True),
        Fact(_("Worker"), foreign.worker, worker_url(foreign.worker) if linked and foreign.worker else ""),
        Fact(_("Worker’s process"), str(foreign.pid) if foreign.pid is not None else ""),
        Fact(_("Queue"), foreign.queue, code=True),
        Fact(_("Exchange"), foreign.exchange, code=True),
        Fact(_("Routing key"), foreign.routing_key, code=True),
        Fact(_("Sent"), times.moment(foreign.sent_at) if foreign.sent_at is not None else ""),
        Fact(_("Received"), times.moment(foreign.received_at) if foreign.received_at is not None else ""),
        Fact(_("Not before"), _moment(foreign.eta)),
        Fact(_("Expires"), _moment(foreign.expires)),
        Fact(_("Retries"), words.count(foreign.retries) if foreign.retries else ""),
        Fact(_("Sent by"), foreign.client),
        Fact(_("Parent"), foreign.parent, _task_url(parent), code=True),
        Fact(_("Root"), foreign.root if foreign.root != foreign.id else "", _task_url(root), code=True),
    ]


def _moment(text: str) -> str:
    """A moment that Celery wrote down, as moments are written here; what cannot be read is shown as it came."""
    at = moment_of(text)
    return text if at is None else times.moment(at)


def _task_url(task_id: str) -> str:
    return reverse("web:task", args=[task_id]) if task_id else ""
