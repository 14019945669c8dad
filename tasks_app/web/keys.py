"""The sheet of keys as a page: what `?` shows over another one."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from tasks_app.presenters import keys as presented
from tasks_app.web import shell


@require_safe
async def keys(request: HttpRequest) -> HttpResponse:
    """All keys, by where they work."""
    return shell.page(request, "keys/keys.html", {"groups": presented.groups()})
