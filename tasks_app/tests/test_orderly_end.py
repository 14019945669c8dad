"""The orderly end, seen from outside, with tasks of every kind at work: what is answered meanwhile, and what becomes of each."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tasks_app.tests.processes import PATIENCE, Started, started
from tasks_app.tests.test_env import manage

SERVE = ("manage.py", "serve", "-p", "0")
LONG: dict[str, dict[str, Any]] = {
    "ping": {"address": "127.0.0.1", "count": 1000},
    "two_step_report": {"name": "A report", "pause": 600},
    "message": {"data": "hello", "longest": 600},
    "long_computation": {"duration": 600},
    "count": {"to": 1000},
}
POSTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("/tasks/ping", {"address": "127.0.0.1"}),
    ("/compat/iotask/tasks", {}),
    ("/create-task", {"name": "A report"}),
    ("/job", {}),
    ("/api/v1/tasks", {"type": "long_computation", "params": {"duration": 1}}),
    ("/tasks", {"result": 21}),
    ("/compat/taskqueue/tasks", {"result": 21}),
    ("/api/v2/tasks", {"type": "count"}),
)


def launch(process: Started, type: str, params: dict[str, Any]) -> str:
    answered = httpx.post(f"{process.url}/api/v2/tasks", json={"type": type, "params": params})
    assert answered.status_code == 201, answered.text
    return str(answered.json()["id"])


def status(process: Started, task: str) -> str:
    return str(httpx.get(f"{process.url}/api/v2/tasks/{task}").json()["status"])


def running(process: Started, launched: dict[str, dict[str, Any]]) -> list[str]:
    """The ids of tasks that have begun, all in one moment."""
    asked = [{"type": type, "params": params} for type, params in launched.items()]
    tasks: list[str] = httpx.post(f"{process.url}/api/v2/tasks/bulk", json={"tasks": asked}).json()["ids"]
    process.wait_until(lambda: all(status(process, task) == "processing" for task in tasks))
    return tasks


def drain(process: Started, number: signal.Signals = signal.SIGTERM) -> None:
    process.process.send_signal(number)
    process.wait_until(lambda: "Stopping" in process.said)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_tasks_of_every_kind_are_stopped_after_the_grace_and_each_is_told(tmp_path, number):
    with started(tmp_path / "output", *SERVE, IOTASK_GRACE_SECONDS="1") as process:
        tasks = running(process, LONG)
        done = launch(process, "double", {"value": 21})
        process.wait_until(lambda: status(process, done) == "completed")
        began = time.monotonic()
        assert process.stop(number) == 0, process.said
        assert time.monotonic() - began >= 1
    ends = {line["task"]: line["event"] for line in process.log if line["event"].startswith("task_")}
    assert ends == {done: "task_completed", **dict.fromkeys(tasks, "task_interrupted")}
    last = process.log[-1]
    assert (last["event"], last["level"], last["settled"], last["interrupted"]) == ("server_stopped", "info", len(LONG), len(LONG))
    assert "Traceback" not in process.said


def test_tasks_that_end_within_the_grace_end_by_themselves_and_it_stops_with_the_last(tmp_path):
    short: dict[str, dict[str, Any]] = {
        "ping": {"address": "127.0.0.1", "count": 3, "interval": 5, "fail_if_unreachable": False},
        "two_step_report": {"name": "A report", "pause": 5.0},
        "long_computation": {"duration": 10.0},
        "count": {"to": 5, "interval": 2},
    }
    with started(tmp_path / "output", *SERVE, IOTASK_GRACE_SECONDS="600") as process:
        tasks = running(process, short)
        assert process.stop() == 0, process.said
    last = process.log[-1]
    assert (last["event"], last["settled"], last["completed"]) == ("server_stopped", len(short), len(short))
    assert len(list((tmp_path / "files").glob("task_*.json"))) == 1
    assert {line["task"] for line in process.log if line["event"] == "task_completed"} == set(tasks)


def test_while_it_drains_every_door_refuses_new_work_and_says_when_to_come_back(tmp_path):
    with started(tmp_path / "output", *SERVE, IOTASK_GRACE_SECONDS="600") as process:
        (task,) = running(process, {"count": {"to": 1000}})
        for path, body in POSTS:
            assert httpx.post(process.url + path, json=body).status_code in (200, 201, 202), path
        drain(process)
        assert httpx.get(f"{process.url}/readyz").status_code == 503
        assert httpx.get(f"{process.url}/healthz").status_code == 200
        for path, body in POSTS:
            refused = httpx.post(process.url + path, json=body)
            assert refused.status_code == 503, path
            assert int(refused.headers["Retry-After"]) > 0
        assert status(process, task) == "processing"
        assert process.stop() == 0


@pytest.fixture
def hung_up_on() -> Iterator[None]:
    """What is started now ends with its terminal, also where these tests were told to outlive theirs."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("hung_up_on")
@pytest.mark.parametrize(("first", "second"), [(signal.SIGTERM, signal.SIGINT), (signal.SIGHUP, signal.SIGTERM)])
def test_a_second_signal_whichever_ends_the_grace(tmp_path, first, second):
    with started(tmp_path / "output", *SERVE, IOTASK_GRACE_SECONDS="600") as process:
        running(process, LONG)
        drain(process, first)
        assert process.stop(second) == 0, process.said
    assert process.log[-1]["settled"] == len(LONG)


def test_tasks_that_wait_are_settled_and_told_too(tmp_path):
    with started(tmp_path / "output", *SERVE, IOTASK_GRACE_SECONDS="0", WORKER_COUNT="1") as process:
        running(process, {"long_computation": {"duration": 600}})
        for _ in range(5):
            launch(process, "long_computation", {"duration": 600})
        assert process.stop() == 0
    stopping, last = (next(line for line in process.log if line["event"] == event) for event in ("server_stopping", "server_stopped"))
    assert (stopping["running"], stopping["waiting"]) == (1, 5)
    assert (last["settled"], last["interrupted"]) == (6, 6)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_at_any_moment_of_the_start_leaves_no_traceback(tmp_path, number):
    """Each start is stopped later than the one before, at moments that differ from run to run, until one was quick enough to be ready."""
    moment = random.uniform(0.2, 0.4)
    while moment < 40:
        moment *= 1.5
        output = tmp_path / f"output-{moment}"
        with started(output, *SERVE) as process:
            time.sleep(moment)
            code = process.stop(number)
        assert "Traceback" not in process.said or "in main" not in process.said  # before that it is Python's own start
        assert code in (0, -number, *((130,) if number is signal.SIGINT else ())), process.said
        if "is ready at" in process.said:
            assert code == 0
            return
    raise AssertionError("it was never ready")


SIGNALLED_WHILE_IT_STARTS = """
import os, signal
os.environ["DJANGO_SETTINGS_MODULE"] = "iotask_site.settings"
import django
django.setup()
from django.core.management import execute_from_command_line
from tasks_app import runtime
begin = runtime.Runtime.start
def start(built):
    begin(built)
    os.kill(os.getpid(), signal.SIGTERM)
runtime.Runtime.start = start
execute_from_command_line(["manage.py", "serve", "-p", "0"])
"""


def test_a_signal_that_comes_before_the_server_is_ready_is_kept_for_it(tmp_path: Path):
    with started(tmp_path / "output", "-c", SIGNALLED_WHILE_IT_STARTS) as process:
        assert process.process.wait(PATIENCE) == 0, process.said
    assert process.events == ["server_ready", "server_stopping", "server_stopped"]


def test_a_start_that_fails_says_nothing_of_an_end(tmp_path):
    done = manage("serve", "-p", "0", "--skip-checks", LOG_DIR=str(tmp_path), IOTASK_HANDLERS="tasks_app.tests.sample_twins")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert "Two task types are named 'count'." in done.stderr
    assert "server_" not in (tmp_path / "app.log").read_text()
