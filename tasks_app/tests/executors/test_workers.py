"""Worker processes: kept, interrupted, replaced when they die, gone when the server is."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Event
from typing import Any

import psutil
import pytest

from tasks_app.engine.task import OutcomeKind
from tasks_app.executors.local import LocalExecutor
from tasks_app.executors.workers import kill_all
from tasks_app.tests.executors.contract import Attempt, came_true, lines
from tasks_app.tests.scripted import scripted_process

pytestmark = pytest.mark.files_stay("idle workers are kept for the next test of the module")


def process_of(path: Path) -> int:
    """The process a scripted handler ran in."""
    return int(path.read_text().split()[2])


def ended(pid: int) -> bool:
    """Whether nothing runs there any more, looked after or not."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def begun(executor: LocalExecutor, path: Path, mode: str = "hang", number: int = 1) -> tuple[Attempt, int]:
    """An attempt whose handler runs, and the process it runs in."""
    attempt = Attempt(executor, scripted_process, {"mode": mode, "path": str(path)}, number)
    assert await came_true(lambda: lines(path) == ["began"])
    return attempt, process_of(path)


async def test_a_worker_is_kept_for_the_next_run(executor: LocalExecutor, tmp_path: Path) -> None:
    for name in ("a", "b"):
        await Attempt(executor, scripted_process, {"path": str(tmp_path / name)}).end()
    assert (tmp_path / "a").read_text() == (tmp_path / "b").read_text()


async def test_a_worker_that_is_killed_fails_its_task_and_the_next_one_runs(executor: LocalExecutor, tmp_path: Path) -> None:
    attempt, pid = await begun(executor, tmp_path / "a")
    os.kill(pid, signal.SIGKILL)
    outcome = await attempt.end()
    assert outcome.kind is OutcomeKind.FAILED
    assert outcome.error is not None
    assert (outcome.error.type, "exit code -9" in outcome.error.message) == ("WorkerDied", True)
    assert (await Attempt(executor, scripted_process, {}).end()).kind is OutcomeKind.COMPLETED


async def test_a_handler_that_leaves_its_process_fails(executor: LocalExecutor) -> None:
    outcome = await Attempt(executor, scripted_process, {"mode": "dies"}).end()
    assert outcome.error is not None
    assert (outcome.error.type, "exit code 7" in outcome.error.message) == ("WorkerDied", True)


@pytest.mark.parametrize("known", [True, False], ids=["known to be dead", "not yet known"])
async def test_an_idle_worker_that_died_is_not_used_again(
    executor: LocalExecutor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    await Attempt(executor, scripted_process, {"path": str(tmp_path / "a")}).end()
    pid = process_of(tmp_path / "a")
    os.kill(pid, signal.SIGKILL)
    assert await came_true(lambda: ended(pid))
    if not known:  # a process that was killed counts as alive until its last thread is gone
        monkeypatch.setattr(BaseProcess, "is_alive", lambda process: True)
    assert (await Attempt(executor, scripted_process, {}).end()).kind is OutcomeKind.COMPLETED


async def test_a_killed_one_is_gone_though_it_does_not_stop(executor: LocalExecutor, tmp_path: Path) -> None:
    attempt, pid = await begun(executor, tmp_path / "a", "stubborn")
    attempt.stop()
    await asyncio.sleep(0.2)
    assert not attempt.settled.is_set()
    assert attempt.run.kill()
    assert (await attempt.end()).kind is OutcomeKind.CANCELLED
    assert await came_true(lambda: not psutil.pid_exists(pid))


async def test_a_kill_while_the_process_starts_is_not_lost(executor: LocalExecutor) -> None:
    for delay in (0.0, 0.02, 0.1, 0.3):
        attempt = Attempt(executor, scripted_process, {"mode": "stubborn"})
        await asyncio.sleep(delay)
        attempt.stop()
        attempt.run.kill()
        assert (await attempt.end()).kind is OutcomeKind.CANCELLED
        assert await came_true(lambda now=attempt: not now.run.alive)  # type: ignore[misc]


async def test_a_stop_in_the_moment_of_the_end_never_hits_the_next_run(executor: LocalExecutor) -> None:
    for turn in range(60):
        attempt = Attempt(executor, scripted_process, {"mode": "talks"})
        await asyncio.sleep(0.0002 * turn)  # a run takes a few milliseconds: some stops come before its end, some after
        attempt.stop()
        await attempt.end()
        after = await Attempt(executor, scripted_process, {}).end()
        assert after.kind is OutcomeKind.COMPLETED


async def test_sigterm_interrupts_what_runs_and_the_worker_leaves(executor: LocalExecutor, tmp_path: Path) -> None:
    attempt, pid = await begun(executor, tmp_path / "a")
    os.kill(pid, signal.SIGTERM)
    assert (await attempt.end()).kind is OutcomeKind.INTERRUPTED
    assert lines(tmp_path / "a") == ["began", "ended"]
    assert await came_true(lambda: ended(pid))


async def test_sigterm_ends_a_worker_whose_handler_does_not_stop(executor: LocalExecutor, tmp_path: Path) -> None:
    attempt, pid = await begun(executor, tmp_path / "a", "stubborn")
    os.kill(pid, signal.SIGTERM)
    outcome = await attempt.end()
    assert outcome.error is not None
    assert outcome.error.type == "WorkerDied"


async def test_ctrl_c_in_the_terminal_does_not_reach_the_handlers(executor: LocalExecutor, tmp_path: Path) -> None:
    attempt, pid = await begun(executor, tmp_path / "a")
    os.kill(pid, signal.SIGINT)
    await asyncio.sleep(0.2)
    assert not attempt.settled.is_set()
    attempt.stop()
    await attempt.end()


class Full:
    """A pipe that takes nothing until it is told to, as one does whose worker still starts."""

    def __init__(self, pipe: Any) -> None:
        self._pipe, self.asked, self.go_on = pipe, Event(), Event()

    def send(self, job: Any) -> None:
        self.asked.set()
        assert self.go_on.wait(120)
        self._pipe.send(job)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pipe, name)


async def test_params_on_their_way_to_a_worker_hold_up_nobody_who_stops_it(
    executor: LocalExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = executor._workers.take()
    full = worker.pipe = Full(worker.pipe)  # type: ignore[assignment]
    monkeypatch.setattr(executor._workers, "take", lambda: worker)
    attempt = Attempt(executor, scripted_process, {"mode": "x"})
    try:
        assert await came_true(full.asked.is_set)
        await asyncio.wait_for(asyncio.to_thread(attempt.stop), 60)
    finally:
        full.go_on.set()
    await attempt.end()
    worker.pipe = full._pipe


SERVER = """
import asyncio, sys
from tasks_app.executors.local import LocalExecutor
from tasks_app.executors.workers import kill_all
from tasks_app.tests.executors.contract import Attempt
from tasks_app.tests.scripted import scripted_process

async def main():
    executor = LocalExecutor()
    await Attempt(executor, scripted_process, {"path": sys.argv[2]}).end()
    for number in (1, 2):
        Attempt(executor, scripted_process, {"mode": "stubborn", "path": sys.argv[number]}, number)
    await asyncio.sleep(600)

if __name__ == "__main__":
    asyncio.run(main())
"""


async def test_workers_end_when_the_server_is_killed(tmp_path: Path) -> None:
    script, a, b = tmp_path / "server.py", tmp_path / "a", tmp_path / "b"
    script.write_text(SERVER)
    server = await asyncio.create_subprocess_exec(sys.executable, script, a, b, env={**os.environ, "PYTHONPATH": os.getcwd()})
    try:
        assert await came_true(lambda: lines(a) == ["began"] and lines(b) == ["began", "ended", "began"])
        pids = {int(line.split()[-1]) for path in (a, b) for line in path.read_text().splitlines()}
        assert len(pids) == 2
    finally:
        server.kill()
        await server.wait()
    assert await came_true(lambda: not any(psutil.pid_exists(pid) for pid in pids))


async def test_workers_of_an_engine_that_did_not_stop_can_be_killed_whatever_they_ignore(executor: LocalExecutor, tmp_path: Path) -> None:
    attempt, process = await begun(executor, tmp_path / "notes", "stubborn")
    kill_all()
    assert await came_true(lambda: not psutil.pid_exists(process))
    assert (await attempt.end()).kind is OutcomeKind.FAILED
