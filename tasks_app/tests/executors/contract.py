"""What every executor promises, whatever it runs on. Mix `ExecutorContract` into a test class that has `executor` and `task_type`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tasks_app.engine.context import Context, Report, Stop
from tasks_app.engine.ports import Executor, Run, SystemClock
from tasks_app.engine.registry import TaskType
from tasks_app.engine.task import Outcome, OutcomeKind, Status, Task
from tasks_app.engine.trail import Trail
from tasks_app.tests import scripted

PATIENCE = 60.0


class Attempt:
    """One attempt on an executor: what it said, and how it ended."""

    def __init__(self, executor: Executor, task_type: TaskType, params: dict[str, Any], number: int = 1) -> None:
        shown, secrets = task_type.encode(params)
        self.outcomes: list[Outcome] = []
        self.reports: list[Report] = []
        self.trail = Trail()
        self.settled = asyncio.Event()
        self.threads: set[int] = set()
        self.id = str(uuid4())
        self.context = Context(
            task_id=self.id,
            number=number,
            type=task_type.name,
            attempt=1,
            clock=SystemClock(),
            trail=lambda: self.trail,
            report=lambda number, attempt, report: self.reports.append(report),
            blocking=task_type.kind != "async",
        )
        task = Task(id=self.id, number=number, type=task_type.name, params=shown, secrets=secrets, created_at=0.0, status=Status.PROCESSING)
        self.run: Run = executor.start(task, task_type, self.context, self._settle)

    def _settle(self, outcome: Outcome) -> None:
        asyncio.get_running_loop()  # raises when this is not the loop's thread
        self.outcomes.append(outcome)
        self.context.end()
        self.settled.set()

    async def end(self) -> Outcome:
        """Wait until it has settled."""
        await asyncio.wait_for(self.settled.wait(), PATIENCE)
        return self.outcomes[0]

    def stop(self, kind: OutcomeKind = OutcomeKind.CANCELLED) -> None:
        """Ask it to stop, as the engine does."""
        self.context.request_stop(Stop(kind, "asked"))
        self.run.stop()


async def came_true(what: Callable[[], bool]) -> bool:
    """Wait for something that happens in another thread or process."""
    for _ in range(int(PATIENCE / 0.01)):
        if what():
            return True
        await asyncio.sleep(0.01)
    return False


def lines(path: Path) -> list[str]:
    """The first words of what a scripted handler wrote."""
    return [line.split()[0] for line in path.read_text().splitlines()] if path.exists() else []


@pytest.mark.real_time
class ExecutorContract:
    """The promises."""

    task_type: TaskType
    kills = True  # kill() ends a handler that does not stop

    async def test_a_result_comes_back_as_json(self, executor: Executor) -> None:
        outcome = await Attempt(executor, self.task_type, {"password": "hunter2"}).end()
        assert (outcome.kind, json.loads(outcome.result or b"")) == (OutcomeKind.COMPLETED, {"attempt": 1, "password": 7})

    @pytest.mark.parametrize("mode", sorted(scripted.ERRORS))
    async def test_any_error_is_a_failure_and_the_next_run_works(self, executor: Executor, mode: str) -> None:
        outcome = await Attempt(executor, self.task_type, {"mode": mode}).end()
        assert outcome.kind is OutcomeKind.FAILED
        assert outcome.error is not None
        assert (await Attempt(executor, self.task_type, {}).end()).kind is OutcomeKind.COMPLETED

    @pytest.mark.parametrize("mode", sorted(scripted.BAD_RESULTS))
    async def test_any_bad_result_is_a_failure(self, executor: Executor, mode: str) -> None:
        outcome = await Attempt(executor, self.task_type, {"mode": mode}).end()
        assert outcome.error is not None
        assert outcome.error.type in {"result_not_json", "result_too_large"}
        assert outcome.result is None

    async def test_an_attempt_settles_once_and_never_before_start_returned(self, executor: Executor) -> None:
        attempts = [Attempt(executor, self.task_type, {"mode": mode}, number) for number, mode in enumerate(["ok", "fail", "exit"], 1)]
        assert [attempt.outcomes for attempt in attempts] == [[], [], []]
        for attempt in attempts:
            await attempt.end()
        await asyncio.sleep(0.05)
        assert [len(attempt.outcomes) for attempt in attempts] == [1, 1, 1]

    async def test_progress_log_and_measurements_arrive_before_the_end(self, executor: Executor) -> None:
        attempt = Attempt(executor, self.task_type, {"mode": "talks"})
        await attempt.end()
        assert attempt.reports[-1] == (1, 2, "half")
        assert [(line.text, line.level) for line in attempt.trail.lines()] == [("a line", "warning")]
        if executor.supports_measure:
            assert attempt.trail.series["speed"].last == 3.5
            assert attempt.trail.series["speed"].unit == "m/s"

    async def test_the_last_word_on_progress_arrives_however_many_there_were(self, executor: Executor) -> None:
        attempt = Attempt(executor, self.task_type, {"mode": "slow_progress", "times": 500})
        await attempt.end()
        assert attempt.reports[-1][:2] == (500, 500)

    @pytest.mark.parametrize("kind", [OutcomeKind.CANCELLED, OutcomeKind.TIMED_OUT, OutcomeKind.INTERRUPTED])
    async def test_a_stop_reaches_a_handler_that_runs_and_its_finally_runs(
        self, executor: Executor, kind: OutcomeKind, tmp_path: Path
    ) -> None:
        attempt = Attempt(executor, self.task_type, {"mode": "hang", "path": str(tmp_path / "log")})
        assert await came_true(lambda: lines(tmp_path / "log") == ["began"])
        assert attempt.run.alive
        attempt.stop(kind)
        assert (await attempt.end()).kind is kind
        assert lines(tmp_path / "log") == ["began", "ended"]
        assert await came_true(lambda: not attempt.run.alive)

    async def test_a_stop_that_comes_at_once_is_not_lost(self, executor: Executor) -> None:
        attempt = Attempt(executor, self.task_type, {"mode": "hang"})
        attempt.stop()
        assert (await attempt.end()).kind is OutcomeKind.CANCELLED

    @pytest.mark.parametrize("delay", [0.01, 0.05, 0.1, 0.2, 0.4])
    async def test_a_stop_while_it_starts_is_not_lost(self, executor: Executor, delay: float) -> None:
        attempt = Attempt(executor, self.task_type, {"mode": "hang"})
        await asyncio.sleep(delay)
        attempt.stop()
        assert (await attempt.end()).kind is OutcomeKind.CANCELLED

    async def test_stopping_one_leaves_its_neighbours_alone(self, executor: Executor) -> None:
        first, second = (Attempt(executor, self.task_type, {"mode": "hang"}, number) for number in (1, 2))
        first.stop()
        await first.end()
        third = Attempt(executor, self.task_type, {}, 3)
        assert (await third.end()).kind is OutcomeKind.COMPLETED
        assert second.outcomes == []
        second.stop()
        await second.end()

    async def test_stop_and_kill_after_the_end_do_nothing(self, executor: Executor) -> None:
        attempt = Attempt(executor, self.task_type, {})
        await attempt.end()
        attempt.stop()
        assert await came_true(lambda: not attempt.run.alive)
        assert attempt.run.kill()
        await asyncio.sleep(0.05)
        assert len(attempt.outcomes) == 1
        assert (await Attempt(executor, self.task_type, {}).end()).kind is OutcomeKind.COMPLETED

    async def test_kill_says_honestly_whether_it_is_gone(self, executor: Executor, tmp_path: Path) -> None:
        attempt = Attempt(executor, self.task_type, {"mode": "stubborn", "path": str(tmp_path / "log")})
        assert await came_true(lambda: lines(tmp_path / "log") == ["began"])
        attempt.stop()
        assert attempt.run.kill() is (executor.supports_force_stop and self.kills)
        if not self.kills:
            assert attempt.run.alive
            scripted.LET_GO.set()
        assert await came_true(lambda: not attempt.run.alive)

    async def test_params_of_an_older_version_fail_the_attempt_alone(self, executor: Executor) -> None:
        context = Attempt(executor, self.task_type, {}).context
        outcomes: list[Outcome] = []
        task = Task(id=str(uuid4()), number=2, type=self.task_type.name, params=b'{"gone":1}', created_at=0.0, status=Status.PROCESSING)
        run = executor.start(task, self.task_type, context, outcomes.append)
        run.stop()
        assert await came_true(lambda: bool(outcomes))
        assert outcomes[0].error is not None
        assert outcomes[0].error.type == "ValidationError"
        assert not run.alive
        assert run.kill()
