"""A server and a worker far from their broker: over a slow, a thin and a torn line nothing that was accepted is lost or settles twice."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks_app.engine.task import OutcomeKind
from tasks_app.executors.celery import CeleryExecutor
from tasks_app.tests import scripted
from tasks_app.tests.celery import site
from tasks_app.tests.celery.line import Line, line
from tasks_app.tests.executors.contract import Attempt, came_true, lines

pytestmark = [pytest.mark.files_stay("links are made anew as they are needed"), pytest.mark.real_time]


@pytest.fixture(scope="module")
def bad(broker: site.Broker) -> Iterator[Line]:
    """The line that both are on."""
    with line(broker.port) as made:
        yield made


@pytest.fixture(scope="module")
def executor(bad: Line) -> Iterator[CeleryExecutor]:
    """At one end of it."""
    with site.executor(f"redis://127.0.0.1:{bad.port}/0") as made:
        yield made


@pytest.fixture(scope="module", autouse=True)
def worker(bad: Line, tmp_path_factory: pytest.TempPathFactory) -> Iterator[site.Worker]:
    """At the other."""
    with site.worker(f"redis://127.0.0.1:{bad.port}/0", tmp_path_factory.mktemp("worker"), "far") as made:
        yield made


@pytest.fixture(autouse=True)
def good_again(bad: Line) -> Iterator[None]:
    """The next test begins with a good one."""
    yield
    bad.delay, bad.rate, bad.loss = 0.0, 0, 0.0


def _launched(executor: CeleryExecutor, log: Path, count: int = 10) -> list[Attempt]:
    params = {"mode": "slow_progress", "times": 10, "seconds": 0.2, "path": str(log)}
    return [Attempt(executor, scripted.scripted, params, number) for number in range(count)]


async def _all_ended_once(attempts: list[Attempt]) -> None:
    for attempt in attempts:
        await attempt.settled.wait()
    await asyncio.sleep(0.5)  # a second end would come about now
    assert [[outcome.kind for outcome in attempt.outcomes] for attempt in attempts] == [[OutcomeKind.COMPLETED]] * len(attempts)


async def test_over_a_line_of_half_a_second_all_end_once_and_their_progress_arrives(executor: CeleryExecutor, bad: Line, tmp_path: Path):
    bad.delay = 0.25
    attempts = _launched(executor, tmp_path / "log", 4)
    await _all_ended_once(attempts)
    assert {attempt.reports[-1][:2] for attempt in attempts} == {(10, 10)}
    assert lines(tmp_path / "log").count("began") == len(attempts)


async def test_over_a_line_of_ten_kilobytes_a_second_all_end_once(executor: CeleryExecutor, bad: Line, tmp_path: Path):
    bad.rate = 10_000
    await _all_ended_once(_launched(executor, tmp_path / "log"))


async def test_over_a_line_that_breaks_again_and_again_all_end_once(executor: CeleryExecutor, bad: Line, tmp_path: Path):
    attempts = _launched(executor, tmp_path / "log")
    for count in (1, 5, 10):
        await came_true(lambda count=count: len(lines(tmp_path / "log")) >= count)  # type: ignore[misc]
        bad.reset()
    await _all_ended_once(attempts)
    assert await came_true(lambda: not executor.trouble)


async def test_over_a_line_that_loses_one_piece_in_twenty_all_end_once(executor: CeleryExecutor, bad: Line, tmp_path: Path):
    bad.loss = 0.05
    await _all_ended_once(_launched(executor, tmp_path / "log"))


async def test_over_a_line_that_is_closed_by_half_all_end_once(executor: CeleryExecutor, bad: Line, tmp_path: Path):
    attempts = _launched(executor, tmp_path / "log")
    await came_true(lambda: len(lines(tmp_path / "log")) >= 5)
    bad.close_by_half()
    await _all_ended_once(attempts)
    assert await came_true(lambda: not executor.trouble)


async def test_connections_that_a_router_has_forgotten_are_given_up_and_all_end_once(executor: CeleryExecutor, bad: Line, tmp_path: Path):
    attempts = _launched(executor, tmp_path / "log")
    await came_true(lambda: len(lines(tmp_path / "log")) >= 5)
    bad.forget()
    await _all_ended_once(attempts)
    assert await came_true(lambda: not executor.trouble)
