"""The forms of schedules: choose a type, fill it in with its next runs in sight, save; and change one that is there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tasks_app import runtime
from tasks_app.auth.asking import acted_on, name_of
from tasks_app.engine.errors import EngineError, InvalidParams, UnknownType
from tasks_app.engine.registry import TaskType
from tasks_app.engine.schedule import Schedule, ScheduleRequest, parse_schedule
from tasks_app.presenters import launch_form, schedules
from tasks_app.presenters.fields import fields
from tasks_app.presenters.schedule_form import examples, expression_of, given_of, schedule_form, zones
from tasks_app.rendering import render
from tasks_app.web import forms, shell
from tasks_app.web.forms import Problems

SAVE, PREVIEW = "save", "preview"
_AHEAD = ("name", "cron", "timezone", "missed", *forms.OPTIONS)  # what a link may fill in, beside params


@require_safe
async def choose(request: HttpRequest) -> HttpResponse:
    """What can repeat. With `?type=`, straight to its form; `repeat` and `at` become its cron line."""
    now = runtime.get()
    named = request.GET.get("type", "")
    if found := now.registry.find(named):
        given = {name: text for name in _AHEAD if (text := request.GET.get(name, ""))}
        given["cron"] = expression_of(request.GET.get("repeat", ""), request.GET.get("at", ""))
        return shell.see_other(f"{reverse('web:new-schedule-of', args=[found.name])}?{urlencode(given)}")
    context = {"types": [one for one in now.registry if one.launchable]}
    return shell.page(request, "schedules/choose.html", context, place="schedules")


@require_http_methods(["GET", "HEAD", "POST"])
async def new(request: HttpRequest, type_name: str) -> HttpResponse:
    """The form of a schedule to be; POST makes it, or shows its next runs."""
    try:
        task_type = _type(type_name)
        if request.method != "POST":
            return _shown(request, task_type, _opened(request, task_type), fresh="timezone" not in request.GET)
        return _posted(request, task_type, None)
    except EngineError as error:
        return shell.refused(request, error)


@require_http_methods(["GET", "HEAD", "POST"])
async def edit(request: HttpRequest, schedule_id: UUID) -> HttpResponse:
    """The form of one that is there; POST puts what it says in its place."""
    now = runtime.get()
    try:
        found = now.schedules.get(str(schedule_id))
        task_type = _type(found.type)
        if request.method != "POST":
            params = launch_form.unmasked(json.loads(found.params))
            return _shown(request, task_type, given_of(found, forms.texts_of(fields(task_type.schema()), params)), found=found)
        return _posted(request, task_type, found)
    except EngineError as error:
        return shell.refused(request, error)


@require_POST
async def check(request: HttpRequest, type_name: str) -> HttpResponse:
    """What would be wrong with the form as it stands, and its next runs. What is still empty is not blamed."""
    try:
        task_type = _type(type_name)
    except EngineError as error:
        return shell.refused(request, error)
    given = request.POST.dict()
    _request, problems = _read(task_type, given, None)
    said = [(name, text) for name, text in problems if given.get(name.removeprefix("task."), "x").strip()]
    return render(request, "schedules/check.html", {**_context(task_type, given, said), "checked": True})


def _type(name: str) -> TaskType:
    found = runtime.get().registry.get(name)
    if not found.launchable:
        raise UnknownType(_("Tasks of this type are made by the server itself."), field="type")
    return found


def _opened(request: HttpRequest, task_type: TaskType) -> dict[str, str]:
    """Defaults, then what the link says."""
    known = fields(task_type.schema())
    named = {name: text for name, text in request.GET.dict().items() if name in _AHEAD or name.startswith(forms.PARAMS)}
    return {"cron": expression_of("", ""), "timezone": "UTC", **forms.texts_of(known, {}), **{k: v for k, v in named.items() if v}}


def _posted(request: HttpRequest, task_type: TaskType, found: Schedule | None) -> HttpResponse:
    given = request.POST.dict()
    acted_on(request)
    wanted, problems = _read(task_type, given, found)
    if request.POST.get("do") == PREVIEW:
        return _shown(request, task_type, given, problems, found=found)
    if wanted is None:
        return _shown(request, task_type, given, problems, found=found, status=422)
    known = runtime.get().schedules
    if found is not None:
        saved = known.change(found.id, wanted)
    else:
        saved = known.add(wanted, by=name_of(request), schedule_id=_own_id(given.get("id", "")))
    acted_on(request, saved.id)
    return shell.opened(request, reverse("web:schedule", args=[saved.id]))


def _own_id(text: str) -> str:
    """The id the form was given, so that a second click makes no second schedule."""
    try:
        return str(UUID(text))
    except ValueError:
        return ""


def _read(task_type: TaskType, given: Mapping[str, str], found: Schedule | None) -> tuple[ScheduleRequest | None, Problems]:
    """What is asked for; None, and all that is wrong with it, where it cannot be."""
    known = fields(task_type.schema())
    launch, problems = forms.launch_of(task_type.name, known, _without_start(given), as_json=False)
    if found is not None and found.secrets:
        _keep_secrets(launch["params"], json.loads(found.params), json.loads(found.secrets))
    if found is not None and found.webhook is not None and launch.get("webhook") == {"url": found.webhook.url} and found.webhook.secret:
        launch["webhook"]["secret"] = found.webhook.secret  # it stays as it is
    when = {name: given.get(name, "") for name in ("cron", "timezone", "missed")}
    request = None
    try:
        request = parse_schedule({**when, "task": launch})
    except InvalidParams as error:
        problems += error.problems
    broken = {name for name, _said in problems}
    try:
        task_type.encode(launch["params"])
    except InvalidParams as error:
        problems += [(name, text) for name, text in error.problems if name not in broken]
    return (None if problems else request), problems


def _without_start(given: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in given.items() if name not in ("start", "idempotency_key")}


def _keep_secrets(given: dict[str, Any], shown: Mapping[str, Any], whole: Mapping[str, Any]) -> None:
    """Secrets that were left empty stay as they are, at any depth: what is masked in `shown` stands in `whole`."""
    for name, value in shown.items():
        if value == launch_form.MASK and not given.get(name):
            given[name] = whole[name]
        elif isinstance(value, dict) and isinstance(given.get(name), dict):
            _keep_secrets(given[name], value, whole[name])


def _context(
    task_type: TaskType, given: Mapping[str, str], problems: Problems, found: Schedule | None = None, *, fresh: bool = False
) -> dict[str, Any]:
    at = runtime.get().engine.clock.time()
    made = schedule_form(task_type, given, problems, at, fresh=fresh, kept=found is not None and found.secrets is not None)
    return {"form": made.form, "when": made.when, "missed": made.missed, "preview": made.preview}


def _shown(
    request: HttpRequest,
    task_type: TaskType,
    given: Mapping[str, str],
    problems: Problems = [],  # noqa: B006 - only read
    *,
    found: Schedule | None = None,
    fresh: bool = False,
    status: int = 200,
) -> HttpResponse:
    now = runtime.get()
    context = _context(task_type, given, problems, found, fresh=fresh) | {
        "found": found,
        "title": schedules.title(found) if found else "",
        "heading": _("Edit the schedule") if found else _("Add a schedule"),
        "action": reverse("web:edit-schedule", args=[found.id]) if found else reverse("web:new-schedule-of", args=[task_type.name]),
        "id": given.get("id") or str(uuid4()),
        "types": [one for one in now.registry if one.launchable],
        "examples": examples(),
        "zones": zones(),
    }
    if shell.by_htmx(request) and request.method == "POST":
        return render(request, "schedules/_sheet.html", context, status=status)
    return shell.page(request, "schedules/form.html", context, place="schedules", status=status)
