"""Task types: what can run here, and the page of each with its slots, its pauses, and what failed."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from tasks_app import runtime
from tasks_app.auth.allow import Action
from tasks_app.auth.asking import acted_on, may, name_of
from tasks_app.engine import bulk
from tasks_app.engine.errors import EngineError, InvalidValue, NotFound
from tasks_app.engine.launch import LaunchRequest
from tasks_app.engine.task import Status
from tasks_app.presenters import type_page as one
from tasks_app.presenters import types as presented
from tasks_app.web import shell
from tasks_app.web.forms import integer

VIA = "dashboard"
View = Callable[[HttpRequest, str], Coroutine[Any, Any, HttpResponse]]


@require_safe
async def types(request: HttpRequest) -> HttpResponse:
    """What can run here."""
    span = presented.asked_span(request.GET)
    wanted = presented.asked_words(request.GET)
    parts = _safe(presented.parts(runtime.get(), span, wanted))
    context = {"part": parts, "span": span, "wanted": wanted, "limits": may(request, Action.LIMIT)}
    return shell.page(request, "types/types.html", context, place="types", live=f"/live/boards/{presented.board_page(span, wanted)}")


@require_safe
async def type_page(request: HttpRequest, name: str) -> HttpResponse:
    """One type."""
    now = runtime.get()
    task_type = now.registry.find(name)
    if task_type is None:
        return shell.page(request, "types/missing.html", {"name": name, "link": one.list_link(name)}, place="types", status=404)
    span = presented.asked_span(request.GET)
    queue = now.engine.queues.get(name)
    context = {
        "part": _safe(one.parts(now, task_type, span)),
        "type": task_type,
        "about": presented.about(task_type),
        "span": span,
        "limits": may(request, Action.LIMIT),
        "acts": may(request, Action.BULK),
        "fields": one.field_rows(task_type),
        "policy": one.policy(now, task_type),
        "concurrency": queue.concurrency,
        "further": presented.further(task_type),
        "hint": one.slots_hint(now, task_type),
        "list_link": one.list_link(name),
    }
    return shell.page(request, "types/type.html", context, place="types", live=f"/live/boards/{one.board_page(name, span)}")


def _action(verb: Callable[[HttpRequest, str], str]) -> View:
    @require_POST
    @wraps(verb)
    async def view(request: HttpRequest, name: str) -> HttpResponse:
        try:
            said = verb(request, name)
        except EngineError as error:
            return shell.refused(request, error)
        return shell.toast(request, said) if shell.by_htmx(request) else shell.see_other(shell.came_from(request) or reverse("web:types"))

    return view


@_action
def pause(request: HttpRequest, name: str) -> str:
    """Start no more tasks of a type."""
    runtime.get().engine.pause(name, by=name_of(request))
    return _("%(type)s is paused. What runs goes on.") % {"type": name}


@_action
def resume(request: HttpRequest, name: str) -> str:
    """Start tasks of a type again."""
    runtime.get().engine.resume(name)
    return _("%(type)s starts tasks again.") % {"type": name}


@_action
def slots(request: HttpRequest, name: str) -> str:
    """How many tasks of a type may run at once; left empty, as many as the server has slots."""
    given = request.POST.get("concurrency", "").strip()
    wanted = integer(given) if given else None
    if isinstance(wanted, str):
        raise InvalidValue(_("must be a whole number"), field="concurrency")
    queue = runtime.get().engine.set_concurrency(name, wanted)
    if queue.concurrency is None:
        return _("%(type)s has no limit of its own any more.") % {"type": name}
    return _("%(type)s has %(count)s slots now.") % {"type": name, "count": queue.concurrency}


@require_POST
async def retry_failures(request: HttpRequest, name: str, group: str) -> HttpResponse:
    """Try all tasks of a group of failures again, as a task of its own; its page shows how far it is."""
    try:
        now = runtime.get()
        if not any(found.id == group for found in now.engine.stats.failures.groups(name)):
            raise NotFound(_("No failed task is left in this group."))
        wanted = {"status": [Status.FAILED.value], "type": [name], "q": f"failure:{group}"}
        launch = LaunchRequest(type=bulk.NAME, params={"action": bulk.Action.RETRY.value, "filter": wanted}, priority=100)
        task = now.engine.submit_own(launch, by=name_of(request), via=VIA)
    except EngineError as error:
        return shell.refused(request, error)
    acted_on(request, task.id)
    return shell.opened(request, reverse("web:task", args=[task.id]))


def _safe(parts: Mapping[str, str]) -> dict[str, str]:
    return {name: mark_safe(html) for name, html in parts.items()}  # noqa: S308 - made by templates that escape
