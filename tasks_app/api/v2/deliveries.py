"""Webhooks of a task: what became of each, and once more."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from msgspec import Struct

from tasks_app import runtime
from tasks_app.api.http import answer, no_body, query_of
from tasks_app.api.v2.common import TASK_ID, found, router
from tasks_app.api.v2.describe import described, parameter
from tasks_app.api.v2.wire import Moment, moment
from tasks_app.auth.asking import acted_on
from tasks_app.webhooks.delivery import Delivery, State, Try

_DELIVERY_ID = parameter("delivery_id", {"type": "string", "maxLength": 100}, "The id of a delivery: its `webhook-id`.", where="path")


class TryJSON(Struct):
    """One request: the status that was answered, null for none; what was wrong, null for nothing."""

    at: Moment
    duration_seconds: float
    status: int | None
    error: str | None


class DeliveryJSON(Struct):
    """That one end of a task is told to one address, whose query is left out. `tries` are the last twenty of `tried`; `reason` says why
    nobody tries any more."""

    id: str
    event: str
    url: str
    state: State
    created_at: Moment
    next_try_at: Moment | None
    gives_up_at: Moment
    tried: int
    tries: list[TryJSON]
    reason: str | None


class Deliveries(Struct):
    """The deliveries of a task, the oldest first."""

    items: list[DeliveryJSON]


@router.get(
    "/tasks/{task_id}/deliveries",
    operation_id="deliveries",
    summary="See a task's webhooks",
    **described(answers={200: "Deliveries"}, problems=(404,), parameters=[TASK_ID]),
)
async def deliveries(request: HttpRequest, task_id: str) -> HttpResponse:
    """Who was told of a task's ends, and how that went."""
    query_of(request)
    now = runtime.get()
    task = found(now, task_id)
    return answer(Deliveries([delivery_json(one) for one in now.webhooks.of(task.id)]))


@router.post(
    "/tasks/{task_id}/deliveries/{delivery_id}/redeliver",
    operation_id="redeliver",
    summary="Send a webhook again",
    **described(answers={202: "Delivery"}, problems=(404, 415), parameters=[TASK_ID, _DELIVERY_ID]),
)
async def redeliver(request: HttpRequest, task_id: str, delivery_id: str) -> HttpResponse:
    """Tries a delivery now, whatever became of it before, and again for as long as a new one. It keeps its id."""
    query_of(request)
    no_body(request)
    now = runtime.get()
    task = found(now, task_id)
    again = now.webhooks.redeliver(task.id, delivery_id)
    acted_on(request, task.id)
    return answer(delivery_json(again), 202)


def delivery_json(delivery: Delivery) -> DeliveryJSON:
    """A delivery as it is sent."""
    return DeliveryJSON(
        id=delivery.id,
        event=delivery.event,
        url=delivery.hook.shown,
        state=delivery.state,
        created_at=moment(delivery.at),
        next_try_at=None if delivery.next_at is None else moment(delivery.next_at),
        gives_up_at=moment(delivery.until),
        tried=delivery.tried,
        tries=[_try_json(one) for one in delivery.tries],
        reason=delivery.why or None,
    )


def _try_json(one: Try) -> TryJSON:
    return TryJSON(moment(one.at), round(one.seconds, 6), one.status, one.error or None)
