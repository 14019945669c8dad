"""How a server ends: by which code, with which last line, and with nothing of what handlers left behind."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import sqlite3
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tasks_app.ends import HELD_UP
from tasks_app.engine.runner import STUCK_CAP
from tasks_app.serving.server import GRACE_FOR_ANSWERS, LEAST_FOR_ANSWERS, LEAST_FOR_THREADS, Served, Server
from tasks_app.tests.processes import OF_THE_MACHINE, ROOT, Started, started, until_gone

SERVE = ("manage.py", "serve", "-p", "0")
VARIABLES = {
    "IOTASK_HANDLERS": "tasks_app.tests.scripted,tasks_app.tests.leaving_tasks",
    "IOTASK_GRACE_SECONDS": "0",
    "IOTASK_CANCEL_GRACE_SECONDS": "0.2",
    "IOTASK_EXIT_WHEN_STUCK": "1",
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Started]:
    """One with a journal, that leaves when too many handlers are stuck."""
    with started(tmp_path / "output", *SERVE, **VARIABLES, IOTASK_JOURNAL=str(tmp_path / "journal")) as process:
        process.wait_until(lambda: bool(process.url))
        yield process


def launched(server: Started, type: str, **params: Any) -> str:
    answer = httpx.post(f"{server.url}/api/v2/tasks", json={"type": type, "params": params})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def task(server: Started, task_id: str) -> dict[str, Any]:
    return httpx.get(f"{server.url}/api/v2/tasks/{task_id}").json()  # type: ignore[no-any-return]


def test_one_that_leaves_because_handlers_are_stuck_copies_its_journal_before_and_leaves_nothing_behind(
    server: Started, tmp_path: Path
) -> None:
    programs = []
    for type in ("leaves_things", "leaves_a_program"):
        done = launched(server, type)
        server.wait_until(partial(_is_done, server, done))
        programs.append(task(server, done)["result"])
    assert psutil.pid_exists(programs[0])
    server.wait_until(lambda: not psutil.pid_exists(programs[1]))  # it ended with its attempt
    _copied(server, tmp_path)
    stubborn = [launched(server, "scripted", mode="stubborn") for _ in range(STUCK_CAP)]
    server.wait_until(lambda: {task(server, one)["status"] for one in stubborn} == {"processing"})
    for one in stubborn:
        httpx.post(f"{server.url}/api/v2/tasks/{one}/cancel")
    assert server.process.wait(60) == 70, server.said
    until_gone(programs[0])  # it was killed, and whoever inherits it looks a moment later how it ended
    events = server.events
    assert "server_stuck" in events
    assert server.log[-1]["event"] == "server_stopped"
    assert any(line["event"] == "programs_killed" and line["programs"] == 1 for line in server.log)
    assert "Traceback" not in server.said


def test_what_handlers_left_at_exit_has_its_last_word_and_nothing_is_taken_apart_after_that(tmp_path: Path) -> None:
    variables = {"IOTASK_HANDLERS": "tasks_app.tests.clinging_tasks", "IOTASK_GRACE_SECONDS": "0", "LAST_WORD": str(tmp_path / "word")}
    with started(tmp_path / "output", *SERVE, **variables) as process:
        process.wait_until(lambda: bool(process.url))
        assert process.stop(signal.SIGTERM, 60) == 0, "it is taken apart, and that does not end"
        assert (tmp_path / "word").read_text() == "said"
        assert process.log[-1]["event"] == "server_stopped"


@pytest.mark.parametrize(
    ("left", "for_answers", "for_threads"), [(60.0, GRACE_FOR_ANSWERS, HELD_UP), (-5.0, LEAST_FOR_ANSWERS, LEAST_FOR_THREADS)]
)
async def test_what_tasks_used_up_of_the_end_requests_and_threads_do_not_get(left: float, for_answers: float, for_threads: float) -> None:
    with socket.socket() as unbound:
        server = Server(None, unbound, print, [])
    server.over_at = time.monotonic() + left
    drained: asyncio.Future[None] = asyncio.Future()
    drained.set_result(None)
    server._drained(drained)
    assert (server.should_exit, server.config.timeout_graceful_shutdown) == (True, for_answers)
    assert Served(0, server.over_at).seconds_left() == for_threads


def _is_done(server: Started, task_id: str) -> bool:
    return bool(task(server, task_id)["status"] == "completed")


def _copied(server: Started, folder: Path) -> None:
    server.process.send_signal(signal.SIGUSR1)
    server.wait_until(lambda: any(line["event"] == "journal_copied" for line in server.log))
    with sqlite3.connect(folder / "journal.copy") as copy:
        assert copy.execute("SELECT count(*) FROM tasks").fetchone() == (2,)
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    copy.close()


def test_every_way_to_end_is_in_the_table(tmp_path: Path) -> None:
    """Codes and last lines as docs/operations.md says; those of an orderly end and of a start that fails are tried in other rooms."""
    page = (ROOT / "docs" / "operations.md").read_text()
    table = page[page.index("## How it ends") :].split("\n## ")[0]
    codes = re.findall(r"^\| (\d+|-\d+)", table, re.MULTILINE)
    assert codes == ["0", "0", "1", "2", "70", "130", "137"]
    with started(tmp_path / "output", *SERVE, IOTASK_GRACE_SECONDS="0") as process:
        process.wait_until(lambda: bool(process.url))
        process.process.send_signal(signal.SIGUSR1)
        process.wait_until(lambda: any(line["event"] == "journal_not_copied" for line in process.log))
        process.process.send_signal(signal.SIGKILL)
        assert process.process.wait(60) == -signal.SIGKILL
        events = [line["event"] for line in process.log if line["event"] not in OF_THE_MACHINE]
        assert events[-1] == "journal_not_copied", "who is killed says nothing"
