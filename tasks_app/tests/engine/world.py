"""An engine in virtual time with the scripted handlers, and short words for what tests ask of it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from tasks_app.engine.context import Context
from tasks_app.engine.engine import Engine
from tasks_app.engine.events import Change
from tasks_app.engine.launch import LaunchRequest
from tasks_app.engine.limits import Limits
from tasks_app.engine.ports import Executor, Journal
from tasks_app.engine.registry import Params, Registry, TaskType, task_type
from tasks_app.engine.store import Store
from tasks_app.engine.task import Status, Task
from tasks_app.executors.local import LocalExecutor
from tasks_app.journal.null import NullJournal
from tasks_app.tests import scripted
from tasks_app.tests.engine.virtual import FakeClock, VirtualLoop


class World:
    """One engine, its loop and its clock, and every change it announced."""

    def __init__(
        self,
        loop: VirtualLoop,
        limits: Limits | None = None,
        *,
        executor: Executor | None = None,
        chance: Callable[[], float] = lambda: 0.0,
        types: Sequence[TaskType] = (),
        journal: Journal | None = None,
        first_id: int = 1,
    ) -> None:
        self.loop = loop
        self.clock = FakeClock(loop)
        self.store = Store(self.clock.monotonic)
        self.changes: list[Change] = []
        self.registry = Registry()
        self.registry.discover(scripted)
        for found in types:
            self.registry.register(found)
        ids = itertools.count(first_id)
        self.engine = Engine(
            store=self.store,
            registry=self.registry,
            executor=executor or LocalExecutor(),
            journal=journal or NullJournal(),
            clock=self.clock,
            limits=limits or Limits(),
            new_id=lambda: f"id-{next(ids)}",
            chance=chance,
        )
        self.store.listen(self.changes.extend)

    def submit(self, mode: str = "ok", *, type: str = "scripted", **given: Any) -> Task:
        """Launch a scripted task; `seconds`, `times`, `path` and `password` are params, the rest belongs to the request."""
        params: dict[str, Any] = {name: given.pop(name) for name in ("seconds", "times", "path", "password") if name in given}
        request = LaunchRequest(type=type, params={"mode": mode} | params, **given)
        return self.engine.submit(request, by="tester", via="test")

    async def ran(self, mode: str = "ok", time: float = 0.0, **given: Any) -> Task:
        """Launch a scripted task and give it so many seconds of time; what became of it."""
        task = self.submit(mode, **given)
        await self.loop.advance(time)
        return self.now(task)

    def now(self, task: Task) -> Task:
        """A task as it is."""
        return self.store.get(task.id)

    def status(self, task: Task) -> Status:
        """A task's status."""
        return self.now(task).status

    def history(self, task: Task) -> list[str]:
        """The statuses a task went through, one after the other."""
        statuses = [c.after.status.value for c in self.changes if c.after is not None and c.after.id == task.id]
        return [status for status, _ in itertools.groupby(statuses)]

    async def settle(self) -> None:
        """Until nothing is ready."""
        await self.loop.settle()

    async def advance(self, seconds: float) -> None:
        """Let time pass."""
        await self.loop.advance(seconds)

    async def end(self) -> None:
        """Drain, if no test did."""
        if self.engine._dispatcher._loop is not None:
            await self.engine.drain(0)


def handler(name: str, function: Callable[[Params, Context], Any], **declared: Any) -> TaskType:
    """A task type around a function."""
    return task_type(name, **declared)(function)
