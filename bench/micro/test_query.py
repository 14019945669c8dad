"""What pages ask of a store that holds a hundred thousand tasks."""

from __future__ import annotations

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.micro.conftest import MANY
from tasks_app.engine.query import Query, parse_query
from tasks_app.presenters import ledger
from tasks_app.runtime import Runtime

PAGE = 50
FILTERS = {
    "none": "",
    "status_and_type": "status:completed type:noop",
    "without_a_tag": "-tag:rare",
    "rare_tag": "tag:rare",
    "shows_none": "status:interrupted type:noop",
}


@pytest.mark.parametrize("name", FILTERS)
def test_a_page_with_a_filter(benchmark: BenchmarkFixture, filled: Runtime, name: str) -> None:
    query = parse_query(text=FILTERS[name])
    found = benchmark(filled.store.page, query, PAGE)
    assert len(found.items) == (0 if name == "shows_none" else PAGE)


def test_a_search_for_a_word_that_few_have(benchmark: BenchmarkFixture, filled: Runtime) -> None:
    assert benchmark(filled.store.page, parse_query(text="needle"), PAGE).items


def test_the_counters(benchmark: BenchmarkFixture, filled: Runtime) -> None:
    assert benchmark(ledger.counters, filled)["all"] == MANY


def test_a_page_far_down(benchmark: BenchmarkFixture, filled: Runtime) -> None:
    assert len(benchmark(filled.store.page, Query(cursor=MANY // 2), PAGE).items) == PAGE
