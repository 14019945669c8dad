"""Pages: what GET shows. The list of tasks."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import get_script_prefix, reverse
from django.views.decorators.http import require_safe
from msgspec.structs import replace

from tasks_app import runtime
from tasks_app.engine.errors import InvalidValue
from tasks_app.engine.query import MAX_LIMIT, Page, Query
from tasks_app.engine.search import MOST
from tasks_app.presenters import filters, ledger, paging, rows, search, words
from tasks_app.presenters.filters import Filters
from tasks_app.presenters.held import held_in
from tasks_app.presenters.restarted import restarted
from tasks_app.runtime import Runtime
from tasks_app.searching import page_of, tally_of
from tasks_app.web import shell

PAGE = 50
MAX_DROPS = 8  # filters that are offered to be dropped
LIVE = "/live/tasks"
CURL = """curl %s --json '{"type": "count", "params": {"to": 200}}'"""


@require_safe
async def tasks(request: HttpRequest) -> HttpResponse:
    """The list, as the query string filters it."""
    asked = filters.from_url(request.GET)
    try:
        read = search.read(asked)
    except InvalidValue as error:
        return shell.refused(request, error)
    live = filters.linked(read.filters.pairs(cursor=True)).replace(filters.linked([]), LIVE, 1)
    box = {"chips": list(asked.chips(read.terms)), "typed": asked.typed, "wrong": read.wrong}
    api = request.build_absolute_uri(f"{get_script_prefix()}api/v2/tasks")
    first = {"curl": CURL % api, "example": runtime.get().registry.find("count") is not None}
    held = held_in(request.GET.get("held", ""), runtime.get())
    context = await _list(runtime.get(), read.filters, read.query, held) | first | box | {"restarted": restarted(runtime.get())}
    return shell.page(request, "tasks/tasks.html", context, place="tasks", live=live)


async def _list(now: Runtime, chosen: Filters, query: Query, held: tuple[str, ...] = ()) -> dict[str, Any]:
    page = await page_of(now.store, query, PAGE)
    counts = await _counts(now, query)
    # whoever asks again and again has rows that are not to move
    shown = now.engine.reports.fresh([task for task_id in held if (task := now.store.find(task_id))] or page.items)
    drops = await _drops(now, chosen) if not page.items and len(now.store) else []
    return {
        "filters": chosen,
        "ledger": ledger.shown(chosen, counts),
        "rows": rows.rows_html(now, shown),
        "new": paging.newer(now.store, query, shown) if held else 0,
        "range": paging.said(now.store, query, page),
        "older": _older(chosen, query, page),
        "newest": chosen.link() if chosen.cursor else "",
        "export": urlencode(chosen.pairs()),
        "acts_on_all": f"{reverse('web:bulk')}?{urlencode(chosen.pairs())}",
        "whole": "" if page.total is None else page.total,
        "whole_counted": "" if page.total is None else words.count(page.total),
        "nothing": paging.nothing(now.store, chosen, page, drops),
    }


async def _counts(now: Runtime, query: Query) -> ledger.Counts:
    if query.searches:
        return ledger.tallied(await tally_of(now.store, query))
    return ledger.Counts(ledger.counters(now, query))


async def _drops(now: Runtime, chosen: Filters) -> list[paging.Drop]:
    """Each filter that could be dropped, with what would be seen; all searches for it together look at no more tasks than one page does."""
    found = []
    parts = chosen.parts()[:MAX_DROPS]
    for part in parts:
        query = chosen.without(*part).query()
        count = await page_of(now.store, query, MAX_LIMIT, MOST // len(parts)) if query.searches else now.store.count(query)
        found.append(paging.drop(chosen, part, count))
    return found


def _older(chosen: Filters, query: Query, page: Page) -> str:
    if page.next is None:
        return ""
    following = replace(chosen, cursor=query.encode_cursor(page.next))
    return filters.linked(following.pairs(cursor=True))
