"""Failures put together by what went wrong."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from msgspec import Struct
from ninja import Router

from tasks_app import runtime
from tasks_app.api.http import answer, query_of
from tasks_app.api.v2.common import type_of
from tasks_app.api.v2.describe import described, parameter
from tasks_app.api.v2.shapes import Count
from tasks_app.api.v2.wire import Moment, moment
from tasks_app.engine.failures import EXAMPLES, Group
from tasks_app.runtime import Runtime

router = Router(tags=["Types and queues"])


class FailureGroupJSON(Struct):
    """Tasks that are kept and have failed alike. `shape` is their message with … for what varies, `message` that of the newest, `examples`
    the ids of the newest. In the search box, in `q` and in filters of actions `failure:<id>` finds exactly these tasks."""

    id: str
    type: str
    error: str
    shape: str
    message: str
    count: Count
    first_at: Moment
    last_at: Moment
    examples: list[str]


class Failures(Struct):
    """Groups of failures, the largest first; `others` counts those that have no group, as there are too many kinds of their type."""

    items: list[FailureGroupJSON]
    others: Count


@router.get(
    "/failures",
    operation_id="failures",
    summary="List failures by what went wrong",
    **described(
        answers={200: "Failures"},
        problems=(404,),
        parameters=[parameter("type", {"type": "string"}, "Only those of this task type.")],
    ),
)
async def list_failures(request: HttpRequest) -> HttpResponse:
    """Failed tasks that are kept, put together by type, kind of error, and message without what varies: numbers, ids, addresses, quoted
    text. To try a group again, POST /api/v2/actions with `{"action": "retry", "filter": {"status": ["failed"], "q": "failure:<id>"}}`."""
    one, _ = query_of(request, one=("type",))
    now = runtime.get()
    name = type_of(now, one["type"]).name if "type" in one else None
    failures = now.engine.stats.failures
    return answer(Failures([_json(now, group) for group in failures.groups(name)], failures.others(name)))


def _json(now: Runtime, group: Group) -> FailureGroupJSON:
    return FailureGroupJSON(
        id=group.id,
        type=group.type,
        error=group.error,
        shape=group.shape,
        message=group.message,
        count=group.count,
        first_at=moment(group.first),
        last_at=moment(group.last),
        examples=[task.id for task in now.store.many(group.examples)][:EXAMPLES],
    )
