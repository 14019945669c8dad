"""Acting on many tasks: what would happen, counted; begun; watched on a page of its own; undone."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tasks_app import runtime
from tasks_app.auth.asking import acted_on, name_of
from tasks_app.engine import bulk as engine_bulk
from tasks_app.engine import bulk_undo
from tasks_app.engine.bulk import Action, BulkParams, is_for
from tasks_app.engine.errors import EngineError, Invalid, InvalidValue
from tasks_app.engine.launch import LaunchRequest
from tasks_app.engine.preview import preview
from tasks_app.engine.sentences import say
from tasks_app.presenters import bulk as presented
from tasks_app.presenters import bulk_preview, bulk_targets, filters
from tasks_app.web import shell
from tasks_app.web import undo as undoing

VIA = "dashboard"
IDS, ALL, ACTION = "id", "all", "action"


@require_http_methods(["GET", "HEAD", "POST"])
async def bulk(request: HttpRequest) -> HttpResponse:
    """GET: what an action on everything that matches would do. POST: do it, to that or to the tasks that were ticked."""
    try:
        return _begun(request) if request.method == "POST" else await _counted(request)
    except EngineError as error:
        return shell.refused(request, error)


@require_safe
async def page(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """A bulk action: how far it is, and what became of each task."""
    now = runtime.get()
    task = now.store.find(str(task_id))
    if task is None or task.type not in presented.KINDS:
        return shell.page(request, "task/missing.html", {}, place="tasks", status=404)
    parts = {name: mark_safe(html) for name, html in presented.parts(now, task.id).items()}  # noqa: S308 - made by templates that escape
    told = {"title": presented.title(task), "which": bulk_targets.which(task), "named": presented.named(task)}
    context = {"task": task, "part": parts, **told}
    return shell.page(request, "bulk/bulk.html", context, place="tasks", live=f"/live/boards/bulk/{task.id}")


@require_POST
async def undo(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """Bring back what a bulk delete has deleted."""
    try:
        task = bulk_undo.undo(runtime.get().engine, str(task_id), by=name_of(request), via=VIA)
    except EngineError as error:
        return shell.refused(request, error)
    came_from = shell.came_from(request)
    if not came_from or came_from.startswith(reverse("web:bulk-page", args=[task_id])):
        return shell.opened(request, reverse("web:bulk-page", args=[task.id]))
    return shell.toast(request, _("What was deleted comes back.")) if shell.by_htmx(request) else shell.see_other(came_from)


async def _counted(request: HttpRequest) -> HttpResponse:
    chosen = filters.from_url(request.GET)
    actions = [_action(request.GET)] if request.GET.get(ACTION) else list(Action)
    params = _params(actions[0], chosen)
    found = await preview(runtime.get().store, params)
    context = {
        "cards": [bulk_preview.card(found.of(action)) for action in actions],
        "matched": bulk_preview.matched(found),
        "chips": chosen.parts(),
        "pairs": chosen.pairs(),
        "back": chosen.link(),
    }
    return shell.page(request, "bulk/preview.html", context, place="tasks")


def _begun(request: HttpRequest) -> HttpResponse:
    action = _action(request.POST)
    ids = list(dict.fromkeys(request.POST.getlist(IDS)))
    if ids:
        params: Any = {"action": action, "ids": ids}
    elif request.POST.get(ALL):
        params = _params(action, filters.from_url(request.POST)).model_dump(mode="json", exclude_none=True)
    else:
        raise Invalid(say("No task is selected."))
    said = bulk_preview.begun(action, _able(action, ids), len(ids))  # counted before it begins
    launch = LaunchRequest(type=engine_bulk.NAME, params=params, priority=100)
    task = runtime.get().engine.submit_own(launch, by=name_of(request), via=VIA)
    acted_on(request, task.id)
    if action is Action.DELETE:
        undoing.add(request, task.id)
    return undoing.kept(request, _answered(request, task.id, action, said if ids else ""))


def _able(action: Action, ids: list[str]) -> int:
    """How many of these tasks the action is for."""
    found = (runtime.get().store.find(task_id) for task_id in ids)
    return sum(task is not None and is_for(action, task) for task in found)


def _answered(request: HttpRequest, task_id: str, action: Action, said: str) -> HttpResponse:
    """Everything that matches is watched on the page of the action; of a few ticked tasks a toast tells, and the list shows the rest."""
    if said and shell.by_htmx(request):
        return shell.toast(request, "" if action is Action.DELETE else said)
    if said and action is Action.DELETE:
        return shell.see_other(shell.came_from(request) or reverse("web:tasks"))
    return shell.opened(request, reverse("web:bulk-page", args=[task_id]))


def _action(given: QueryDict) -> Action:
    try:
        return Action(given.get(ACTION, ""))
    except ValueError:
        raise InvalidValue(say("must be one of: {words}", words=", ".join(Action)), field=ACTION) from None


def _params(action: Action, chosen: filters.Filters) -> BulkParams:
    """Nothing that cannot be read is left out here: it would be done to more tasks than were meant. Raises InvalidValue."""
    chosen.query()
    which = {"status": list(chosen.statuses), "type": list(chosen.types), "tag": list(chosen.tags), "q": chosen.text}
    return BulkParams.model_validate({"action": action, "filter": which})
