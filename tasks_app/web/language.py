"""The switch of languages."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import get_script_prefix, resolve, reverse
from django.views.decorators.http import require_POST

from tasks_app import language as languages
from tasks_app.auth.table import TABLE
from tasks_app.web import shell


@require_POST
async def language(request: HttpRequest) -> HttpResponse:
    """Keep the choice in this browser and show the same page again. One that is none is left alone."""
    response = shell.see_other(_page_before(request) or reverse("web:tasks"))
    wanted = request.POST.get("language", "")
    if languages.is_known(wanted):
        languages.keep(response, wanted)
    return response


def _page_before(request: HttpRequest) -> str:
    """Where the switch stood; empty where that was the answer to a form, which cannot be asked for again."""
    before = shell.came_from(request)
    try:
        route = resolve(before.partition("?")[0].replace(get_script_prefix(), "/", 1)).route
    except Http404:
        return ""
    return before if "GET" in TABLE.get(route, {}) else ""
