"""Activity: who did what, when, from where. Everybody sees deeds on tasks; refusals, sign-ins and addresses are for admins."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from msgspec.structs import replace

from tasks_app import runtime
from tasks_app.auth import past
from tasks_app.auth.allow import Action
from tasks_app.auth.asking import may
from tasks_app.auth.audit import audit
from tasks_app.engine.errors import InvalidValue, Unavailable
from tasks_app.presenters import activity as presented
from tasks_app.presenters import csv_cells
from tasks_app.presenters.activity_filter import Wanted, wanted
from tasks_app.presenters.activity_search import chips, terms, typed
from tasks_app.presenters.sentences import translated
from tasks_app.web import shell

SLICE = 500  # entries written in one go
MAX_EXPORTS = 4
_open: set[object] = set()
LIVE = "/live/boards/"
BOARD, WHOLE = "activity", "audit"  # two boards: one holds what everybody may see, the other all


@require_safe
async def activity(request: HttpRequest) -> HttpResponse:
    """A page of deeds, as the query string filters them; the newest one is live."""
    everything = may(request, Action.AUDIT)
    cursor, text, wrong = request.GET.get("cursor", ""), request.GET.get("q", "").strip(), ""
    try:
        chosen = wanted(request.GET, everything=everything)
    except InvalidValue as error:
        if error.field not in ("from", "to"):
            return shell.refused(request, error)
        wrong, chosen = translated(error.sentence), _without_times(request, everything=everything)
    if text and not wrong:
        try:
            return HttpResponseRedirect(typed(text, chosen, request.GET.get("zone", "")).link())
        except InvalidValue as error:
            wrong = translated(error.sentence)
    try:
        parts = presented.parts(runtime.get(), audit, chosen, cursor)
    except InvalidValue as error:
        return shell.refused(request, error)
    board = WHOLE if everything else BOARD
    live = "" if cursor else f"{LIVE}{board}{chosen.link().removeprefix(reverse('web:activity'))}"
    context = {"parts": parts, "filter": chosen, "board": "" if cursor else board, "wrong": wrong, "typed": text, "terms": terms()}
    context["chips"] = list(chips(chosen, bool(wrong) and not text))
    return shell.page(request, "activity/activity.html", context, place="activity", live=live)


@require_safe
async def export(request: HttpRequest) -> HttpResponseBase:
    """All of it that passes the filter, as CSV, as far back as it is kept; streamed in slices."""
    everything = may(request, Action.AUDIT)
    try:
        chosen = wanted(request.GET, everything=everything)
    except InvalidValue as error:
        return shell.refused(request, error)
    if len(_open) >= MAX_EXPORTS:
        return shell.refused(request, Unavailable(_("As many exports are under way as may be at once.")))
    headers = {"Content-Disposition": f'attachment; filename="iotask-activity-{datetime.now(UTC):%Y-%m-%d-%H%M%S}.csv"'}
    return StreamingHttpResponse(_slices(chosen), content_type=csv_cells.MEDIA, headers=headers)


async def _slices(chosen: Wanted) -> AsyncGenerator[bytes, None]:
    mark, cursor = object(), ""
    _open.add(mark)
    try:
        yield csv_cells.BOM + csv_cells.rows([presented.COLUMNS if chosen.everything else presented.COLUMNS[:-1]])
        while True:
            found = past.read(audit, chosen.passes, SLICE, cursor)
            yield csv_cells.rows(presented.cells(entry, chosen) for entry in found.entries)
            if not found.next:
                return
            cursor = found.next
            await asyncio.sleep(0)
    finally:
        _open.discard(mark)


def _without_times(request: HttpRequest, *, everything: bool) -> Wanted:
    """The page goes on without what cannot be read, which stands in its box all the same."""
    rest = {name: text for name, text in request.GET.dict().items() if name not in ("from", "to")}
    return replace(wanted(rest, everything=everything), since=request.GET.get("from", ""), until=request.GET.get("to", ""))
