"""A launch, from what was asked to a record in the store."""

from __future__ import annotations

from pytest_benchmark.fixture import BenchmarkFixture

from bench.micro.conftest import requests
from tasks_app.engine.launch import parse_launch
from tasks_app.runtime import Runtime


def test_submitting_a_task(benchmark: BenchmarkFixture, runtime: Runtime) -> None:
    (asked,) = requests(1)
    assert benchmark.pedantic(runtime.engine.submit, (asked,), rounds=50, iterations=200, warmup_rounds=2).number


def test_reading_what_is_asked(benchmark: BenchmarkFixture) -> None:
    assert benchmark(parse_launch, {"type": "noop", "params": {}}).type == "noop"


def test_submitting_a_thousand_tasks_at_once(benchmark: BenchmarkFixture, runtime: Runtime) -> None:
    asked = requests(1_000)
    assert len(benchmark.pedantic(runtime.engine.submit_many, (asked,), rounds=20, warmup_rounds=1)) == 1_000
