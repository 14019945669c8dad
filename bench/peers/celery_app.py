"""Celery with a Valkey, which CELERY_BROKER_URL names: the same job, its result ignored as Celery's documentation advises.

`python -m bench.peers.celery_app DO …` says how often a second something was done: `delays SECONDS`, `looks SECONDS`, `jobs QUEUE COUNT`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from celery import Celery

app = Celery("bench")
app.conf.update(task_ignore_result=True, worker_prefetch_multiplier=128, broker_connection_retry_on_startup=True)


@app.task(name="noop")
def noop() -> None:
    """The job."""


def delays(seconds: float) -> float:
    """Calls of `delay()`, one after the other."""
    noop.delay()  # connects
    return _again_and_again(noop.delay, seconds)


def looks(seconds: float) -> float:
    """Looks at the status of one task that has ended, each for the first time: a result object remembers what it has seen."""
    app.backend.store_result("a-task", None, "SUCCESS")
    return _again_and_again(lambda: app.AsyncResult("a-task").status, seconds)


def jobs(queue: str, count: int) -> float:
    """Tasks from the first `apply_async()` to the last end, by the worker that serves a queue of its own name. What it has done it is asked
    seldom, as asking costs it time."""
    before = _done(queue)
    began = time.perf_counter()
    for _ in range(count):
        noop.apply_async(queue=queue)
    while _done(queue) - before < count:
        time.sleep(0.05)
    return count / (time.perf_counter() - began)


def _again_and_again(act: Callable[[], object], seconds: float) -> float:
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        act()
        count += 1
    return count / (time.perf_counter() - began)


def _done(queue: str) -> int:
    """How many tasks its worker has done; waits until there is one."""
    worker = f"{queue}@bench"
    while not (found := app.control.inspect([worker], timeout=5.0, limit=1).stats()):
        time.sleep(0.1)
    return int(sum(found[worker]["total"].values()))


if __name__ == "__main__":
    done = {"delays": lambda: delays(float(sys.argv[2])), "looks": lambda: looks(float(sys.argv[2]))}
    print(done[sys.argv[1]]() if sys.argv[1] in done else jobs(sys.argv[2], int(sys.argv[3])))
