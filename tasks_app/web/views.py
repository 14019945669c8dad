"""How many tasks the views have that a reader keeps in his browser."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse, QueryDict
from django.views.decorators.http import require_safe

from tasks_app import runtime
from tasks_app.engine.errors import InvalidValue
from tasks_app.engine.search import MOST as SEARCHED
from tasks_app.engine.task import Status
from tasks_app.presenters import filters
from tasks_app.presenters.ledger import counted
from tasks_app.searching import tally_of

MOST = 20  # views, as many as a browser keeps


@require_safe
async def view_counts(request: HttpRequest) -> JsonResponse:
    """`counts`, in the order of the query strings in `view`: with a plus where not all was searched, empty for what cannot be read. All of
    them together look at no more tasks than one page does."""
    asked = request.GET.getlist("view")[:MOST]
    return JsonResponse({"counts": [await _count(query, SEARCHED // len(asked)) for query in asked]})


async def _count(query_string: str, most: int) -> str:
    store = runtime.get().store
    try:
        query = filters.from_url(QueryDict(query_string)).query()
    except InvalidValue:
        return ""
    if not query.searches:
        return counted(store.count(query), False)
    tally = await tally_of(store, query, most)
    wanted = query.statuses or frozenset(Status)
    return counted(sum(tally.counts[status] for status in wanted), bool(wanted & tally.cut))
