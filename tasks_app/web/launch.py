"""Launch: choose a type, fill its form, start it. The engine says what is wrong; each sentence stands beside its input."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from msgspec import Struct

from tasks_app import runtime
from tasks_app.auth.asking import acted_on, ask_of, name_of
from tasks_app.engine.errors import EngineError, IdempotencyConflict, InvalidParams, Unavailable, UnknownType
from tasks_app.engine.launch import parse_launch
from tasks_app.engine.registry import TaskType
from tasks_app.engine.task import Task
from tasks_app.presenters import launch_form
from tasks_app.presenters.fields import fields
from tasks_app.presenters.recent import recent
from tasks_app.presenters.rerun import Rerun, put_back, rerun
from tasks_app.presenters.sentences import translated
from tasks_app.presenters.types import search
from tasks_app.rendering import render
from tasks_app.web import forms, shell
from tasks_app.web.forms import Problems

VIA = "dashboard"
FORM, JSON = "form", "json"
LONGEST = 100  # characters that types are searched for


class Draft(Struct, frozen=True):
    """A form as it was given: its strings, its mode, the task it was filled from."""

    type: TaskType
    given: Mapping[str, str]
    as_json: bool = False
    source: Task | None = None


@require_safe
async def choose(request: HttpRequest) -> HttpResponse:
    """What can be run, with `?q=` those whose name, description or fields fit. With `?from=`, straight to the form of that task's type."""
    now = runtime.get()
    if (source := now.store.find(request.GET.get("from", ""))) and now.registry.find(source.type):
        return shell.see_other(f"{reverse('web:launch-type', args=[source.type])}?{request.GET.urlencode()}")
    wanted = request.GET.get("q", "")[:LONGEST]
    context = {"types": search([found for found in now.registry if found.launchable], wanted), "wanted": wanted}
    return shell.page(request, "launch/choose.html", context, place="tasks")


@require_http_methods(["GET", "HEAD", "POST"])
async def launch(request: HttpRequest, type_name: str) -> HttpResponse:
    """The form of a type; POST launches, or shows the form the other way, or as a link."""
    try:
        task_type = _type(type_name)
        if request.method != "POST":
            return _shown(request, _opened(request, task_type))
        draft = _posted(request, task_type)
        if too_much := ask_of(request).too_much:
            acted_on(request)
            return _put_off(request, draft, translated(too_much.sentence), too_much.status, too_much.retry_after)
        return _asked(request, draft)
    except EngineError as error:
        return shell.refused(request, error)


launch.keeps_input = True  # type: ignore[attr-defined] # the gate leaves it to this view to say that it is too much


@require_POST
async def check(request: HttpRequest, type_name: str) -> HttpResponse:
    """What would be wrong with the form as it stands, one sentence an input. What is still empty is not blamed."""
    try:
        draft = _posted(request, _type(type_name))
    except EngineError as error:
        return shell.refused(request, error)
    _, problems = _read(draft)
    said = [(name, text) for name, text in problems if name == "params" or draft.given.get(name, "x").strip()]
    return render(request, "launch/check.html", {"form": _form(draft, said), "source": draft.source, "checked": True})


def _type(name: str) -> TaskType:
    found = runtime.get().registry.get(name)
    if not found.launchable:
        raise UnknownType(_("Tasks of this type are made by the server itself."), field="type")
    return found


def _asked(request: HttpRequest, draft: Draft) -> HttpResponse:
    acted_on(request)
    match request.POST.get("do"):
        case "form" | "json" as mode:
            return _switched(request, draft, mode)
        case "link":
            return shell.opened(request, _link(draft))
    if name := request.POST.get("back"):
        return _shown(request, _put_back(draft, name))
    wanted, problems = _read(draft)
    if problems:
        return _shown(request, draft, problems, status=422)
    try:
        source = draft.source.id if draft.source else None
        task, _new = runtime.get().engine.submit_once(parse_launch(wanted), by=name_of(request), via=VIA, rerun_of=source)
    except IdempotencyConflict:
        said = _("This form has launched a task already. Launch once more to start another one.")
        return _shown(request, _renewed(draft), [("", said)], status=409)
    except Unavailable as error:
        return _put_off(request, draft, translated(error.sentence), shell.status_of(error), error.retry_after)
    acted_on(request, task.id)
    return shell.opened(request, reverse("web:task", args=[task.id]))


def _put_off(request: HttpRequest, draft: Draft, said: str, status: int, seconds: int) -> HttpResponse:
    """Not now, and why; the form is as it was filled in."""
    answer = shell.toast(request, said, status) if shell.by_htmx(request) else _shown(request, draft, [("", said)], status=status)
    answer.headers["Retry-After"] = str(seconds)
    return answer


def _read(draft: Draft) -> tuple[dict[str, Any], Problems]:
    """The launch, and all that is wrong with it: with the form, with the options, with the params."""
    known = fields(draft.type.schema())
    wanted, problems = forms.launch_of(draft.type.name, known, draft.given, as_json=draft.as_json)
    broken = {name for name, _said in problems}
    for verdict in (lambda: parse_launch(wanted), lambda: draft.type.encode(wanted["params"])):
        try:
            verdict()
        except InvalidParams as error:
            problems += [(name, translated(text)) for name, text in error.sentences if name not in broken and "params" not in broken]
    return wanted, problems


def _switched(request: HttpRequest, draft: Draft, mode: str) -> HttpResponse:
    wanted, problems = _read(draft)
    if draft.as_json and any(name == "params" for name, _said in problems):
        return _shown(request, draft, problems, status=422)
    return _shown(request, _in_mode(draft, wanted["params"], as_json=mode == JSON))


def _in_mode(draft: Draft, params: Mapping[str, Any], *, as_json: bool) -> Draft:
    """The same draft with its params as form strings, or as one JSON text. Secrets stay behind: JSON would show them."""
    known = fields(draft.type.schema())
    rest = {name: text for name, text in draft.given.items() if not name.startswith("params")}
    hidden = {field.name for field in known if field.kind == "secret"}
    texts = forms.texts_of(known, params)
    shown = {"params": forms.params_text({k: v for k, v in params.items() if k not in hidden})} if as_json else texts
    return Draft(draft.type, rest | shown, as_json, draft.source)


def _opened(request: HttpRequest, task_type: TaskType) -> Draft:
    """The form of a first look: defaults, then the task to copy from, then what the link says."""
    known = fields(task_type.schema())
    source = runtime.get().store.find(request.GET.get("from", ""))
    source = source if source is not None and source.type == task_type.name else None
    params = launch_form.unmasked(json.loads(source.params)) if source else {}
    given = forms.texts_of(known, params) | (_options_of(source) if source else {}) | _named(request)
    draft = Draft(task_type, given, source=source)
    if request.GET.get("as") != JSON:
        return draft
    return _in_mode(draft, forms.params_of(known, given, []), as_json=True)


def _named(request: HttpRequest) -> dict[str, str]:
    wanted = ("start", "start_offset", *forms.OPTIONS)
    return {name: text for name, text in request.GET.dict().items() if name in wanted or name.startswith(forms.PARAMS)}


def _options_of(task: Task) -> dict[str, str]:
    given = {"name": task.name, "tags": " ".join(task.tags), "max_attempts": str(task.max_attempts)}
    given["priority"] = str(task.priority) if task.priority else ""
    given["timeout"] = "" if task.timeout is None else f"{task.timeout:g}"
    hook = task.webhook
    given["webhook"] = hook.url if hook and hook.shown == hook.url and not hook.secret else ""  # with a key in it, it is not copied
    return given


def _before(draft: Draft) -> dict[str, str]:
    """The form as the run it was filled from would fill it."""
    if draft.source is None or draft.source.type != draft.type.name:
        return {}
    params = launch_form.unmasked(json.loads(draft.source.params))
    return forms.texts_of(fields(draft.type.schema()), params) | _options_of(draft.source)


def _as_texts(draft: Draft) -> Mapping[str, str]:
    """The form's strings, also where its params stand there as JSON."""
    if not draft.as_json:
        return draft.given
    known = fields(draft.type.schema())
    return {**draft.given, **forms.texts_of(known, forms.launch_of(draft.type.name, known, draft.given, as_json=True)[0]["params"])}


def _rerun(draft: Draft) -> Rerun | None:
    before = _before(draft)
    return rerun(launch_form.named_fields(draft.type), before, _as_texts(draft)) if before else None


def _put_back(draft: Draft, name: str) -> Draft:
    """The same form with one input, or all, as in the run it was filled from."""
    if not (before := _before(draft)):
        return draft
    names = [known for known, field in launch_form.named_fields(draft.type) if field.kind != "secret"]
    given = Draft(draft.type, put_back(before, _as_texts(draft), name, names), False, draft.source)
    known = fields(draft.type.schema())
    return _in_mode(given, forms.params_of(known, given.given, []), as_json=True) if draft.as_json else given


def _posted(request: HttpRequest, task_type: TaskType) -> Draft:
    given = {name: text for name, text in request.POST.dict().items() if name != "csrfmiddlewaretoken"}
    source = runtime.get().store.find(given.get("from", ""))
    return Draft(task_type, given, request.POST.get("as") == JSON, source)


def _renewed(draft: Draft) -> Draft:
    return Draft(draft.type, {**draft.given, "idempotency_key": ""}, draft.as_json, draft.source)


def _link(draft: Draft) -> str:
    """The address that opens this form filled in. Secrets are left out."""
    known = fields(draft.type.schema())
    params = forms.texts_of(known, forms.launch_of(draft.type.name, known, draft.given, as_json=draft.as_json)[0]["params"])
    start = ("start", "start_offset") if draft.given.get("start") else ()
    options = {name: text for name in (*forms.OPTIONS, *start) if (text := draft.given.get(name, ""))}
    pairs = params | options | ({"as": JSON} if draft.as_json else {})
    return f"{reverse('web:launch-type', args=[draft.type.name])}?{urlencode(pairs)}"


def _form(draft: Draft, problems: Problems) -> launch_form.Form:
    hidden = {
        "as": JSON if draft.as_json else FORM,
        "from": draft.source.id if draft.source else "",
        "start_offset": draft.given.get("start_offset") or "Z",
        "idempotency_key": draft.given.get("idempotency_key") or secrets.token_hex(16),
    }
    masked = draft.source is not None and draft.source.secrets is not None
    shown = _rerun(draft)
    return launch_form.form(draft.type, draft.given, problems, as_json=draft.as_json, hidden=hidden, masked=masked, rerun=shown)


def _shown(request: HttpRequest, draft: Draft, problems: Problems = [], status: int = 200) -> HttpResponse:  # noqa: B006 - only read
    now = runtime.get()
    context = {
        "form": _form(draft, problems),
        "types": [found for found in now.registry if found.launchable],
        "recent": recent(now, draft.type.name),
        "source": draft.source,
        "expected": launch_form.expected(now, draft.type),
        "slots_words": launch_form.slots_words(now, draft.type),
    }
    if shell.by_htmx(request) and request.method == "POST":
        return render(request, "launch/_sheet.html", context, status=status)
    return shell.page(request, "launch/launch.html", context, place="tasks", status=status)
