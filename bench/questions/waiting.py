"""Tasks that wait: 100,000 of them asleep at once, and the list page meanwhile."""

from __future__ import annotations

import time
from pathlib import Path

from bench import places
from bench.api import api_of
from bench.figures import Found, at_most, told
from bench.looks import Cpu, look

TAKES = 60


def run(full: bool, folder: Path) -> list[Found]:
    """One server."""
    count, looks, seconds = (100_000, 500, 10) if full else (1_000, 10, 1)
    with places.iotask(folder) as server, api_of(server) as api:
        empty = look(server, "/", looks)
        before = server.sample().rss
        api.launch("sleeper", count)
        api.all_begun()
        memory = (server.sample().rss - before) / count
        cpu = Cpu(server.pid)
        time.sleep(seconds)
        idle = cpu.cores()
        took = look(server, "/", looks)
    return [
        at_most(f"memory of a waiting task, {count:,} of them", memory / 1024, 4, "KiB", 2),
        told("processors busy while all sleep", idle, "of one", 2),
        told("list page before, median", empty.median, "ms"),
        told("list page meanwhile, median", took.median, "ms"),
        told("list page meanwhile, p99", took.p99, "ms"),
    ]
