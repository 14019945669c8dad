"""The workers of a Celery cluster that this server watches, and what they are told."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from msgspec import Struct
from ninja import Router

from tasks_app import runtime
from tasks_app.api.http import answer, body_of, query_of
from tasks_app.api.v2.describe import described, parameter
from tasks_app.api.v2.wire import Moment, moment
from tasks_app.auth.asking import acted_on
from tasks_app.cluster.orders import ORDERS, order_of
from tasks_app.cluster.telling import tell
from tasks_app.cluster.workers import Worker, pool_of
from tasks_app.engine.errors import InvalidValue, NotFound
from tasks_app.runtime import Runtime

router = Router(tags=["Workers"])
_NAME = parameter("name", {"type": "string"}, "The name of a worker, such as `celery@host`.", where="path")
_ORDER = parameter("order", {"enum": list(ORDERS)}, "What it is told.", where="path")
FIELDS = ("change", "min", "max", "queue", "type", "rate", "soft", "hard", "sure")


class WorkerJSON(Struct, kw_only=True):
    """A worker. `state` is here, silent (not heard for longer than its heart beats) or gone (it said good-bye); `clock_ahead_seconds` by
    how much its clock is before ours; `completed`, `failed` and `retried` count the ends of attempts that were heard from it; what it has
    not said is null."""

    name: str
    state: str
    heard_at: Moment
    since: Moment | None
    pid: int | None
    pool: str
    concurrency: int | None
    active: int | None
    processed: int | None
    completed: int
    failed: int
    retried: int
    queues: list[str]
    load: list[float]
    software: str
    clock_ahead_seconds: float | None
    asked_at: Moment | None


class WorkerDetailJSON(WorkerJSON, kw_only=True):
    """A worker with `answers`: what it said last when it was asked, as Celery says it, by the name of the question: active, reserved,
    scheduled, revoked, active_queues, stats, registered, conf."""

    answers: dict[str, Any]


class Workers(Struct):
    """All workers that were heard of in the last hour; `connected` whether events come at the moment."""

    items: list[WorkerJSON]
    connected: bool


class WorkerOrder(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The values of an order: pool takes `change` (processes more or fewer); autoscale `min` and `max`; add-queue and leave-queue `queue`;
    rate-limit `type` and `rate` (10/s, 100/m, 1000/h, 0 for none); time-limit `type`, `soft` and `hard` (seconds); shutdown `sure`."""

    change: int = 0
    min: int = 0
    max: int = 0
    queue: str = ""
    type: str = ""
    rate: str = ""
    soft: float = 0
    hard: float = 0
    sure: bool = False


class WorkerAnswer(Struct):
    """What a worker answered; empty where it only did it."""

    worker: str
    text: str


@router.get("/workers", operation_id="workers", summary="List Celery workers", **described(answers={200: "Workers"}, problems=(404,)))
async def list_workers(request: HttpRequest) -> HttpResponse:
    """All workers that were heard of in the last hour. 404 where no broker is set."""
    query_of(request)
    now = runtime.get()
    if now.cluster is None:
        raise NotFound("No Celery broker is set.")
    now.cluster.asker.look_at("")
    items = [WorkerJSON(**_fields(now, worker)) for worker in now.cluster.workers.all()]
    return answer(Workers(items, now.cluster.receiver.is_connected))


@router.get(
    "/workers/{name}",
    operation_id="worker",
    summary="Get a Celery worker",
    **described(answers={200: "WorkerDetail"}, problems=(404,), parameters=[_NAME]),
)
async def get_worker(request: HttpRequest, name: str) -> HttpResponse:
    """A worker with what it answered last. While somebody looks it is asked every few seconds."""
    query_of(request)
    now = runtime.get()
    worker = _found(now, name)
    assert now.cluster is not None
    now.cluster.asker.look_at(name)
    return answer(WorkerDetailJSON(**_fields(now, worker), answers=dict(worker.answers)))


@router.post(
    "/workers/{name}/{order}",
    operation_id="tellWorker",
    summary="Tell a Celery worker something",
    **described(answers={200: "WorkerAnswer"}, problems=(404, 409, 413, 415, 503), parameters=[_NAME, _ORDER], body="WorkerOrder"),
)
async def tell_worker(request: HttpRequest, name: str, order: str) -> HttpResponse:
    """Grows or shrinks its pool, adds or leaves queues, limits a type's rate or time, or shuts it down. Answers when the worker has: 409
    with its words where it refuses, 503 where it does not answer."""
    query_of(request)
    now = runtime.get()
    _found(now, name)
    body = body_of(request)
    for field in body:
        if field not in FIELDS:
            raise InvalidValue(f"is not known here; {', '.join(FIELDS)} are", field=field)
    wanted = order_of(order, body)
    acted_on(request, f"{name}: {wanted.said}")
    return answer(WorkerAnswer(name, await tell(now.cluster, wanted, name)))


def _found(now: Runtime, name: str) -> Worker:
    worker = now.cluster.workers.find(name) if now.cluster is not None else None
    if worker is None:
        raise NotFound("No worker of this name was heard of.")
    return worker


def _fields(now: Runtime, worker: Worker) -> dict[str, Any]:
    monotonic = now.engine.clock.monotonic()
    stats = worker.part("stats", dict)
    pool = stats.get("pool")
    size = pool.get("max-concurrency") if isinstance(pool, dict) else None
    return {
        "name": worker.name,
        "state": "gone" if not worker.here else "silent" if worker.silent(monotonic) else "here",
        "heard_at": moment(worker.heard_at),
        "since": None if worker.since is None else moment(worker.since),
        "pid": worker.pid,
        "pool": pool_of(stats),
        "concurrency": size if isinstance(size, int) else None,
        "active": worker.active,
        "processed": worker.processed,
        "completed": worker.completed,
        "failed": worker.failed,
        "retried": worker.retried,
        "queues": [str(queue.get("name", "")) for queue in worker.part("active_queues", list) if isinstance(queue, dict)],
        "load": list(worker.load),
        "software": worker.software,
        "clock_ahead_seconds": None if worker.ahead is None else round(worker.ahead, 3),
        "asked_at": None if worker.asked_at is None else moment(worker.asked_at),
    }
