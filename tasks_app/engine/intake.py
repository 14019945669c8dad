"""Makes records of what is asked for: the only place where a task comes into being."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from tasks_app.engine.errors import Invalid, InvalidParams, InvalidValue
from tasks_app.engine.launch import LaunchRequest
from tasks_app.engine.ports import Clock
from tasks_app.engine.registry import Registry, TaskType
from tasks_app.engine.sentences import say
from tasks_app.engine.series import Series
from tasks_app.engine.store import Store
from tasks_app.engine.task import Status, Task
from tasks_app.engine.webhook import signed_hook
from tasks_app.engine.whose import launched_in

SLICE = 50  # of many launches at once, those that are looked at before others get their turn


class Intake:
    """Turns requests into records that are not in the store yet."""

    def __init__(
        self, store: Store, registry: Registry, clock: Clock, new_id: Callable[[], str], timeout: float | None = None, *, signs: bool = True
    ) -> None:
        self._store = store
        self._registry = registry
        self._clock = clock
        self._new_id = new_id
        self._signs = signs  # whether the server has a secret for webhooks whose launch brings none
        self._timeout = timeout  # of an attempt where nobody names one; the server's own tasks are left alone

    def record(
        self,
        request: LaunchRequest,
        *,
        by: str,
        via: str,
        rerun_of: str | None = None,
        own: bool = False,
        series: Series | None = None,
        at: float | None = None,
    ) -> Task:
        """The record of a request; `own`: of the server itself; `at`: the moment (wall clock), by default now. Raises UnknownType,
        InvalidParams, InvalidValue."""
        task_type = self._registry.get(request.type) if own else self._registry.launchable(request.type)
        params, secrets = task_type.encode(request.params)
        now = self._clock.time() if at is None else at
        run_at = request.run_at.timestamp() if request.run_at else None
        later = run_at is not None and run_at > now
        return Task(
            id=self._new_id(),
            number=self._store.next_number(),
            type=task_type.name,
            params=params,
            secrets=secrets,
            created_at=now,
            waiting_since=now,
            status=Status.SCHEDULED if later else Status.PENDING,
            name=request.name,
            tags=tuple(dict.fromkeys(request.tags)) if request.tags else (),
            priority=request.priority,
            timeout=self._timeout_of(request, task_type, own=own),
            max_attempts=request.max_attempts or task_type.max_attempts,
            scheduled_for=run_at if later else None,
            by=by,
            via=via,
            series=series.name if series else "",
            retry_slots=task_type.retry_concurrency is not None,
            rerun_of=rerun_of,
            webhook=signed_hook(request.webhook, signs=self._signs) if request.webhook else None,
            trace=launched_in.get(),
            key=request.mark() if request.idempotency_key is not None else b"",
        )

    def records(self, requests: Sequence[LaunchRequest], *, by: str, via: str) -> list[Task]:
        """The same for many; what is wrong is named `tasks.<index>.…`. Idempotency keys are for single launches."""
        at = self._clock.time()
        return [self._one_of_many(index, request, by, via, at) for index, request in enumerate(requests)]

    async def records_slowly(self, requests: Sequence[LaunchRequest], *, by: str, via: str) -> list[Task]:
        """The same, with a turn for others after every so many."""
        tasks = []
        at = self._clock.time()
        for index, request in enumerate(requests):
            tasks.append(self._one_of_many(index, request, by, via, at))
            if index % SLICE == SLICE - 1:
                await asyncio.sleep(0)
        return tasks

    def again(self, old: Task, *, by: str, via: str) -> Task:
        """A new record like an old task. Raises UnknownType when its type is not installed any more, and NotLaunchable."""
        self._registry.launchable(old.type)
        now = self._clock.time()
        return Task(
            id=self._new_id(),
            number=self._store.next_number(),
            type=old.type,
            params=old.params,
            secrets=old.secrets,
            created_at=now,
            waiting_since=now,
            status=Status.PENDING,
            name=old.name,
            tags=old.tags,
            priority=old.priority,
            timeout=old.timeout,
            max_attempts=old.max_attempts,
            by=by,
            via=via,
            retry_slots=old.retry_slots,
            rerun_of=old.id,
            webhook=old.webhook,
            trace=launched_in.get(),
        )

    def _timeout_of(self, request: LaunchRequest, task_type: TaskType, *, own: bool) -> float | None:
        if request.timeout is not None:
            return request.timeout
        if task_type.timeout is not None or own:
            return task_type.timeout
        return self._timeout

    def _one_of_many(self, index: int, request: LaunchRequest, by: str, via: str, at: float) -> Task:
        try:
            if request.idempotency_key is not None:
                raise InvalidValue(say("is for single launches"), field="idempotency_key")
            return self.record(request, by=by, via=via, at=at)
        except InvalidParams as error:
            raise InvalidParams([(f"tasks.{index}.{field}", text) for field, text in error.sentences]) from None
        except Invalid as error:
            raise type(error)(error.sentence, field=f"tasks.{index}.{error.field}") from None
