"""Actions: what POST does. One function, one verb; the engine decides, and what it refuses is said in its own words."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tasks_app import runtime
from tasks_app.auth.asking import acted_on, name_of
from tasks_app.engine.errors import EngineError
from tasks_app.engine.sooner import start_now
from tasks_app.engine.task import TERMINAL, Task
from tasks_app.engine.undo import DELETED
from tasks_app.presenters.labels import title
from tasks_app.web import shell, undo

VIA = "dashboard"
LONGEST_REASON = 200  # characters
View = Callable[[HttpRequest, UUID], Coroutine[Any, Any, HttpResponse]]


def _action(verb: Callable[[HttpRequest, str], HttpResponse]) -> View:
    @require_POST
    @wraps(verb)
    async def view(request: HttpRequest, task_id: UUID) -> HttpResponse:
        try:
            return verb(request, str(task_id))
        except EngineError as error:
            return shell.refused(request, error)

    return view


@_action
def cancel(request: HttpRequest, task_id: str) -> HttpResponse:
    """Ask a task to stop; `reason` says why, for those who look later."""
    task = runtime.get().engine.cancel(task_id, by=name_of(request), reason=_reason(request))
    said = _("%(task)s is cancelled.") if task.status in TERMINAL else _("%(task)s is asked to stop.")
    return _done(request, said % {"task": title(task)})


@_action
def force(request: HttpRequest, task_id: str) -> HttpResponse:
    """Stop a task that does not stop by itself."""
    task = runtime.get().engine.cancel(task_id, by=name_of(request), force=True)
    return _done(request, _("%(task)s is stopped by force.") % {"task": title(task)})


@_action
def retry(request: HttpRequest, task_id: str) -> HttpResponse:
    """Give a task another go."""
    task = runtime.get().engine.retry(task_id)
    return _done(request, _("%(task)s goes again.") % {"task": title(task)})


@_action
def start(request: HttpRequest, task_id: str) -> HttpResponse:
    """Let a task that waits for a time wait no longer."""
    task = start_now(runtime.get().engine, task_id)
    return _done(request, _("%(task)s starts now.") % {"task": title(task)})


@_action
def rerun(request: HttpRequest, task_id: str) -> HttpResponse:
    """Launch a copy and open it."""
    task = runtime.get().engine.rerun(task_id, by=name_of(request), via=VIA)
    acted_on(request, task.id)
    return shell.opened(request, reverse("web:task", args=[task.id]))


@_action
def delete(request: HttpRequest, task_id: str) -> HttpResponse:
    """Remove a task, and offer to undo it. Its own page is gone with it: then the list is shown."""
    runtime.get().engine.delete(task_id, by=name_of(request))
    undo.add(request, task_id)
    gone = shell.came_from(request).startswith(reverse("web:task", args=[task_id]))
    return undo.kept(request, shell.opened(request, reverse("web:tasks")) if gone else _done(request, ""))


@_action
def restore(request: HttpRequest, task_id: str) -> HttpResponse:
    """Undo a delete."""
    task = runtime.get().engine.restore(task_id)
    said = _("%(task)s is back, as cancelled: it ran when it was deleted.") if _was_stopped(task) else _("%(task)s is back.")
    return _done(request, said % {"task": title(task)})


@require_POST
async def redeliver(request: HttpRequest, task_id: UUID, delivery_id: str) -> HttpResponse:
    """Send a webhook again."""
    try:
        delivery = runtime.get().webhooks.redeliver(str(task_id), delivery_id)
    except EngineError as error:
        return shell.refused(request, error)
    acted_on(request, str(task_id))
    return _done(request, _("The webhook to %(url)s is sent again.") % {"url": delivery.hook.shown})


def _was_stopped(task: Task) -> bool:
    return task.cancel is not None and task.cancel.reason == DELETED


def _reason(request: HttpRequest) -> str:
    """What was written why, as one line; what cannot stand in one is left out."""
    line = " ".join(str(request.POST.get("reason", "")).split())
    return "".join(c for c in line if unicodedata.category(c) not in ("Cc", "Cs"))[:LONGEST_REASON]


def _done(request: HttpRequest, said: str) -> HttpResponse:
    return shell.toast(request, said) if shell.by_htmx(request) else shell.see_other(shell.came_from(request) or reverse("web:tasks"))
