"""What the search box asks while it is typed in."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from msgspec.structs import replace

from tasks_app import runtime
from tasks_app.engine.errors import InvalidValue
from tasks_app.presenters import completion, filters
from tasks_app.rendering import render


@require_safe
async def complete(request: HttpRequest) -> HttpResponse:
    """Lists of what the word at the end may become. `word` is it; the chosen filters come as in the list's URL."""
    chosen = filters.from_url(request.GET)
    try:
        chosen.query()
    except InvalidValue:
        chosen = filters.Filters()
    given = request.GET.get("word", ""), request.GET.get("zone", "")
    found = completion.completion(runtime.get(), replace(chosen, terms=(), cursor=""), *given)
    return render(request, "tasks/_completion.html", {"completion": found})
