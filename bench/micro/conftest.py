"""What the steps are timed on: the parts of a process as `serve` builds them, without the server and mostly without the engine's thread."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

import pytest

from bench import handlers
from tasks_app.conf import config_of
from tasks_app.engine.launch import LaunchRequest, parse_launch
from tasks_app.engine.task import Outcome, OutcomeKind, Task, finished, progressed, started
from tasks_app.runtime import Runtime

MANY = 100_000
DONE = Outcome(kind=OutcomeKind.COMPLETED, result=b"null")
FAILED = Outcome(kind=OutcomeKind.FAILED)


def built() -> Runtime:
    """The parts of one process, with the task types of the benchmarks."""
    return Runtime(config_of({"handlers": (handlers.MODULE,), "limits": {"noop": 1_000}, "max_waiting": 10_000_000}))


def requests(count: int, **given: object) -> list[LaunchRequest]:
    """So many launches of the task that does nothing."""
    return [parse_launch({"type": "noop", **given}) for _ in range(count)]


def began(runtime: Runtime, tasks: Sequence[Task]) -> None:
    """Their handlers have begun."""
    runtime.store.update_many((task.number, lambda task: started(task, at=1.0, monotonic=1.0)) for task in tasks)


def moved(runtime: Runtime, tasks: Sequence[Task], current: float) -> None:
    """All of them have come so far."""
    runtime.store.update_many(
        (task.number, lambda task: progressed(task, current=current, total=1_000_000.0, message="", monotonic=2.0)) for task in tasks
    )


def ended(runtime: Runtime, tasks: Sequence[Task], outcome: Outcome = DONE) -> None:
    """They came to their end, each by itself."""
    for task in tasks:
        runtime.store.settle([(task.number, lambda task: finished(task, outcome, monotonic=3.0))])


@pytest.fixture(scope="session", autouse=True)
def nothing_is_logged() -> None:
    """Lines about tasks cost as much as much of what is timed here; `make bench` counts them in."""
    logging.getLogger().setLevel(logging.WARNING)


@pytest.fixture
def runtime() -> Runtime:
    """One whose engine does not run: what is launched waits."""
    return built()


@pytest.fixture
def running() -> Iterator[Runtime]:
    """One whose engine runs."""
    runtime = built()
    runtime.start()
    yield runtime
    runtime.stop()


@pytest.fixture(scope="session")
def filled() -> Runtime:
    """One that holds MANY tasks: most completed, every tenth failed, every hundredth with a tag, the last thousand waiting."""
    runtime = built()
    for number in range(MANY // 1_000):
        tasks = runtime.engine.submit_many([*requests(990), *requests(10, tags=["rare"], name="needle")])
        if number < MANY // 1_000 - 1:
            began(runtime, tasks)
            ended(runtime, tasks[::10], FAILED)
            ended(runtime, [task for place, task in enumerate(tasks) if place % 10])
    return runtime
