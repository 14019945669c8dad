"""Runs one attempt of a task type as an executor does, and keeps what it said; no engine needed."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import psutil

from tasks_app.engine.context import Context, Stop
from tasks_app.engine.ports import SystemClock
from tasks_app.engine.registry import Kind, TaskType
from tasks_app.engine.run import run_async, run_sync
from tasks_app.engine.task import Outcome, OutcomeKind
from tasks_app.engine.trail import Trail


class Attempt:
    """One attempt: its context, what it reported, and its outcome once it has ended."""

    def __init__(self, task_type: TaskType, params: dict[str, Any], task_id: str = "0f7e-1") -> None:
        shown, secrets = task_type.encode(params)
        self.type = task_type
        self.params = task_type.params.model_validate_json(secrets or shown)
        self.reports: list[tuple[float, float | None, str]] = []
        self.trail = Trail()
        self.outcome: Outcome | None = None
        self.context = Context(
            task_id=task_id,
            number=1,
            type=task_type.name,
            attempt=1,
            clock=SystemClock(),
            trail=lambda: self.trail,
            report=lambda number, attempt, report: self.reports.append((*report[:2], str(report[2]))),
            blocking=task_type.kind is not Kind.ASYNC,
        )

    async def run(self) -> Attempt:
        """Run it to its end."""
        self.outcome = await run_async(self.type.function, self.params, self.context)
        return self

    def run_here(self) -> Attempt:
        """Run a `def` handler to its end, in this thread."""
        self.outcome = run_sync(self.type.function, self.params, self.context)
        return self

    def start(self) -> asyncio.Task[Attempt]:
        """Begin; the test goes on meanwhile."""
        self._task = asyncio.create_task(self.run())
        return self._task

    async def cancel(self) -> Attempt:
        """Ask it to stop, as an executor does, and wait until it has."""
        self.context.request_stop(Stop(OutcomeKind.CANCELLED, "asked"))
        self._task.cancel()
        return await self._task

    @property
    def result(self) -> Any:
        """The result as JSON values."""
        assert self.outcome is not None
        return json.loads(self.outcome.result or b"null")

    @property
    def kind(self) -> str:
        """The kind of the error."""
        assert self.outcome is not None
        assert self.outcome.error is not None, self.outcome
        assert not self.outcome.error.traceback, self.outcome.error.traceback
        return self.outcome.error.type

    @property
    def message(self) -> str:
        """The words of the error."""
        assert self.outcome is not None
        assert self.outcome.error is not None, self.outcome
        return self.outcome.error.message

    @property
    def completed(self) -> bool:
        """Whether it came to a good end."""
        assert self.outcome is not None
        return self.outcome.kind is OutcomeKind.COMPLETED

    @property
    def headline(self) -> tuple[str, str]:
        """The two lines of its result."""
        assert self.type.headline is not None
        return self.type.headline(self.result)

    def log(self, level: str = "debug") -> list[str]:
        """The texts of its log."""
        return [line.text for line in self.trail.lines(level=level)]


async def execute(task_type: TaskType, params: dict[str, Any], **options: Any) -> Attempt:
    """Run one attempt to its end."""
    return await Attempt(task_type, params, **options).run()


async def until(condition: Callable[[], object], limit: float = 60.0) -> None:
    """Return as soon as it holds; fail if it never does."""
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        await asyncio.sleep(0.01)


def sockets_to(port: int) -> int:
    """How many sockets of this process are connected, or connecting, to a port."""
    return sum(bool(c.raddr) and c.raddr.port == port for c in psutil.Process().net_connections("inet"))
