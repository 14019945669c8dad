"""A server whose tasks run on a Celery worker with the pool solo: it is killed, and the next one follows what ran on without it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tasks_app.tests.celery import site
from tasks_app.tests.cluster.broker import until
from tasks_app.tests.executors.contract import lines
from tasks_app.tests.processes import Started, started

HANDLERS = "tasks_app.tests.scripted"


@pytest.fixture(scope="module")
def worker(broker: site.Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[site.Worker]:
    """One attempt at a time, in the worker's only process."""
    with site.worker(broker.url, tmp_path_factory.mktemp("worker"), "solo", "solo", 1) as made:
        yield made


def _task(server: Started, task_id: str) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{server.url}/api/v2/tasks/{task_id}").json()
    return found


def _launch(server: Started, **params: object) -> str:
    answer = httpx.post(f"{server.url}/api/v2/tasks", json={"type": "scripted", "params": params})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


@pytest.mark.usefixtures("worker")
def test_a_server_that_is_killed_finds_its_tasks_again_and_none_ran_twice(broker: site.Broker, tmp_path: Path) -> None:
    log = tmp_path / "log"
    settings: dict[str, Any] = {"IOTASK_EXECUTOR": "celery", "IOTASK_BROKER_URL": broker.url, "IOTASK_HANDLERS": HANDLERS}
    settings["IOTASK_JOURNAL"] = str(tmp_path / "journal")
    with started(tmp_path / "first", "manage.py", "serve", "-p", "0", **settings) as first:
        running = _launch(first, mode="slow_progress", times=30, seconds=0.2, path=str(log))
        waiting = _launch(first, path=str(tmp_path / "other"))
        until(lambda: (_task(first, running)["progress"] or {"current": 0})["current"] > 1)
        first.process.send_signal(signal.SIGKILL)
        first.process.wait()
    with started(tmp_path / "second", "manage.py", "serve", "-p", "0", **settings) as second:
        until(lambda: _task(second, running)["status"] == _task(second, waiting)["status"] == "completed")
        assert len(_task(second, running)["attempts"]) == 1
        assert lines(log) == ["began", "ended"]
        assert lines(tmp_path / "other") == ["began", "ended"]
        assert second.stop() == 0


def test_a_server_starts_and_takes_launches_while_there_is_no_broker_and_says_so(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"IOTASK_EXECUTOR": "celery", "IOTASK_BROKER_URL": "redis://127.0.0.1:1/0", "IOTASK_HANDLERS": HANDLERS}
    with started(tmp_path / "output", "manage.py", "serve", "-p", "0", **settings) as server:
        task = _launch(server)
        until(lambda: httpx.get(f"{server.url}/readyz").status_code == 503)
        assert "The Celery broker cannot be reached" in httpx.get(f"{server.url}/readyz").text
        assert "The Celery broker cannot be reached" in httpx.get(f"{server.url}/", follow_redirects=True).text
        assert _task(server, task)["progress"]["message"] == "Waits for a Celery worker"
        cancelled = httpx.post(f"{server.url}/api/v2/tasks/{task}/cancel")
        assert cancelled.status_code == 202
        until(lambda: _task(server, task)["status"] == "cancelled")
        assert server.stop() == 0
