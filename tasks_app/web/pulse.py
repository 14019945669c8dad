"""The pulse: what came, ended and failed over the last hour or day, and how the engine is."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import get_script_prefix
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from tasks_app import runtime
from tasks_app.engine.task import Status
from tasks_app.presenters import pulse as presented
from tasks_app.presenters import times
from tasks_app.presenters.pulse_series import BY_STATUS, BY_TYPE, DAY_LONG, HOUR_LONG, Asked, asked_by
from tasks_app.runtime import Runtime
from tasks_app.web import shell
from tasks_app.web.pages import CURL


@require_safe
async def pulse(request: HttpRequest) -> HttpResponse:
    """All of it; `span`, `by` and `hide` in the query say what is drawn."""
    now, asked = runtime.get(), asked_by(request.GET.dict())
    _path, _mark, query = asked.link().partition("?")
    return shell.page(request, "pulse/pulse.html", _shown(request, now, asked), place="pulse", live=f"/live/boards/pulse?{query}")


def _shown(request: HttpRequest, now: Runtime, asked: Asked) -> dict[str, Any]:
    parts, span = presented.Board(asked)(now), presented.span_of(now, asked)
    return {
        "asked": asked,
        "spans": {one: asked.link(span=one) for one in (HOUR_LONG, DAY_LONG)},
        "by": {one: asked.link(by=one) for one in (BY_TYPE, BY_STATUS)},
        "parts": parts,
        "empty": parts["data-empty"],
        "frames": presented.frames(asked, parts, span),
        "groups_first": any(slot.ended(Status.FAILED) for slot in span.slots),
        "curl": CURL % request.build_absolute_uri(f"{get_script_prefix()}api/v2/tasks"),
        "last": len(span.slots) - 1,
        "up": times.since(span.since, _("up {}"), plain=_("up {}")),
    }
