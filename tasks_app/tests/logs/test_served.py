"""The logs of real servers: what is in app.log and on stderr, where, and from which processes."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from tasks_app.tests.logs.said import from_json, from_logfmt
from tasks_app.tests.processes import OF_THE_MACHINE, ROOT, Started, free_port, started
from tasks_app.tests.test_env import manage
from tasks_app.tests.test_serve import READY, RUNSERVER, answers

SERVE = ("manage.py", "serve", "-p", "0")
MANY = 10_000  # tasks that end: at the pace at which they are told of, that would take most of a minute
REFUSED = {"address": "127.0.0.1", "port": 1, "count": 1}  # nobody listens there
HOSTILE = 'x\n2026-01-01 00:00:00.000Z ERROR forged level=error: \x1b[31m", "level": "error" \u2028'


def launch(process: Started, type: str, **request: Any) -> str:
    answered = httpx.post(f"{process.url}/api/v2/tasks", json={"type": type, **request})
    assert answered.status_code == 201, answered.text
    return str(answered.json()["id"])


def line_of(process: Started, event: str, task: str | None = None) -> dict[str, Any]:
    """The line that tells of an event, once it is there."""

    def found() -> list[dict[str, Any]]:
        return [line for line in process.log if line["event"] == event and task in (None, line.get("task"))]

    process.wait_until(lambda: bool(found()))
    return found()[0]


def test_each_end_of_a_task_is_a_line_in_the_file_and_on_stderr(tmp_path):
    with started(tmp_path / "output", *SERVE, IOTASK_GRACE_SECONDS="0") as process:
        done = launch(process, "count", params={"to": 1, "interval": 0})
        failed = launch(process, "ping", params=REFUSED)
        again = launch(process, "ping", params=REFUSED, max_attempts=2)
        cancelled = launch(process, "count", params={"to": 1000})
        httpx.post(f"{process.url}/api/v2/tasks/{cancelled}/cancel")
        interrupted = launch(process, "count", params={"to": 1000})
        line = line_of(process, "task_completed", done)
        assert list(line)[:4] == ["time", "level", "event", "logger"]
        assert (line["level"], line["type"], line["number"], line["attempt"], line["via"]) == ("info", "count", 1, 1, "api")
        assert line["duration"] >= 0
        line = line_of(process, "task_failed", failed)
        assert (line["level"], line["error"], line["type"]) == ("warning", "Unreachable", "ping")
        assert line["message"].startswith("127.0.0.1:1 answered none of 1 probe")
        assert line_of(process, "task_retrying", again)["level"] == "info"
        assert line_of(process, "task_cancelled", cancelled)["level"] == "info"
        assert process.stop() == 0
        assert line_of(Ended(process), "task_interrupted", interrupted)["level"] == "warning"
    for task in (done, failed, again, cancelled, interrupted):
        assert task in process.said


@pytest.mark.parametrize("form", ["json", "logfmt"])
def test_what_a_handler_says_is_a_part_of_its_line_and_never_one_of_its_own(tmp_path, form):
    with started(tmp_path / "output", *SERVE, IOTASK_HANDLERS="tasks_app.tests.sample_tasks", LOG_FORMAT=form) as process:
        task = launch(process, "outcry", params={"words": HOSTILE})
        process.wait_until(lambda: f"task={task}" in process.said)
        assert process.stop() == 0
    lines = (tmp_path / "logs" / "app.log").read_text("utf-8").splitlines()
    read = from_json if form == "json" else from_logfmt
    events = {found["event"]: found for found in map(read, lines)}
    assert [event for event in events if event.startswith(("server_", "task_"))] == [
        "server_ready",
        "task_failed",
        "server_stopping",
        "server_stopped",
    ]
    assert (events["task_failed"]["level"], events["task_failed"]["message"]) == ("warning", HOSTILE)
    assert len(process.said.splitlines()) == len(lines) + 2  # what is said to whoever started it
    assert "\x1b" not in process.said


class Ended(Started):
    """A process that has ended: all there will be is there."""

    def __init__(self, process: Started) -> None:
        super().__init__(process.process, process._output)

    def wait_until(self, holds, seconds=0.0):
        assert holds(), self.said


def test_times_are_utc_with_microseconds_and_in_order(tmp_path):
    with started(tmp_path / "output", *SERVE) as process:
        assert answers(process)
        assert process.stop() == 0
    times = [line["time"] for line in process.log]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", time) for time in times)
    assert abs((datetime.fromisoformat(times[-1]) - datetime.now(UTC)).total_seconds()) < 60
    assert times == sorted(times)


def test_the_first_line_says_where_it_is_and_the_last_that_it_stopped(tmp_path):
    with started(tmp_path / "output", *SERVE) as process:
        assert answers(process)
        port = process.url.rpartition(":")[2]
        assert process.stop() == 0
    assert process.events == ["server_ready", "server_stopping", "server_stopped"]
    (ready,) = (line for line in process.log if line["event"] == "server_ready")
    assert ready["url"] == f"http://localhost:{port}/"
    assert process.log[-1]["settled"] == 0
    folder = tmp_path / "logs"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o750
    assert stat.S_IMODE((folder / "app.log").stat().st_mode) == 0o600


def test_logfmt_where_that_is_wanted(tmp_path):
    with started(tmp_path / "output", *SERVE, LOG_FORMAT="logfmt") as process:
        launch(process, "count", params={"to": 1, "interval": 0})
        process.wait_until(lambda: "task_completed" in process.said)
        assert process.stop() == 0
    lines = [from_logfmt(line) for line in (tmp_path / "logs" / "app.log").read_text().splitlines()]
    assert {line["event"] for line in lines} >= {"server_ready", "task_completed", "server_stopping", "server_stopped"}


@pytest.mark.parametrize(
    ("level", "events"),
    [
        ("debug", {"server_ready", "task_launched", "task_completed", "task_failed", "server_stopping", "server_stopped"}),
        ("info", {"server_ready", "task_completed", "task_failed", "server_stopping", "server_stopped"}),
        ("warning", {"task_failed"}),
        ("error", set()),
    ],
)
def test_the_level_holds_for_the_file_and_for_stderr(tmp_path, level, events):
    with started(tmp_path / "output", *SERVE, LOG_LEVEL=level) as process:
        for type, params in (("count", {"to": 1, "interval": 0}), ("ping", REFUSED)):
            task = launch(process, type, params=params)
            process.wait_until(partial(ended, process, task))
        assert process.stop() == 0
    assert set(process.events) == events
    for event in ("task_launched", "task_completed", "task_failed", "server_stopped"):
        assert (event in process.said) == (event in events)


def ended(process: Started, task: str) -> bool:
    return httpx.get(f"{process.url}/api/v2/tasks/{task}").json()["status"] in ("completed", "failed")


def test_visitors_who_ask_for_what_is_not_there_make_no_lines(tmp_path):
    with started(tmp_path / "output", *SERVE) as process:
        for path in ("/nothing", "/tasks/none", "/api/v2/tasks/none", "/files/none", "/job/7/status"):
            assert httpx.get(process.url + path).status_code in (200, 400, 404)
        assert process.stop() == 0
    events = [line["event"] for line in process.log if line["event"] not in OF_THE_MACHINE]
    assert events[events.index("server_ready") :] == ["server_ready", "server_stopping", "server_stopped"]


def test_a_start_after_another_goes_on_in_the_same_file(tmp_path):
    for _ in range(2):
        with started(tmp_path / "output", *SERVE) as process:
            assert answers(process)
            assert process.stop() == 0
    assert process.events == ["server_ready", "server_stopping", "server_stopped"] * 2


def test_a_file_that_is_full_becomes_an_older_one_while_the_server_runs(tmp_path):
    with started(tmp_path / "output", *SERVE, LOG_MAX_BYTES="1000", LOG_FILES="2") as process:
        for _ in range(20):
            launch(process, "count", params={"to": 1, "interval": 0})
        process.wait_until(lambda: process.said.count("task_completed") == 20)
        assert process.stop() == 0
    found = sorted((tmp_path / "logs").glob("app.log*"))
    assert [path.name for path in found] == ["app.log", "app.log.1", "app.log.2"]
    assert all(path.stat().st_size <= 1000 for path in found)
    assert process.log[-1]["event"] == "server_stopped"


def test_only_servers_make_the_file(tmp_path):
    for command in (("check",), ("shell", "-v", "0", "-c", "1"), ("serve", "--help")):
        assert manage(*command, LOG_DIR=str(tmp_path / "logs")).returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_with_the_reloader_only_the_process_that_serves_writes_it(tmp_path):
    with started(tmp_path / "output", "manage.py", "runserver", str(free_port()), PYTHONPATH=".") as process:
        process.wait_until(lambda: READY[RUNSERVER] in process.said)
        process.wait_until(lambda: (tmp_path / "logs" / "app.log").exists())
        line_of(process, "server_ready")
        assert process.stop() == 0, process.said
    assert process.events == ["server_ready", "server_stopped"]


def test_the_demo_writes_it_too(tmp_path):
    with started(tmp_path / "output", "manage.py", "demo", "-p", "0", IOTASK_GRACE_SECONDS="0", TMPDIR=str(tmp_path)) as process:
        assert answers(process)
        line_of(process, "server_ready")
        assert process.stop() == 0, process.said
    assert process.log[-1]["event"] == "server_stopped"
    assert process.log[-1]["settled"] > 0


@pytest.mark.parametrize("command", [("serve", "-p", "0"), ("demo", "-p", "0"), ("runserver", "--noreload", "0"), ("runserver", "0")])
def test_a_folder_that_cannot_be_made_stops_the_start_with_one_sentence(command):
    done = manage(*command, LOG_DIR="/dev/null/logs")
    assert done.returncode == 1
    assert done.stderr == "LOG_DIR is '/dev/null/logs', where app.log cannot be written: that is no folder.\n"


def test_a_type_that_cannot_be_imported_is_an_error_in_the_file(tmp_path):
    with started(tmp_path / "output", *SERVE, IOTASK_HANDLERS="no_such.module") as process:
        assert answers(process)
        line = line_of(process, "types_disabled")
        assert (line["level"], line["module"]) == ("error", "no_such.module")
        assert process.stop() == 0


def test_a_blocked_loop_is_an_error_that_names_the_task_and_the_line(tmp_path):
    handlers = "tasks_app.tests.sample_tasks"
    with started(tmp_path / "output", *SERVE, IOTASK_HANDLERS=handlers, IOTASK_GRACE_SECONDS="0") as process:
        launch(process, "block", params={"seconds": 600, "until": str(tmp_path / "enough")})
        process.wait_until(lambda: any(line["event"] == "loop_blocked" and "number" in line for line in process.log))
        (tmp_path / "enough").touch()
        line = next(line for line in process.log if line["event"] == "loop_blocked" and "number" in line)
        assert (line["level"], line["number"], line["type"]) == ("error", 1, "block")
        assert "sample_tasks.py" in line["place"]
        assert process.stop() == 0


def test_a_stderr_nobody_reads_holds_up_neither_the_server_nor_its_end(tmp_path):
    folders = {"LOG_DIR": str(tmp_path / "logs"), "FILES_DIR": str(tmp_path), "DOWNLOAD_DIR": str(tmp_path), "SECRET_KEY": "s" * 50}
    command = [sys.executable, "manage.py", "serve", "-p", "0"]
    output = tmp_path / "output"
    with output.open("wb") as file:
        process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **folders}, stdout=file, stderr=subprocess.PIPE)
    try:
        server = Started(process, output)
        tasks = [{"type": "ping", "params": REFUSED}] * 2000  # a line of 200 bytes each; a pipe holds 65,536
        assert httpx.post(f"{server.url}/api/v2/tasks/bulk", json={"tasks": tasks}, timeout=60).status_code == 201
        server.wait_until(lambda: httpx.get(f"{server.url}/api/v2/stats").json()["by_status"]["failed"] == 2000)
        assert answers(server)
        assert server.stop() == 0
    finally:
        process.kill()
        process.communicate()
    assert server.log[-1]["event"] == "server_stopped"


def test_the_number_of_lines_left_out_is_in_the_file(tmp_path):
    with started(tmp_path / "output", *SERVE, IOTASK_LIMITS="count=1000") as process:
        tasks = [{"type": "count", "params": {"to": 1, "interval": 0}}] * MANY
        assert httpx.post(f"{process.url}/api/v2/tasks/bulk", json={"tasks": tasks}, timeout=60).status_code == 201
        process.wait_until(lambda: told(process) == MANY)
        assert process.stop() == 0
    assert any(line["event"] == "lines_dropped" for line in process.log)


def told(process: Started) -> int:
    """How many tasks the file tells of, those included whose lines it says were left out."""
    completed = sum(1 for line in process.log if line["event"] == "task_completed")
    return completed + sum(int(line["lines"]) for line in process.log if line["event"] == "lines_dropped")


def test_a_folder_named_with_a_variable_is_used(tmp_path: Path):
    with started(tmp_path / "output", *SERVE, LOG_DIR=str(tmp_path / "elsewhere")) as process:
        assert answers(process)
        assert process.stop() == 0
    assert (tmp_path / "elsewhere" / "app.log").exists()
    assert not (tmp_path / "logs").exists()
