"""One attempt of a function, as Django sees it: what it is given, the signal before it, and the error it left, for the signal after it."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings  # noqa: TID251 - DATABASES is Django's own: where there is none, no connection has to be looked after
from django.db import close_old_connections, connections
from django.tasks import Task, TaskContext
from django.tasks.signals import task_started

from tasks_app import runtime
from tasks_app.django_tasks.failures import failures
from tasks_app.django_tasks.params import Call
from tasks_app.django_tasks.results import result_of, running
from tasks_app.engine.context import Context


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class IoTaskContext(TaskContext):  # type: ignore[type-arg,misc] # generic, and not frozen, for type checkers alone
    """Django's context, and `run`: IoTask's own, with `progress`, `log`, `measure`, and `check` and `cancelled` for one who is to stop."""

    run: Context


class Attempt:
    """What begins now."""

    def __init__(self, task: Task[..., Any], params: Call, context: Context) -> None:
        record = runtime.get().store.find(context.task_id)
        self.id = context.task_id
        self.number = context.attempt
        self.result = running(task, params, context) if record is None else result_of(task, record)
        self.sender = type(task.get_backend())
        self.context = IoTaskContext(task_result=self.result, run=context)


@contextmanager
def in_thread(attempt: Attempt) -> Generator[None, None, None]:
    """Around a `def` function, in the thread that was made for it and ends with it: so do its connections to databases."""
    try:
        task_started.send(sender=attempt.sender, task_result=attempt.result)
        yield
    except BaseException as error:
        failures.keep(attempt.id, attempt.number, error)
        raise
    finally:
        if settings.DATABASES:
            connections.close_all()


@asynccontextmanager
async def on_loop(attempt: Attempt) -> AsyncGenerator[None, None]:
    """Around an `async def` function, on the engine's loop. What it asks of a database is done in a thread that others use as well."""
    try:
        await task_started.asend(sender=attempt.sender, task_result=attempt.result)
        yield
    except BaseException as error:
        failures.keep(attempt.id, attempt.number, error)
        raise
    finally:
        if settings.DATABASES:
            await sync_to_async(close_old_connections)()
