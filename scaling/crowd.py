"""A recording as many workers would have made it: tasks with ids of their own, spread over names, with heartbeats between."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from scaling.record import EVENTS
from tasks_app.cluster.ours import call_of

BEAT = 2.0  # seconds between two heartbeats of a worker
Event = dict[str, Any]


def lives() -> list[list[Event]]:
    """What was told of each recorded task, in order."""
    found: dict[str, list[Event]] = {}
    for line in EVENTS.read_text("utf-8").splitlines():
        event = json.loads(line)
        found.setdefault(event["uuid"], []).append(event)
    return [events for events in found.values() if events[-1]["type"] in ("task-settled", "task-succeeded")]


def events(workers: int, at_once: int) -> Iterator[Event]:
    """Without end: so many tasks are under way at once, each as one that was recorded; a task that ends makes room for the next."""
    recorded = itertools.cycle(lives())
    names = itertools.cycle([f"worker-{number}@simulated" for number in range(workers)])
    running = [_renamed(next(recorded), next(names)) for _ in range(at_once)]
    for number, life in enumerate(running):  # they do not all begin in one moment
        running[number] = itertools.islice(life, 0, None)
    while True:
        for number, life in enumerate(running):
            event = next(life, None)
            if event is None:
                running[number] = _renamed(next(recorded), next(names))
                event = next(running[number])
            yield event


def beats(workers: int) -> Iterator[Event]:
    """A heartbeat of each worker in turn, without end."""
    for number in itertools.count():
        yield {
            "type": "worker-heartbeat",
            "hostname": f"worker-{number % workers}@simulated",
            "timestamp": time.time(),
            "freq": BEAT,
            "active": 1,
            "processed": number,
            "loadavg": [0.5, 0.5, 0.5],
            "sw_ident": "py-celery",
            "sw_ver": "5.7.0",
            "sw_sys": "Linux",
            "pid": 1,
            "clock": number,
            "utcoffset": 0,
        }


def _renamed(life: list[Event], worker: str) -> Iterator[Event]:
    task_id = str(uuid4())
    for event in life:
        call = call_of(event["uuid"])
        renamed = {**event, "uuid": f"{task_id}.{call[1]}" if call else task_id, "hostname": worker, "timestamp": time.time()}
        own = renamed.get("iotask")
        if isinstance(own, dict) and "record" in own:
            renamed["iotask"] = {**own, "record": {**own["record"], "task_id": task_id, "created_at": time.time()}}
        yield renamed
