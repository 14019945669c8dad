"""The same over RabbitMQ, which keeps no ledger: what docs/celery.md promises without one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tasks_app.engine.task import OutcomeKind
from tasks_app.executors import wire
from tasks_app.executors.celery import CeleryExecutor
from tasks_app.executors.cluster_app import app_of
from tasks_app.executors.link import Link
from tasks_app.tests import scripted
from tasks_app.tests.celery import rabbit, site
from tasks_app.tests.cluster.broker import sender, until
from tasks_app.tests.cluster.broker import worker as plain_worker
from tasks_app.tests.executors.contract import Attempt, came_true, lines
from tasks_app.tests.processes import Started, started

pytestmark = [
    pytest.mark.files_stay("links are made anew as they are needed"),
    pytest.mark.real_time,
    pytest.mark.skipif(rabbit.command() is None, reason=rabbit.ABSENT),
]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rabbit.Rabbit]:
    """A RabbitMQ."""
    with rabbit.rabbit(tmp_path_factory.mktemp("rabbit")) as made:
        yield made


@pytest.fixture(scope="module")
def executor(broker: rabbit.Rabbit) -> Iterator[CeleryExecutor]:
    """Sends to that broker."""
    with site.executor(broker.url) as made:
        yield made


@pytest.fixture
def worker(broker: rabbit.Rabbit, tmp_path: Path) -> Iterator[site.Worker]:
    """One for each test: some kill it."""
    with site.worker(broker.url, tmp_path, f"rabbit{time.monotonic_ns()}") as made:
        yield made


def _steps(path: Path, times: int = 10) -> dict[str, object]:
    return {"mode": "slow_progress", "times": times, "seconds": 0.2, "path": str(path)}


async def test_one_that_runs_is_told_to_stop_and_one_that_nobody_runs_is_taken_back(
    executor: CeleryExecutor, broker: rabbit.Rabbit, tmp_path: Path
):
    before = broker.waiting(wire.QUEUE)
    waits = Attempt(executor, scripted.scripted, {"path": str(tmp_path / "never")})
    assert await came_true(lambda: broker.waiting(wire.QUEUE) == before + 1)
    waits.stop()
    assert (await waits.end()).kind is OutcomeKind.CANCELLED
    with site.worker(broker.url, tmp_path, "stops"):
        runs = Attempt(executor, scripted.scripted, {"mode": "hang", "path": str(tmp_path / "log")}, 2)
        assert await came_true(lambda: lines(tmp_path / "log") == ["began"])
        runs.stop()
        assert (await runs.end()).kind is OutcomeKind.CANCELLED
        assert await came_true(lambda: lines(tmp_path / "log") == ["began", "ended"])


async def test_what_a_killed_worker_ran_is_run_by_another(
    executor: CeleryExecutor, worker: site.Worker, broker: rabbit.Rabbit, tmp_path: Path
):
    log = tmp_path / "log"
    attempts = [Attempt(executor, scripted.scripted, _steps(log), number) for number in range(5)]
    assert await came_true(lambda: lines(log).count("began") == 5)
    worker.kill()
    over = lines(log).count("ended")  # none, unless this machine stood still
    with site.worker(broker.url, tmp_path, "second"):
        for attempt in attempts:
            await attempt.settled.wait()
    assert {attempt.outcomes[0].kind for attempt in attempts} == {OutcomeKind.COMPLETED}
    assert [len(attempt.outcomes) for attempt in attempts] == [1] * 5
    assert 10 - over <= lines(log).count("began") <= 10, "one that was about to tell that it had ended is run again"


def test_a_broker_is_tried_out_with_a_message_of_which_nothing_is_left(broker: rabbit.Rabbit):
    with app_of(broker.url) as app, closing(Link(app, "s")) as link:
        before = link.queued()
        link.try_out()
        assert link.queued() == before


async def test_what_was_lost_with_its_queue_is_sent_again(executor: CeleryExecutor, broker: rabbit.Rabbit, tmp_path: Path):
    before = broker.waiting(wire.QUEUE)
    attempts = [Attempt(executor, scripted.scripted, {"path": str(tmp_path / "log")}, number) for number in range(5)]
    assert await came_true(lambda: broker.waiting(wire.QUEUE) == before + 5)
    broker.delete(wire.QUEUE)
    with site.worker(broker.url, tmp_path, "late"):
        for attempt in attempts:
            await attempt.settled.wait()
    assert {attempt.outcomes[0].kind for attempt in attempts} == {OutcomeKind.COMPLETED}
    assert lines(tmp_path / "log").count("began") == 5


async def test_nobody_waits_for_a_broker_that_hangs(executor: CeleryExecutor, worker: site.Worker, broker: rabbit.Rabbit, tmp_path: Path):
    running = Attempt(executor, scripted.scripted, _steps(tmp_path / "log"))
    assert await came_true(lambda: "began" in lines(tmp_path / "log"))
    broker.hang()
    try:
        asked = Attempt(executor, scripted.scripted, {}, 2)
        taken_back = Attempt(executor, scripted.scripted, {}, 3)
        taken_back.stop()
        assert await came_true(lambda: "cannot be reached" in executor.trouble)
        assert (await taken_back.end()).kind is OutcomeKind.CANCELLED
    finally:
        broker.go_on()
    for attempt in (asked, running):
        await attempt.settled.wait()
    assert [attempt.outcomes[0].kind for attempt in (asked, running)] == [OutcomeKind.COMPLETED] * 2
    assert await came_true(lambda: not executor.trouble)


def _task(server: Started, task_id: str) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{server.url}/api/v2/tasks/{task_id}").json()
    return found


def _launch(server: Started, **params: object) -> str:
    answer = httpx.post(f"{server.url}/api/v2/tasks", json={"type": "scripted", "params": params})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def _is(server: Started, task_id: str, status: str) -> None:
    until(lambda: _task(server, task_id)["status"] == status, f"{task_id} did not become {status}")


def test_a_server_launches_cancels_retries_and_watches_others_over_rabbitmq(
    broker: rabbit.Rabbit, worker: site.Worker, tmp_path: Path
) -> None:
    settings = {"IOTASK_EXECUTOR": "celery", "IOTASK_BROKER_URL": broker.url, "IOTASK_HANDLERS": site.SCRIPTED}
    with (
        started(tmp_path / "server", "manage.py", "serve", "-p", "0", **settings) as server,
        plain_worker(broker.url, tmp_path) as shop,
    ):
        until(lambda: f"{shop}" in httpx.get(f"{server.url}/api/v2/workers").text)
        running = _launch(server, mode="slow_progress", times=1000, seconds=0.1)
        until(lambda: (_task(server, running)["progress"] or {}).get("current", 0) > 1)
        assert httpx.post(f"{server.url}/api/v2/tasks/{running}/cancel").status_code == 202
        _is(server, running, "cancelled")
        assert httpx.post(f"{server.url}/api/v2/tasks/{running}/retry").status_code == 202
        until(lambda: (_task(server, running)["progress"] or {}).get("current", 0) > 1)
        foreign = sender(broker.url).send_task("shop.add", [2, 3])
        until(lambda: httpx.get(f"{server.url}/api/v2/tasks/{foreign.id}").status_code == 200)
        _is(server, foreign.id, "completed")
        broker.kill()
        until(lambda: "The Celery broker cannot be reached" in httpx.get(f"{server.url}/", follow_redirects=True).text)
        asked = _launch(server)
        broker.start()
        _is(server, asked, "completed")
        until(lambda: "cannot be reached" not in httpx.get(f"{server.url}/", follow_redirects=True).text)
        later = sender(broker.url).send_task("shop.add", [3, 4])
        until(lambda: httpx.get(f"{server.url}/api/v2/tasks/{later.id}").status_code == 200)
        _is(server, later.id, "completed")
        assert _task(server, running)["status"] == "processing"
        assert httpx.post(f"{server.url}/api/v2/tasks/{running}/cancel").status_code == 202
        _is(server, running, "cancelled")
        assert server.stop() == 0
