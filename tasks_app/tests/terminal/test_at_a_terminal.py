"""`manage.py tasks` as a process of its own: at a terminal, in a pipe, while its server goes and comes back."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from tasks_app.terminal.exits import Exit
from tasks_app.tests.processes import PATIENCE, ROOT, Started, free_port, started

COMMAND = [sys.executable, "manage.py", "tasks"]


class Terminal:
    """A command at a terminal of its own, a hundred columns wide."""

    def __init__(self, *words: str, **variables: str) -> None:
        self._mine, theirs = pty.openpty()
        environ = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30", **variables}
        self._process = subprocess.Popen(
            [*COMMAND, *words], cwd=ROOT, env=environ, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
        )
        os.close(theirs)
        self.said = ""

    def until(self, words: str) -> None:
        """Read on until these words were said."""
        end = time.monotonic() + PATIENCE
        while words not in self.said:
            assert time.monotonic() < end, self.said
            assert self._read(), self.said

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    def end(self) -> int:
        """Read the rest; the exit code."""
        while self._read():
            pass
        os.close(self._mine)
        return self._process.wait(PATIENCE)

    def _read(self) -> bool:
        with suppress(OSError):  # the other side is closed
            if select.select([self._mine], [], [], PATIENCE)[0] and (more := os.read(self._mine, 65_536)):
                self.said += more.decode("utf-8", "replace")
                return True
        return False


def test_at_a_terminal_there_are_live_bars_in_colour(served: str):
    terminal = Terminal("launch", "count", "to=16", "interval=0.5", "--watch", "--url", served)
    assert terminal.end() == 0, terminal.said
    for words in ("━", "processing", "completed", "\x1b[?25h", "\x1b[38;5;"):
        assert words in terminal.said, terminal.said
    assert re.search(r"\b[1-9]\d? %", terminal.said), terminal.said


def test_no_color_takes_the_colours_and_leaves_the_bars(served: str):
    terminal = Terminal("launch", "count", "to=2", "interval=0.1", "-w", "--url", served, NO_COLOR="1")
    assert terminal.end() == 0
    assert "━" in terminal.said
    assert "\x1b[38;5;" not in terminal.said
    assert "\x1b[32m" not in terminal.said


def test_ctrl_c_at_a_terminal_leaves_the_task_and_gives_the_cursor_back(served: str):
    terminal = Terminal("launch", "count", "to=600", "--watch", "--url", served)
    terminal.until("processing")
    terminal.interrupt()
    assert terminal.end() == Exit.LEFT
    assert "The task goes on." in terminal.said
    assert "\x1b[?25h" in terminal.said
    assert "Traceback" not in terminal.said
    newest = httpx.get(f"{served}/api/v2/tasks", params={"type": "count", "limit": 1}).json()["items"][0]
    assert newest["status"] == "processing"
    httpx.delete(f"{served}/api/v2/tasks/{newest['id']}")


def test_a_reader_that_goes_ends_it_without_a_word(served: str):
    process = subprocess.Popen(
        [*COMMAND, "list", "--watch", "--json", "--url", served], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    httpx.post(f"{served}/api/v2/tasks", json={"type": "count", "params": {"to": 1, "interval": 0}})
    assert process.wait(PATIENCE) == Exit.NO_READER
    assert process.stderr.read() == b""
    process.stderr.close()


def test_the_client_brings_neither_django_nor_the_engine_nor_task_types():
    code = "import sys, tasks_app.terminal.main; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.split())
    assert {"tasks_app.terminal.main", "httpx"} <= loaded
    ours = {name for name in loaded if name.startswith("tasks_app.")}
    assert [name for name in ours if not name.startswith("tasks_app.terminal")] == []
    assert not loaded & {"django", "pydantic", "aiohttp", "uvicorn", "channels", "structlog"}


def test_a_watch_goes_on_over_a_server_that_is_killed_and_comes_back(tmp_path: Path):
    port = str(free_port())
    url = f"http://127.0.0.1:{port}"
    journal: dict[str, Any] = {"IOTASK_JOURNAL": str(tmp_path / "journal")}
    with started(tmp_path / "first", "manage.py", "serve", "-p", port, **journal) as first:
        assert first.url
        _answers(first, url)
        task = httpx.post(f"{url}/api/v2/tasks", json={"type": "ping", "params": {"address": "localhost", "port": 9, "count": 500}}).json()
        watch = subprocess.Popen(
            [*COMMAND, "watch", task["id"], "--patience", "600", "--url", url],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert watch.stdout
        assert watch.stderr
        assert f"#{task['number']}" in watch.stdout.readline()
        first.stop(signal.SIGKILL)
        assert "does not answer" in watch.stderr.readline()
    with started(tmp_path / "second", "manage.py", "serve", "-p", port, **journal) as second:
        _answers(second, url)
        assert "answers again" in watch.stderr.readline()
        httpx.post(f"{url}/api/v2/tasks/{task['id']}/cancel")
        assert watch.wait(PATIENCE) == Exit.STOPPED
        assert "interrupted" in (said := watch.stdout.read()) or "cancelled" in said
        second.stop()
    watch.stdout.close()
    watch.stderr.close()


def _answers(process: Started, url: str) -> None:
    def answers() -> bool:
        with suppress(httpx.TransportError):
            return httpx.get(f"{url}/healthz").status_code == 200
        return False

    process.wait_until(answers)
