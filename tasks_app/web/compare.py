"""Two runs side by side."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from tasks_app import runtime
from tasks_app.presenters import compare as presented
from tasks_app.web import shell

LONGEST = 64  # characters of an id that is asked for


@require_safe
async def compare(request: HttpRequest) -> HttpResponse:
    """The tasks `a` and `b` of the query, by id or by number; with `time=clock` their traces by the clock."""
    now = runtime.get()
    first, second = (request.GET.get(name, "")[:LONGEST] for name in ("a", "b"))
    by_clock = request.GET.get(presented.TIME) == presented.CLOCK
    a, b = (presented.find(now, wanted) for wanted in (first, second))
    context: dict[str, Any] = {
        "part": {name: mark_safe(html) for name, html in presented.parts(now, first, second, by_clock=by_clock).items()},  # noqa: S308 - its templates escape
        "title": _("Comparison"),
    }
    if a is None or b is None:
        return shell.page(request, "compare/compare.html", context, place="tasks", status=404)
    context |= {
        "title": _("Tasks %(a)s and %(b)s") % {"a": a.number, "b": b.number},
        "here": presented.address(a, b, by_clock=by_clock),
        "swap": presented.address(b, a, by_clock=by_clock),
        "again": presented.side(now, b, now.engine.clock.time()).again,
        "number": b.number,
    }
    return shell.page(
        request, "compare/compare.html", context, place="tasks", live=f"/live/boards/compare?{presented.query(a, b, by_clock=by_clock)}"
    )
