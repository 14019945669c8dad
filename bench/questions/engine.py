"""No-op tasks from submit to their end, a second: IoTask's engine without a server, its store and its figures included, beside Celery
(prefork with 2 processes, and 10 threads) and RQ on a Valkey, Huey in memory with 10 threads, and `asyncio.create_task` in a loop that
keeps nothing, which nothing in Python can pass. IoTask takes them in one call, as a bulk launch does, or one by one, as all the others do.
Whoever submits is a process of its own; logs are off everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from bench import places
from bench.broker import valkey
from bench.rounds import OURS, Race, alternate
from tasks_app.tests.processes import started

TAKES = 150
EACH_BY_ITSELF = "IoTask, one by one"
PREFORK, THREADS, RQ, HUEY, LOOP = "Celery, prefork 2", "Celery, 10 threads", "RQ", "Huey in memory, 10 threads", "asyncio.create_task"
# what keeps each busy for a second or two
COUNTS = {OURS: 40_000, EACH_BY_ITSELF: 20_000, LOOP: 200_000, PREFORK: 1_500, THREADS: 1_500, RQ: 500, HUEY: 5_000}


def run(full: bool, folder: Path) -> list[Race]:
    """Each contestant does as many as keep it busy for a second or two."""
    rounds, share = (5, 1) if full else (1, 20)
    counts = {name: count // share for name, count in COUNTS.items()}
    with valkey(folder) as broker, _worker(folder, broker, "prefork", 2), _worker(folder, broker, "threads", 10):
        run_apart = partial(places.apart, folder)
        celery = partial(run_apart, "bench.peers.celery_app", "jobs", variables={"CELERY_BROKER_URL": broker})
        contestants = {
            OURS: partial(run_apart, "bench.alone", counts[OURS], "many"),
            EACH_BY_ITSELF: partial(run_apart, "bench.alone", counts[EACH_BY_ITSELF], "each"),
            LOOP: partial(run_apart, "bench.peers.loop", counts[LOOP]),
            PREFORK: partial(celery, "prefork", counts[PREFORK]),
            THREADS: partial(celery, "threads", counts[THREADS]),
            RQ: partial(run_apart, "bench.peers.rq_jobs", broker, counts[RQ]),
            HUEY: partial(run_apart, "bench.peers.huey_app", counts[HUEY]),
        }
        found = alternate(contestants, rounds)
    return [Race("no-op tasks from submit to completed", "a second", found, {PREFORK: 50.0}, least=25_000)]


@contextmanager
def _worker(folder: Path, broker: str, pool: str, concurrency: int) -> Iterator[None]:
    """A Celery worker that serves a queue of its pool's name."""
    options = ("-P", pool, "-c", str(concurrency), "-Q", pool, "-n", f"{pool}@bench", "-l", "WARNING")
    without = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    command = ("-m", "celery", "-A", "bench.peers.celery_app", "worker", *options, *without)
    with started(folder / f"{pool}.txt", *command, CELERY_BROKER_URL=broker):
        yield
