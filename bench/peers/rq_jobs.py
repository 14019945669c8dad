"""RQ with a Valkey: the same job, by its fastest worker, which makes no process for each. `python -m bench.peers.rq_jobs BROKER COUNT`
says how many a second."""

from __future__ import annotations

import sys
import time

from redis import Redis
from rq import Queue, SimpleWorker
from rq.timeouts import TimerDeathPenalty


class Worker(SimpleWorker):
    """Bounds a job's time by a timer, as a signal is the main thread's alone."""

    death_penalty_class = TimerDeathPenalty


def noop() -> None:
    """The job."""


def rate(broker: str, count: int) -> float:
    """Tasks a second, from the first `enqueue()` to the last end. RQ keeps a record of each in the Valkey until then."""
    connection = Redis.from_url(broker)
    queue = Queue("bench", connection=connection)
    began = time.perf_counter()
    for _ in range(count):
        queue.enqueue("bench.peers.rq_jobs.noop", result_ttl=0)
    Worker([queue], connection=connection).work(burst=True, logging_level="ERROR")
    return count / (time.perf_counter() - began)


if __name__ == "__main__":
    print(rate(sys.argv[1], int(sys.argv[2])))
