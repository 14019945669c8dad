"""The settings page: what this server was told, what bounds it, and how much of that is used. Read here, set on the server."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from tasks_app import runtime
from tasks_app.auth import access
from tasks_app.presenters import settings as presented
from tasks_app.presenters.token_uses import tokens
from tasks_app.web import shell


@require_safe
async def settings(request: HttpRequest) -> HttpResponse:
    """All of it."""
    now = runtime.get()
    context: dict[str, object] = {"groups": list(presented.groups(now)), "fixed": presented.fixed(now), "types": presented.slots(now)}
    context["tokens"] = tokens(access.get())
    return shell.page(request, "settings.html", context, place="settings")
