"""Schedules: the list, one of them, and what is done with them. Forms are in schedule_forms.py."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from tasks_app import runtime
from tasks_app.auth.allow import Action
from tasks_app.auth.asking import acted_on, may, name_of
from tasks_app.engine.errors import EngineError, InvalidValue
from tasks_app.presenters import schedule_page, schedules
from tasks_app.presenters.schedule_form import repeats
from tasks_app.rendering import render
from tasks_app.web import shell

LIVE = "/live/boards/schedules"
View = Callable[[HttpRequest, UUID], Coroutine[Any, Any, HttpResponse]]


@require_safe
async def all_of_them(request: HttpRequest) -> HttpResponse:
    """The list, with what starts once beside what repeats."""
    now = runtime.get()
    asked = schedules.asked_of(request.GET)
    deleted = now.schedules.deleted(request.GET.get("deleted", ""))
    context = {
        "asked": asked,
        "parts": schedules.parts(now, asked),
        "schedules": may(request, Action.SCHEDULE),
        "types": [found for found in now.registry if found.launchable],
        "repeats": repeats(),
        "kept": schedules.kept_words(now),
        "deleted": deleted if may(request, Action.SCHEDULE) else None,
        "deleted_title": schedules.title(deleted) if deleted else "",
    }
    live = asked.link(asked.page).replace(reverse("web:schedules"), LIVE, 1)
    return shell.page(request, "schedules/schedules.html", context, place="schedules", live=live)


@require_safe
async def schedule(request: HttpRequest, schedule_id: UUID) -> HttpResponse:
    """One schedule: when, how it went, with which params."""
    now = runtime.get()
    try:
        found = now.schedules.get(str(schedule_id))
    except EngineError as error:
        return shell.refused(request, error)
    context = {"found": found, "title": schedules.title(found), "parts": schedule_page.parts(now, found.id)}
    return shell.page(request, "schedules/schedule.html", context, place="schedules", live=f"{LIVE}/{found.id}")


def _action(verb: Callable[[HttpRequest, str], HttpResponse]) -> View:
    @require_POST
    @wraps(verb)
    async def view(request: HttpRequest, schedule_id: UUID) -> HttpResponse:
        try:
            return verb(request, str(schedule_id))
        except EngineError as error:
            return shell.refused(request, error)

    return view


@_action
def switch(request: HttpRequest, schedule_id: str) -> HttpResponse:
    """Pause it, or let it go on: whichever the button names."""
    known = runtime.get().schedules
    if "pause" in request.POST:
        return _done(request, _("%(name)s is paused.") % {"name": schedules.title(known.pause(schedule_id, by=name_of(request)))})
    if "resume" not in request.POST:
        raise InvalidValue(_("Say pause or resume."))
    return _done(request, _("%(name)s goes on with its next time.") % {"name": schedules.title(known.resume(schedule_id))})


@_action
def run(request: HttpRequest, schedule_id: str) -> HttpResponse:
    """Launch its task at once, beside its times."""
    task = runtime.get().schedules.run_now(schedule_id, by=name_of(request))
    acted_on(request, task.id)
    return _done(request, _("%(name)s runs now, as task %(number)s.") % {"name": task.name or task.type, "number": task.number})


@_action
def delete(request: HttpRequest, schedule_id: str) -> HttpResponse:
    """Forget it. For ten seconds it can be put back: by the toast that says so."""
    found = runtime.get().schedules.delete(schedule_id)
    on_its_page = shell.came_from(request).startswith(reverse("web:schedule", args=[schedule_id]))
    if not shell.by_htmx(request) or on_its_page:
        return shell.opened(request, f"{reverse('web:schedules')}?deleted={schedule_id}")
    answer = render(request, "schedules/_deleted.html", {"deleted": found, "deleted_title": schedules.title(found), "by_htmx": True})
    answer.headers["HX-Retarget"], answer.headers["HX-Reswap"] = "#said", "innerHTML show:none"
    return answer


@_action
def restore(request: HttpRequest, schedule_id: str) -> HttpResponse:
    """Take the deletion back."""
    found = runtime.get().schedules.restore(schedule_id)
    return _done(request, _("%(name)s is back, as it was.") % {"name": schedules.title(found)})


def _done(request: HttpRequest, said: str) -> HttpResponse:
    if shell.by_htmx(request):
        return shell.toast(request, said)
    here = shell.came_from(request).partition("?deleted=")[0]
    return shell.see_other(here if here.startswith(reverse("web:schedules")) else reverse("web:schedules"))
