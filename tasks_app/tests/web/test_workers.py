"""The workers of a cluster and its tasks, as the dashboard shows them; nobody is connected, and events are fed by hand."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from tasks_app import runtime as composed
from tasks_app.cluster.commands import Answer
from tasks_app.conf import config_of
from tasks_app.engine.query import Query
from tasks_app.engine.task import Status, Task
from tasks_app.runtime import Runtime
from tasks_app.tests.cluster.events import UUID, event, life, received, sent
from tasks_app.tests.cluster.fed import HOSTILE, hear, worker
from tasks_app.tests.web.conftest import Browser, ByHtmx


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    """One that watches a broker which is not there."""
    built = Runtime(config_of({"broker_url": "redis://:hush@127.0.0.1:1/0"}))
    monkeypatch.setattr(composed, "_runtime", built)
    monkeypatch.setattr(composed, "_pid", os.getpid())
    yield built
    built.stop()


def task(runtime: Runtime) -> Task:
    return runtime.store.page(Query(), 1).items[0]


async def test_the_workers_page_names_who_works_on_what(runtime: Runtime, client: Browser) -> None:
    worker(runtime)
    page = (await client.get("/workers")).content.decode()
    for said in ("shop@here", "Works", "2 of 4, prefork", "0.50, 0.40, 0.30", "py-celery 5.7.0 Linux", "1 worker"):
        assert said in page
    assert "hush" not in page


async def test_a_worker_shows_how_its_tasks_ended_ours_by_how_the_attempt_did(runtime: Runtime, client: Browser) -> None:
    worker(runtime)
    ours = {"uuid": f"{UUID}.1", "hostname": "shop@here", "timestamp": time.time()}
    told = [event(kind, time.time(), hostname="shop@here") for kind in ("task-succeeded", "task-succeeded", "task-retried", "task-revoked")]
    told += [{**ours, "type": "task-succeeded"}, {**ours, "type": "task-settled", "iotask": {"v": 1, "run": "r", "kind": "timed_out"}}]
    hear(runtime, *told, event("task-failed", time.time(), hostname="unheard@of"))
    assert "2 completed, 1 failed, 1 retried" in (await client.get("/workers")).content.decode()
    assert "2 completed, 1 failed, 1 retried" in (await client.get("/workers/shop@here")).content.decode()
    found = (await client.get("/api/v2/workers/shop@here")).json()
    assert (found["completed"], found["failed"], found["retried"]) == (2, 1, 1)


async def test_the_rail_has_workers_only_where_a_broker_is_set(runtime: Runtime, client: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    assert 'href="/workers"' in (await client.get("/")).content.decode()
    monkeypatch.setattr(runtime, "cluster", None)
    assert 'href="/workers"' not in (await client.get("/")).content.decode()
    answer = await client.get("/workers")
    assert answer.status_code == 404
    assert "IOTASK_BROKER_URL" in answer.content.decode()


async def test_a_worker_not_heard_any_more_is_silent_and_one_that_said_good_bye_is_gone(runtime: Runtime, client: Browser) -> None:
    worker(runtime)
    assert runtime.cluster is not None
    clock = runtime.cluster.workers._monotonic
    later = clock() + 60
    found = runtime.cluster.workers.find("shop@here")
    assert found is not None
    assert found.silent(later)
    assert not found.silent(clock())
    hear(runtime, {"type": "worker-offline", "hostname": "shop@here", "timestamp": time.time()})
    page = (await client.get("/workers")).content.decode()
    assert "Went away" in page
    assert "2 of 4" not in page
    assert "0.50, 0.40" not in page
    assert "How busy shop@here is" not in page
    assert "Running</dt><dd>–" in (await client.get("/workers/shop@here")).content.decode()


async def test_a_worker_has_a_page_with_all_it_said(runtime: Runtime, client: Browser) -> None:
    hear(runtime, received(time.time()))
    worker(runtime)
    page = (await client.get("/workers/shop@here")).content.decode()
    for said in ("prefork", "8, 9", "16", "Uptime", "10.0.0.1", "10/s", "30", "celery direct", "durable", "gone-one", "later"):
        assert said in page
    assert f'href="/tasks/{UUID}"' in page
    assert "<script>alert" not in page


async def test_a_worker_nobody_heard_of_is_missing(runtime: Runtime, client: Browser) -> None:
    answer = await client.get("/workers/nobody@nowhere")
    assert answer.status_code == 404
    assert "nobody@nowhere" in answer.content.decode()


async def test_a_foreign_task_shows_everywhere(runtime: Runtime, client: Browser) -> None:
    at = time.time() - 10
    hear(runtime, *life(at), received(at, "not-a-uuid", name=HOSTILE, args="('" + "x" * 3_000 + "',)"))
    hear(runtime, *life(at, "task-failed", "3f7c7d0e-6a55-4d1b-9a33-3d1f6b2f1a01"))
    for path in (
        "/",
        "/?type=shop.add",
        "/types",
        "/pulse",
        "/activity",
        "/?q=worker:shop",
        f"/tasks/{UUID}",
        "/?q=shop.add",
        "/?q=queue:celery",
    ):
        answer = await client.get(path)
        assert answer.status_code == 200, path
        assert "<script>alert" not in answer.content.decode()
    for one in runtime.store.page(Query(), 10).items:
        assert (await client.get(f"/tasks/{one.id}")).status_code == 200
    page = (await client.get(f"/tasks/{UUID}")).content.decode()
    for said in ("(2, 3)", "In Celery", "shop@here", "gen1@there", "Completed"):
        assert said in page
    export = await client.get("/api/v2/tasks/export?format=csv")
    assert export.status_code in (200, 422)


async def test_moments_that_celery_wrote_down_are_read_as_any_other(runtime: Runtime, client: Browser) -> None:
    at = time.time() - 10
    hear(
        runtime, sent(at, eta="2036-01-02T03:04:05.123456+00:00"), received(at + 1, eta="2036-01-02T03:04:05.123456+00:00", expires="soon")
    )
    page = (await client.get(f"/tasks/{UUID}")).content.decode()
    assert '<dt>Not before</dt><dd><bdi><time datetime="2036-01-02T03:04:05' in page
    assert "<dt>Expires</dt><dd><bdi>soon</bdi>" in page


async def test_what_a_plain_app_runs_can_be_ended_by_force_alone(runtime: Runtime, client: Browser, htmx: ByHtmx) -> None:
    hear(runtime, *life(time.time() - 10)[:3])
    page = (await client.get(f"/tasks/{UUID}")).content.decode()
    assert f"/tasks/{UUID}/force" in page
    assert f"/tasks/{UUID}/retry" not in page
    answer = await client.post(f"/tasks/{UUID}/retry")
    assert answer.status_code == 409
    answer = await client.post(f"/tasks/{UUID}/cancel")
    assert answer.status_code == 503  # nobody is connected
    assert task(runtime).status is Status.PROCESSING


async def test_a_delete_only_forgets_it_here(runtime: Runtime, client: Browser) -> None:
    hear(runtime, *life(time.time() - 10)[:3])
    await client.post(f"/tasks/{UUID}/delete")
    assert runtime.store.find(UUID) is None
    await client.post(f"/tasks/{UUID}/restore")
    assert task(runtime).status is Status.PROCESSING
    assert task(runtime).cancel is None


@pytest.fixture
def told(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What workers were told; each says that it has done it."""
    worker(runtime)
    assert runtime.cluster is not None
    found: list[tuple[Any, ...]] = []

    def tell(command: str, arguments: Any, workers: Any = None) -> Future[list[Answer]]:
        found.append((command, dict(arguments), workers))
        done: Future[list[Answer]] = Future()
        refused = arguments.get("task_name") == "no.such"
        done.set_result(
            [] if arguments.get("queue") == "mute" else [Answer("shop@here", not refused, "unknown task" if refused else "ok then")]
        )
        return done

    monkeypatch.setattr(runtime.cluster.commands, "tell", tell)
    monkeypatch.setattr(runtime.cluster.receiver, "reason", "")
    return found


ORDERS = [
    ("pool", {"change": "2"}, ("pool_grow", {"n": 2})),
    ("pool", {"change": "-1"}, ("pool_shrink", {"n": 1})),
    ("autoscale", {"min": "1", "max": "8"}, ("autoscale", {"min": 1, "max": 8})),
    ("add-queue", {"queue": "slow"}, ("add_consumer", {"queue": "slow"})),
    ("leave-queue", {"queue": "slow"}, ("cancel_consumer", {"queue": "slow"})),
    ("rate-limit", {"type": "shop.add", "rate": "10/s"}, ("rate_limit", {"task_name": "shop.add", "rate_limit": "10/s"})),
    ("time-limit", {"type": "shop.add", "soft": "", "hard": "30"}, ("time_limit", {"task_name": "shop.add", "soft": None, "hard": 30.0})),
    ("shutdown", {"sure": "yes"}, ("shutdown", {})),
]


@pytest.mark.parametrize(("order", "form", "command"), ORDERS)
async def test_each_order_reaches_its_worker_alone(
    told: list[tuple[Any, ...]], client: Browser, order: str, form: dict[str, str], command: tuple[str, dict[str, Any]]
) -> None:
    answer = await client.post(f"/workers/shop@here/{order}", form)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/workers/shop@here")
    assert told == [(*command, ["shop@here"])]


@pytest.mark.parametrize(
    ("order", "form"),
    [
        ("pool", {"change": "0"}),
        ("pool", {"change": "many"}),
        ("pool", {}),
        ("autoscale", {"min": "9", "max": "3"}),
        ("add-queue", {"queue": "a b"}),
        ("rate-limit", {"type": "t", "rate": "fast"}),
        ("time-limit", {"type": "t"}),
        ("time-limit", {"type": "t", "hard": "1e9"}),
        ("shutdown", {}),
        ("explode", {}),
    ],
)
async def test_what_makes_no_sense_reaches_nobody(told: list[tuple[Any, ...]], client: Browser, order: str, form: dict[str, str]) -> None:
    assert (await client.post(f"/workers/shop@here/{order}", form)).status_code == 400
    assert told == []


async def test_a_refusal_and_a_silence_are_said_in_plain_words(told: list[tuple[Any, ...]], client: Browser) -> None:
    refused = await client.post("/workers/shop@here/rate-limit", {"type": "no.such", "rate": "1/s"})
    assert (refused.status_code, "shop@here refused: unknown task" in refused.content.decode()) == (409, True)
    silent = await client.post("/workers/shop@here/add-queue", {"queue": "mute"})
    assert (silent.status_code, "did not answer" in silent.content.decode()) == (503, True)


async def test_the_api_says_the_same(told: list[tuple[Any, ...]], runtime: Runtime, client: Browser) -> None:
    listed = (await client.get("/api/v2/workers")).json()
    assert (listed["items"][0]["name"], listed["items"][0]["state"], listed["items"][0]["concurrency"]) == ("shop@here", "here", 4)
    one = (await client.get("/api/v2/workers/shop@here")).json()
    assert one["answers"]["stats"]["prefetch_count"] == 16
    done = await client.post("/api/v2/workers/shop@here/pool", {"change": 2}, content_type="application/json")
    assert (done.status_code, done.json()) == (200, {"worker": "shop@here", "text": "ok then"})
    wrong = await client.post("/api/v2/workers/shop@here/pool", {"chnge": 2}, content_type="application/json")
    assert (wrong.status_code, wrong.json()["field"]) == (422, "chnge")
    assert (await client.get("/api/v2/workers/nobody")).status_code == 404
    hear(runtime, sent(time.time()))
    assert (await client.get(f"/api/v2/tasks/{UUID}")).json()["celery"]["queue"] == "celery"


def test_a_clock_that_is_wrong_is_set_right(runtime: Runtime) -> None:
    assert runtime.cluster is not None
    now = time.time()
    worker(runtime, timestamp=now - 600)
    hear(runtime, received(now - 600), event("task-started", now - 600))
    started = task(runtime).started_at
    assert started is not None
    assert abs(started - now) < 30
    found = runtime.cluster.workers.find("shop@here")
    assert found is not None
    assert found.ahead is not None
    assert -700 < found.ahead < -500
