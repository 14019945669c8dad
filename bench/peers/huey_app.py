"""Huey, all in memory: the same job on ten threads of its consumer. `python -m bench.peers.huey_app COUNT` says how many a second."""

from __future__ import annotations

import sys
import time

from huey import MemoryHuey
from huey.consumer import Consumer

THREADS = 10
huey = MemoryHuey("bench", results=False)
_ended: list[None] = []


@huey.task()
def noop() -> None:
    """The job."""


@huey.signal("complete")
def ended(*_: object) -> None:
    """One was done."""
    _ended.append(None)


def rate(count: int) -> float:
    """Tasks a second, from the first call to the last end."""
    consumer = Consumer(huey, workers=THREADS, worker_type="thread", initial_delay=0.001, backoff=1.0, max_delay=0.001, periodic=False)
    consumer.start()
    began = time.perf_counter()
    for _ in range(count):
        noop()
    while len(_ended) < count:
        time.sleep(0.002)
    took = time.perf_counter() - began
    consumer.stop(graceful=True)
    return count / took


if __name__ == "__main__":
    print(rate(int(sys.argv[1])))
