"""The end of a task: its record is swapped, and everybody who counts hears of it."""

from __future__ import annotations

from typing import Any

from pytest_benchmark.fixture import BenchmarkFixture

from bench.alone import done
from bench.micro.conftest import began, ended, requests
from tasks_app.engine.task import Status
from tasks_app.runtime import Runtime

COUNT = 1_000


def test_settling_a_thousand_tasks_one_by_one(benchmark: BenchmarkFixture, runtime: Runtime) -> None:
    def fresh() -> tuple[Any, dict[str, Any]]:
        tasks = runtime.engine.submit_many(requests(COUNT))
        began(runtime, tasks)
        return (runtime, tasks), {}

    benchmark.pedantic(ended, setup=fresh, rounds=20, warmup_rounds=1)
    assert runtime.store.counts[Status.COMPLETED] == 21 * COUNT


def test_running_a_thousand_tasks_that_do_nothing(benchmark: BenchmarkFixture, running: Runtime) -> None:
    benchmark.pedantic(done, (running, COUNT), rounds=20, warmup_rounds=1)
    assert running.engine.stats.totals["noop", "completed"] == 21 * COUNT
