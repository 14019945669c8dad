"""Workers that are killed and brokers that are away, hang, or come back empty: nothing that was accepted is lost, and no page waits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks_app.engine.task import OutcomeKind, Status, Task
from tasks_app.executors import wire
from tasks_app.executors.celery import CeleryExecutor
from tasks_app.tests import scripted
from tasks_app.tests.celery import site
from tasks_app.tests.executors.contract import Attempt, came_true, lines

pytestmark = [pytest.mark.files_stay("links are made anew as they are needed"), pytest.mark.real_time]


@pytest.fixture
def worker(broker: site.Broker, tmp_path: Path) -> Iterator[site.Worker]:
    """One for each test: some kill it."""
    with site.worker(broker.url, tmp_path, f"faults{time.monotonic_ns()}") as made:
        yield made


def _steps(path: Path, times: int = 10) -> dict[str, object]:
    return {"mode": "slow_progress", "times": times, "seconds": 0.2, "path": str(path)}


async def test_what_a_killed_worker_ran_is_run_by_another(
    executor: CeleryExecutor, worker: site.Worker, broker: site.Broker, tmp_path: Path
):
    log = tmp_path / "log"
    attempts = [Attempt(executor, scripted.scripted, _steps(log), number) for number in range(5)]
    assert await came_true(lambda: lines(log).count("began") == 5)
    worker.kill()
    over = lines(log).count("ended")  # none, unless this machine stood still
    with site.worker(broker.url, tmp_path, "second"):
        for attempt in attempts:
            await attempt.settled.wait()
    assert {attempt.outcomes[0].kind for attempt in attempts} == {OutcomeKind.COMPLETED}
    assert [len(attempt.outcomes) for attempt in attempts] == [1] * 5
    assert 10 - over <= lines(log).count("began") <= 10, "one that was about to tell that it had ended is run again"


async def test_nobody_waits_for_a_broker_that_hangs(executor: CeleryExecutor, worker: site.Worker, broker: site.Broker, tmp_path: Path):
    running = Attempt(executor, scripted.scripted, _steps(tmp_path / "log"))
    assert await came_true(lambda: "began" in lines(tmp_path / "log"))
    broker.hang()
    try:
        asked = Attempt(executor, scripted.scripted, {}, 2)
        taken_back = Attempt(executor, scripted.scripted, {}, 3)
        taken_back.stop()
        assert await came_true(lambda: "cannot be reached" in executor.trouble)
        assert (await taken_back.end()).kind is OutcomeKind.CANCELLED
    finally:
        broker.go_on()
    for attempt in (asked, running):
        await attempt.settled.wait()
    assert [attempt.outcomes[0].kind for attempt in (asked, running)] == [OutcomeKind.COMPLETED] * 2
    assert await came_true(lambda: not executor.trouble)


async def test_what_an_emptied_broker_lost_is_sent_again(executor: CeleryExecutor, broker: site.Broker, tmp_path: Path):
    attempts = [Attempt(executor, scripted.scripted, {"path": str(tmp_path / "log")}, number) for number in range(5)]
    assert await came_true(lambda: broker.client.llen(wire.QUEUE) == 5)
    broker.kill()
    broker.start()
    with site.worker(broker.url, tmp_path, "late"):
        for attempt in attempts:
            await attempt.settled.wait()
    assert {attempt.outcomes[0].kind for attempt in attempts} == {OutcomeKind.COMPLETED}
    assert lines(tmp_path / "log").count("began") == 5


async def test_an_end_that_nobody_heard_is_found(executor: CeleryExecutor, worker: site.Worker, monkeypatch: pytest.MonkeyPatch):
    call = None

    def deaf(self, said, where) -> None:
        assert not isinstance(said, wire.Settled) or self.heard_at == float("-inf")

    attempt = Attempt(executor, scripted.scripted, {})
    call = executor._calls[f"{attempt.id}.1"]
    with monkeypatch.context() as patch:
        patch.setattr(type(call), "_hear", deaf)
        assert await came_true(lambda: bool(_end_of(executor, call.id)))
    assert not attempt.outcomes
    executor.connected()
    assert (await attempt.end()).kind is OutcomeKind.COMPLETED


async def test_an_attempt_of_an_earlier_process_is_followed_and_runs_once(executor: CeleryExecutor, worker: site.Worker, broker, tmp_path):
    log = tmp_path / "log"
    first = Attempt(executor, scripted.scripted, _steps(log, 30))
    assert await came_true(lambda: lines(log) == ["began"])
    outcomes: list[object] = []
    with site.executor(broker.url) as second:
        task = executor._calls[f"{first.id}.1"]._order.record  # what the journal keeps of it
        run = second.follow(_task(task), scripted.scripted, first.context, outcomes.append)
        assert await came_true(lambda: bool(outcomes))
        assert not run.alive
    assert lines(log) == ["began", "ended"]


def _task(record: wire.Record):
    params = record.params.encode()
    return Task(id=record.task_id, number=1, type=record.type, params=params, created_at=0.0, status=Status.PROCESSING)


def _end_of(executor: CeleryExecutor, call: str) -> list[object]:
    found: list[object] = []
    executor.outbox.put("", lambda link: found.extend(filter(None, [link.ledger.find([call])[0].ended])))
    time.sleep(0.1)
    return found
