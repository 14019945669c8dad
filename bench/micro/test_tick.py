"""A tick of the live list with fifty rows in sight."""

from __future__ import annotations

import itertools
from typing import Any

from pytest_benchmark.fixture import BenchmarkFixture

from bench.micro.conftest import began, moved, requests
from tasks_app.engine.query import Query
from tasks_app.live.window import Seen, Tick
from tasks_app.live.windows import PAGE, ListWindow
from tasks_app.runtime import Runtime


class Watched:
    """A window on so many tasks that run, and the ticks it is given."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.tasks = runtime.engine.submit_many(requests(PAGE))
        began(runtime, self.tasks)
        self.window = ListWindow(runtime, Query())
        self._ticks = itertools.count(1)

    def next(self, dirty: frozenset[int]) -> tuple[Any, dict[str, Any]]:
        """What the next tick is to find."""
        seen = Seen(self.window.version, self.window.stamp, self.window.order)
        return (Tick(next(self._ticks), self.runtime.store.version, dirty, False, ""), seen), {}

    def tick(self, tick: Tick, seen: Seen) -> str:
        """Take it in, and make the frame for whoever saw the one before."""
        self.window.tick(tick)
        return self.window.delta(seen)


def test_a_tick_in_which_all_rows_changed(benchmark: BenchmarkFixture, runtime: Runtime) -> None:
    watched = Watched(runtime)
    steps = itertools.count(1)

    def all_moved() -> tuple[Any, dict[str, Any]]:
        moved(runtime, watched.tasks, float(next(steps)))
        return watched.next(watched.window.numbers)

    frame = benchmark.pedantic(watched.tick, setup=all_moved, rounds=200, warmup_rounds=5)
    assert all(task.id in frame for task in watched.tasks)


def test_a_tick_in_which_nothing_changed(benchmark: BenchmarkFixture, runtime: Runtime) -> None:
    watched = Watched(runtime)
    benchmark.pedantic(watched.tick, setup=lambda: watched.next(frozenset()), rounds=200, warmup_rounds=5)
    assert watched.window.stamp == 0


def test_a_snapshot_for_who_comes(benchmark: BenchmarkFixture, runtime: Runtime) -> None:
    watched = Watched(runtime)

    def snapshot() -> str:
        watched.window.tick(watched.next(frozenset())[0][0])  # a window gives the same text until the next tick
        return watched.window.snapshot()

    assert benchmark(snapshot).count("data-slot") >= PAGE
