"""Records what real workers tell of real tasks, progress included, as Celery events in JSON lines."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from bench.broker import valkey
from tasks_app.cluster.receiver import Receiver
from tasks_app.executors.cluster_app import app_of
from tasks_app.tests.processes import started

TASKS, STEPS, INTERVAL = 20, 20, 0.25
WAIT = 90.0
EVENTS = Path(__file__).with_name("events.jsonl")
SERVE = ("manage.py", "serve", "-p", "0")
ROOT = Path(__file__).resolve().parents[1]


def record() -> int:
    """Run a server and a worker, launch counting tasks, and keep every event on a task; how many there are."""
    with tempfile.TemporaryDirectory(prefix="scaling-") as folder, valkey(Path(folder)) as url:
        told = _recorded(url, Path(folder))
    EVENTS.write_text("".join(json.dumps(event) + "\n" for event in told), "utf-8")
    return len(told)


def _recorded(url: str, folder: Path) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []
    receiver = Receiver(app_of(url), told.append)
    receiver.start()
    worker = ("-m", "celery", "-A", "iotask_site", "worker", "--pool", "threads", "-c", "20", "-n", "one@here")
    try:
        with (
            started(folder / "worker", *worker, IOTASK_EXECUTOR="celery", IOTASK_BROKER_URL=url),
            started(folder / "output", *SERVE, IOTASK_EXECUTOR="celery", IOTASK_BROKER_URL=url) as server,
        ):
            _launch(server.url)
            _until(lambda: sum(event["type"] == "task-settled" for event in told) >= TASKS)
    finally:
        receiver.stop()
        receiver.join(5)
    return [event for event in told if event["type"].startswith("task-")]


def _launch(url: str) -> None:
    def answers() -> bool:
        try:
            return httpx.get(f"{url}/healthz").status_code == 200
        except httpx.TransportError:
            return False

    _until(answers)
    many = [{"type": "count", "params": {"to": STEPS, "interval": INTERVAL}} for _ in range(TASKS)]
    httpx.post(f"{url}/api/v2/tasks/bulk", json={"tasks": many}).raise_for_status()


def _until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT
    while not holds():
        if time.monotonic() > end:
            raise RuntimeError("It did not come to hold.")
        time.sleep(0.1)
