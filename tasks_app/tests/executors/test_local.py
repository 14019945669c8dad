"""The local executor keeps the contract with coroutines, threads and processes."""

from __future__ import annotations

import asyncio
import threading

import pytest

from tasks_app.engine.task import OutcomeKind
from tasks_app.executors.local import LocalExecutor
from tasks_app.tests import scripted
from tasks_app.tests.executors.contract import Attempt, ExecutorContract, came_true

pytestmark = pytest.mark.files_stay("idle workers are kept for the next test of the module")


class TestCoroutines(ExecutorContract):
    task_type = scripted.scripted
    kills = False


class TestThreads(ExecutorContract):
    task_type = scripted.scripted_thread
    kills = False


class TestProcesses(ExecutorContract):
    task_type = scripted.scripted_process


async def test_a_function_that_blocks_in_its_thread_holds_up_nobody(executor: LocalExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, let_go = threading.Event(), threading.Event()

    def blocks(params: object, context: object) -> bool:
        begun.set()
        return let_go.wait(60)

    monkeypatch.setattr(scripted, "common", blocks)
    attempt = Attempt(executor, scripted.scripted_thread, {})
    assert await came_true(begun.is_set), "the loop goes on while it blocks"
    let_go.set()
    assert (await attempt.end()).result == b"true", "it was let go, and did not wait in vain"


async def test_a_function_may_run_a_loop_of_its_own(executor: LocalExecutor) -> None:
    outcome = await Attempt(executor, scripted.scripted_thread, {"mode": "asyncio_loop"}).end()
    assert outcome.result == b'"a loop of its own"'


async def test_each_function_has_a_thread_of_its_own_so_a_hundred_wait_at_once(
    executor: LocalExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = threading.Barrier(100)
    monkeypatch.setattr(scripted, "common", lambda params, context: meeting.wait(60))
    attempts = [Attempt(executor, scripted.scripted_thread, {}, number) for number in range(1, 101)]
    for attempt in attempts:
        assert (await attempt.end()).kind is OutcomeKind.COMPLETED, "one waited in vain for the others"
    assert await came_true(lambda: not any(attempt.run.alive for attempt in attempts))


async def test_a_thread_that_cannot_be_had_fails_the_attempt_alone(executor: LocalExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        attempt = Attempt(executor, scripted.scripted_thread, {})
    outcome = await attempt.end()
    assert (outcome.kind, outcome.error and outcome.error.message) == (OutcomeKind.FAILED, "can't start new thread")


async def test_closing_does_not_wait_for_the_loops_own_pool() -> None:
    executor = LocalExecutor()
    await Attempt(executor, scripted.scripted_process, {}).end()
    let_go = threading.Event()
    loop = asyncio.get_running_loop()
    full = [loop.run_in_executor(None, let_go.wait, 120) for _ in range(64)]
    try:
        await asyncio.wait_for(executor.close(), 60)
    finally:
        let_go.set()
        await asyncio.gather(*full)
