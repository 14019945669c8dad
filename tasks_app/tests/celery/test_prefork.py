"""A worker with the pool prefork: one attempt in each process, which can be ended by force, and whose end is not the attempt's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks_app.engine.task import OutcomeKind
from tasks_app.executors.celery import CeleryExecutor
from tasks_app.tests import scripted
from tasks_app.tests.celery import site
from tasks_app.tests.executors.contract import Attempt, came_true, lines

pytestmark = [pytest.mark.files_stay("links are made anew as they are needed"), pytest.mark.real_time, pytest.mark.usefixtures("worker")]
TYPES = pytest.mark.parametrize("task_type", [scripted.scripted, scripted.scripted_thread, scripted.scripted_process], ids=lambda t: t.name)


@pytest.fixture(scope="module")
def worker(broker: site.Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[site.Worker]:
    """Two processes."""
    with site.worker(broker.url, tmp_path_factory.mktemp("worker"), "prefork", "prefork", 2) as made:
        yield made


@TYPES
async def test_each_kind_of_handler_runs_and_says_what_it_has_to_say(executor: CeleryExecutor, task_type) -> None:
    attempt = Attempt(executor, task_type, {"mode": "talks"})
    assert (await attempt.end()).kind is OutcomeKind.COMPLETED
    assert attempt.reports[-1] == (1, 2, "half")
    assert attempt.trail.series["speed"].last == 3.5


@TYPES
async def test_a_stop_reaches_each_kind_of_handler_and_its_finally_runs(executor: CeleryExecutor, task_type, tmp_path: Path) -> None:
    attempt = Attempt(executor, task_type, {"mode": "hang", "path": str(tmp_path / "log")})
    assert await came_true(lambda: lines(tmp_path / "log") == ["began"])
    attempt.stop()
    assert (await attempt.end()).kind is OutcomeKind.CANCELLED
    assert await came_true(lambda: lines(tmp_path / "log") == ["began", "ended"])


@TYPES
async def test_one_that_does_not_stop_is_ended_by_force_and_the_next_one_runs(executor: CeleryExecutor, task_type, tmp_path: Path) -> None:
    attempt = Attempt(executor, task_type, {"mode": "stubborn", "path": str(tmp_path / "log")})
    assert await came_true(lambda: lines(tmp_path / "log") == ["began"])
    assert await came_true(lambda: bool(executor._calls[f"{attempt.id}.1"].run))
    attempt.stop()
    assert attempt.run.kill() is True
    assert await came_true(lambda: not attempt.run.alive)
    assert (await Attempt(executor, task_type, {}).end()).kind is OutcomeKind.COMPLETED


async def test_an_attempt_whose_process_is_killed_is_sent_again(executor: CeleryExecutor, worker: site.Worker, tmp_path: Path) -> None:
    log = tmp_path / "log"
    attempt = Attempt(executor, scripted.scripted, {"mode": "slow_progress", "times": 20, "seconds": 0.3, "path": str(log)})
    assert await came_true(lambda: lines(log) == ["began"])
    pid = int(log.read_text().split()[-1])
    next(child for child in worker.children() if child.pid == pid).kill()
    assert (await attempt.end()).kind is OutcomeKind.COMPLETED
    assert lines(log) == ["began", "began", "ended"]
    assert "sent again" in attempt.trail.lines()[0].text


async def test_one_that_kills_its_process_each_time_fails_after_three(executor: CeleryExecutor, tmp_path: Path) -> None:
    attempt = Attempt(executor, scripted.scripted, {"mode": "dies", "path": str(tmp_path / "log")})
    outcome = await attempt.end()
    assert outcome.error is not None
    assert (outcome.kind, outcome.error.type, outcome.retry) == (OutcomeKind.FAILED, "Poison", False)
    assert lines(tmp_path / "log").count("began") == 3
