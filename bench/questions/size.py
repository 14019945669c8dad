"""A million finished tasks that are kept: the memory of one, and how long the list, filters, a search and the counters take among them, as
one client sees it on loopback; what it costs that each new one makes an old one leave; and the start with as many in a journal."""

from __future__ import annotations

import time
from pathlib import Path

from bench import places
from bench.api import Api, api_of
from bench.figures import Found, at_most, told
from bench.looks import look

TAKES = 280
STEP = 50_000  # launched at a time
LONGEST_START = 300.0  # seconds
LOOKS = {
    "list page": ("/", 5.0),
    "filtered page": ("/?q=status:completed+type:noop+-tag:no", 20.0),
    "filtered page that shows none": ("/?q=status:failed+type:noop", 20.0),
    "page of a search for a word that nothing has": ("/?q=nowhere", None),
    "the same through the API": ("/api/v2/tasks?q=nowhere&limit=50", None),
    "list through the API": ("/api/v2/tasks?limit=50", None),
    "counters through the API": ("/api/v2/stats", None),
}


def run(full: bool, folder: Path) -> list[Found]:
    """Two servers, one after the other: without a journal, and with one."""
    count, looks = (1_000_000, 200) if full else (5_000, 10)
    variables = {"IOTASK_KEEP_FINISHED": str(count), "IOTASK_KEEP_MB": "8000"}
    return [*_held(count, looks, folder / "held", variables), *_recovered(count, folder / "journal", variables)]


def _held(count: int, looks: int, folder: Path, variables: dict[str, str]) -> list[Found]:
    with places.iotask(folder, **variables) as server, api_of(server) as api:
        look(server, "/", 5)
        before = server.sample().rss
        filling = _ended(api, count)
        memory = (server.sample().rss - before) / count
        found = [at_most(f"memory of a finished task, {count:,} of them", memory, 700, "bytes", 0)]
        for name, (path, bound) in LOOKS.items():
            took = look(server, path, looks)
            found.append(
                told(f"{name}, median", took.median, "ms") if bound is None else at_most(f"{name}, median", took.median, bound, "ms")
            )
            found.append(told(f"{name}, p99", took.p99, "ms"))
        return [
            *found,
            told("tasks a second while they fill it", filling, "", 0),
            told("tasks a second at the limit, where an old one leaves for each", _ended(api, count // 10), "", 0),
        ]


def _recovered(count: int, folder: Path, variables: dict[str, str]) -> list[Found]:
    variables = {**variables, "IOTASK_JOURNAL": str(folder / "journal.db")}
    with places.iotask(folder, **variables) as server, api_of(server) as api:
        filling = _ended(api, count)
    began = time.perf_counter()
    with places.iotask(folder, LONGEST_START, **variables) as server, api_of(server) as api:
        took, there = time.perf_counter() - began, api.total()
    return [
        told("tasks a second while they fill a journal", filling, "", 0),
        told("tasks that are there after a start with it", there, f"of {count:,}", 0),
        told("that start, until it answers", took, "s"),
    ]


def _ended(api: Api, count: int) -> float:
    """Launch so many and wait for their end; tasks a second."""
    began = time.perf_counter()
    for begin in range(0, count, STEP):
        api.launch("noop", min(STEP, count - begin))
        api.none_left()
    return count / (time.perf_counter() - began)
