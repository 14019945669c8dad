"""Ten thousand tasks in one `POST /api/v2/tasks/bulk`, again and again, beside the barest ASGI function that makes a record of each task of
the same body. Once with the type paused, so that accepting alone is counted, and once while the tasks are run as they come."""

from __future__ import annotations

import json
import time
from functools import partial
from pathlib import Path

import httpx

from bench import places
from bench.api import BULK, Api, api_of
from bench.rounds import OURS, Race, alternate

TAKES = 60
BARE = "bare ASGI function"
BODY = json.dumps({"tasks": [{"type": "noop", "params": {}}] * BULK})
JSON = {"Content-Type": "application/json"}


def run(full: bool, folder: Path) -> list[Race]:
    """Five calls a round."""
    rounds, calls = (5, 5) if full else (1, 1)
    with places.iotask(folder / "ours") as server, places.on_uvicorn(folder / "bare", "bare") as bare, api_of(server) as api:
        ours, peer = f"{server.url}/api/v2/tasks/bulk", {BARE: partial(_accepted, f"{bare}/tasks", calls)}
        paused = alternate({OURS: partial(_waiting, api, ours, calls), **peer}, rounds)
        running = alternate({OURS: partial(_running, api, ours, calls), **peer}, rounds)
    return [
        Race("tasks accepted in bulk", "a second", paused, least=50_000),
        Race("tasks accepted in bulk while they run", "a second", running),
    ]


def _waiting(api: Api, url: str, calls: int) -> float:
    api.pause("noop", paused=True)
    found = _accepted(url, calls)
    api.pause("noop", paused=False)
    api.none_left()
    return found


def _running(api: Api, url: str, calls: int) -> float:
    found = _accepted(url, calls)
    api.none_left()
    return found


def _accepted(url: str, calls: int) -> float:
    with httpx.Client(timeout=120) as client:
        client.get(url)  # connects
        began = time.perf_counter()
        for _ in range(calls):
            client.post(url, content=BODY, headers=JSON).raise_for_status()
        return calls * BULK / (time.perf_counter() - began)
