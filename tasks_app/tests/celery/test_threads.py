"""A worker with the pool threads keeps the contract of every executor: coroutines on one loop, functions in threads."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from tasks_app.engine.task import OutcomeKind
from tasks_app.executors import wire
from tasks_app.executors.celery import CeleryExecutor
from tasks_app.tests import scripted
from tasks_app.tests.celery import site
from tasks_app.tests.executors.contract import Attempt, ExecutorContract, came_true, lines

pytestmark = [pytest.mark.files_stay("links are made anew as they are needed"), pytest.mark.real_time, pytest.mark.usefixtures("worker")]


@pytest.fixture(scope="module")
def worker(broker: site.Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[site.Worker]:
    """One process."""
    with site.worker(broker.url, tmp_path_factory.mktemp("worker"), "threads", "threads", 100) as made:
        yield made


class TestCoroutines(ExecutorContract):
    task_type = scripted.scripted

    async def test_kill_says_honestly_whether_it_is_gone(self, executor: CeleryExecutor, tmp_path: Path) -> None:  # type: ignore[override]
        attempt = Attempt(executor, self.task_type, {"mode": "stubborn", "path": str(tmp_path / "log")})
        assert await came_true(lambda: lines(tmp_path / "log") == ["began"])
        assert await came_true(lambda: executor._calls[f"{attempt.id}.1"].force == "threads")
        attempt.stop()
        assert attempt.run.kill() is False
        assert attempt.run.alive


async def test_a_hundred_coroutines_run_at_once_in_one_process(executor: CeleryExecutor, tmp_path: Path) -> None:
    log = tmp_path / "log"
    attempts = [Attempt(executor, scripted.scripted, {"mode": "hang", "path": str(log)}, number) for number in range(60)]
    assert await came_true(lambda: len(lines(log)) == 60)
    assert len({line.split()[-1] for line in log.read_text().splitlines()}) == 1
    for attempt in attempts:
        attempt.stop()
    assert {(await attempt.end()).kind for attempt in attempts} == {OutcomeKind.CANCELLED}


async def test_a_function_runs_in_a_thread_and_sees_that_it_is_to_stop(executor: CeleryExecutor, tmp_path: Path) -> None:
    attempt = Attempt(executor, scripted.scripted_thread, {"mode": "hang", "path": str(tmp_path / "log")})
    assert await came_true(lambda: lines(tmp_path / "log") == ["began"])
    attempt.stop()
    assert (await attempt.end()).kind is OutcomeKind.CANCELLED
    assert await came_true(lambda: lines(tmp_path / "log") == ["began", "ended"])


async def test_a_cpu_bound_function_runs_in_a_process_of_its_own(executor: CeleryExecutor, worker: site.Worker, tmp_path: Path) -> None:
    outcome = await Attempt(executor, scripted.scripted_process, {"path": str(tmp_path / "log")}).end()
    assert outcome.kind is OutcomeKind.COMPLETED
    assert {line.split()[-1] for line in (tmp_path / "log").read_text().splitlines()} != {str(worker.process.pid)}


async def test_a_message_that_is_delivered_twice_runs_once_and_settles_once(executor: CeleryExecutor, tmp_path: Path) -> None:
    log = tmp_path / "log"
    attempt = Attempt(executor, scripted.scripted, {"mode": "slow_progress", "times": 5, "seconds": 0.2, "path": str(log)})
    call = executor._calls[f"{attempt.id}.1"]
    executor.outbox.put("", lambda link: link.send(call.id, call._order))
    assert (await attempt.end()).kind is OutcomeKind.COMPLETED
    executor.outbox.put("", lambda link: link.send(call.id, call._order))
    await asyncio.sleep(1)
    assert lines(log) == ["began", "ended"]
    assert len(attempt.outcomes) == 1


async def test_a_type_that_no_worker_knows_fails_and_says_so(executor: CeleryExecutor) -> None:
    outcome = await Attempt(executor, replace(scripted.scripted, name="unheard_of"), {}).end()
    assert outcome.error is not None
    assert (outcome.kind, outcome.error.type) == (OutcomeKind.FAILED, "UnknownType")


async def test_a_secret_reaches_the_handler_and_no_event(executor: CeleryExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []
    feed = executor.feed

    def overheard(event: dict[str, object]) -> bool:
        heard.append(repr(event))
        return feed(event)

    monkeypatch.setattr(executor, "feed", overheard)
    outcome = await Attempt(executor, scripted.scripted, {"password": "hunter2-and-more"}).end()
    assert outcome.result == b'{"attempt":1,"password":16}'
    assert [event for event in heard if wire.SETTLED in event]
    assert not [event for event in heard if "hunter2" in event]
