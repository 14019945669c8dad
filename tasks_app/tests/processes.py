"""Starts the real thing as a process of its own, and sees that it goes in order and leaves nobody behind."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[2]
FOLDERS = {"DOWNLOAD_DIR": "downloads", "FILES_DIR": "files", "LOG_DIR": "logs"}
PATIENCE = 120.0  # seconds; a test that needs them has failed already
OF_THE_MACHINE = ("process_stalled", "loop_blocked")  # lines of app.log that a machine which stands still for a while brings about
_READY = re.compile(r"IoTask is ready at http://localhost:(\d+)/")
_given: set[int] = set()


def free_port() -> int:
    """A port of this machine where nobody listens, and that the kernel gives to nobody who connects: so it can be taken again later.
    Each process that runs tests has ports of its own, and none is given twice. Drawn by the system: `random` begins anew, with the same
    numbers, in each test."""
    kept = Path("/proc/sys/net/ipv4/ip_local_port_range")
    lowest = int(kept.read_text().split()[0]) if kept.exists() else 32_768
    runners, mine = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")), int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    each = lowest // 2 // runners
    while True:
        port = lowest // 2 + mine * each + secrets.randbelow(each)
        with socket.socket() as found, suppress(OSError):
            found.bind(("127.0.0.1", port))
            if port not in _given:
                _given.add(port)
                return port


class Started:
    """A process of ours, what it said so far, and where it serves."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path) -> None:
        self.process = process
        self._output = output

    @property
    def said(self) -> str:
        """All it wrote so far, errors included."""
        return self._output.read_text("utf-8", "replace")

    @property
    def log(self) -> list[dict[str, Any]]:
        """The lines of its app.log so far."""
        path = self._output.parent / FOLDERS["LOG_DIR"] / "app.log"
        written, _, _ = path.read_text("utf-8").rpartition("\n")  # the last line may be on its way
        return [json.loads(line) for line in written.splitlines()]

    @property
    def events(self) -> list[str]:
        """What its app.log tells of the server and of tasks, in order."""
        return [line["event"] for line in self.log if line["event"].startswith(("server_", "task_"))]

    @property
    def url(self) -> str:
        """Where it serves, once it has said so; no slash at the end."""
        self.wait_until(lambda: bool(_READY.search(self.said)), 2 * PATIENCE)  # no other wait has so much work in it
        found = _READY.search(self.said)
        assert found, self.said
        return f"http://127.0.0.1:{found[1]}"

    def wait_until(self, holds: Callable[[], bool], seconds: float = PATIENCE) -> None:
        """Return as soon as it holds; fail when the process ends before, or time is up."""
        end = time.monotonic() + seconds
        while not holds():
            assert self.process.poll() is None, f"it ended with {self.process.returncode}:\n{self.said}"
            assert time.monotonic() < end, f"not within {seconds} s:\n{self.said}"
            time.sleep(0.02)

    def stop(self, number: signal.Signals = signal.SIGTERM, seconds: float = PATIENCE) -> int:
        """Send the signal, wait, and return the exit code. Fails when a child outlives it."""
        family = _family(self.process) if self.process.poll() is None else []
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(seconds)
        end = time.monotonic() + PATIENCE
        while (alive := [child for child in family if _lives(child)]) and time.monotonic() < end:
            time.sleep(0.02)
        assert not alive, f"left behind: {alive}"
        return code


@contextmanager
def started(output: Path, *command: str, **variables: str) -> Iterator[Started]:
    """Run `python <command>` in the project's folder; whatever is left of it at the end is killed."""
    with run(output, [sys.executable, *command], ROOT, variables) as found:
        yield found


@contextmanager
def run(output: Path, command: Sequence[str], cwd: Path, variables: Mapping[str, str]) -> Iterator[Started]:
    """The same for any program in any folder."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("IOTASK", "DJANGO", "PYTEST"))}
    folders = {name: str(output.parent / folder) for name, folder in FOLDERS.items()}
    environ = {**clean, "SECRET_KEY": "s" * 50, **folders, "PYTHONUNBUFFERED": "1", **variables}
    with output.open("wb") as file:
        process = subprocess.Popen(command, cwd=cwd, env=environ, stdout=file, stderr=file)
    try:
        yield Started(process, output)
    finally:
        for left in _family(process):
            left.kill()
        process.kill()
        process.wait()


def _lives(process: psutil.Process) -> bool:
    """Not one that has ended, and whose new parent has not looked yet how."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def until_gone(pid: int) -> None:
    """Return once nothing runs there; fail when something goes on to."""
    end = time.monotonic() + PATIENCE
    while psutil.pid_exists(pid):
        with suppress(psutil.NoSuchProcess):
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return
        assert time.monotonic() < end, f"{pid} runs on"
        time.sleep(0.02)


def _family(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
