"""The backend of Django's `django.tasks` that runs functions in IoTask's engine, or has a server with one run them."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.core.checks import CheckMessage, Error, Warning
from django.tasks import Task, TaskResult
from django.tasks.backends.base import BaseTaskBackend
from django.tasks.exceptions import TaskResultDoesNotExist
from django.tasks.signals import task_enqueued
from django.utils import timezone
from django.utils.json import normalize_json

from tasks_app import guests, runtime
from tasks_app.django_tasks import results
from tasks_app.django_tasks.announce import Announcer
from tasks_app.django_tasks.elsewhere import Server, server_of
from tasks_app.django_tasks.types import OPTIONS, declared, type_of
from tasks_app.engine import task as engine
from tasks_app.engine.errors import InvalidParams, JournalFailed, SetupError
from tasks_app.engine.launch import parse_launch

VIA = "django"
P = ParamSpec("P")
R = TypeVar("R")
LONGEST_TAG = 50
_KNOWN = frozenset({*OPTIONS.values(), "MODULES", "URL", "TOKEN", "ENGINE"})
_announcer = Announcer()


class IoTaskBackend(BaseTaskBackend):
    """`TASKS = {"default": {"BACKEND": "tasks_app.backends.IoTaskBackend"}}`; docs/django-tasks.md has the OPTIONS."""

    supports_defer = True
    supports_async_task = True
    supports_get_result = True
    supports_priority = True

    def __init__(self, alias: str, params: dict[str, Any]) -> None:
        super().__init__(alias, params)
        if _announcer not in guests.guests:
            guests.guests.append(_announcer)

    def validate_task(self, task: Task[..., Any]) -> None:
        """As Django has it; what is valid is known by its path from now on. Raises InvalidTask."""
        super().validate_task(task)
        declared.note(task, self.options)

    def enqueue(self, task: Task[P, R], args: Sequence[Any], kwargs: dict[str, Any]) -> TaskResult[P, R]:
        """Accept a task; with a journal it is on disk when this returns. Raises InvalidTask, TypeError and ValueError for what is not
        JSON, NoEngine, and the engine's Unavailable."""
        wanted = self._wanted(task, args, kwargs)
        server = self._server()
        if server is not None:
            result = results.made(task, server.launch(wanted))
        else:
            record = _submitted(wanted)
            self._wait_until_safe()
            result = results.result_of(task, record)
        task_enqueued.send(sender=type(self), task_result=result)
        return result  # type: ignore[return-value] # the record does not know them

    async def aenqueue(self, task: Task[P, R], args: Sequence[Any], kwargs: dict[str, Any]) -> TaskResult[P, R]:
        """The same, without a thread where the engine is in this process."""
        wanted = self._wanted(task, args, kwargs)
        server = self._server()
        if server is not None:
            result = results.made(task, await sync_to_async(server.launch, thread_sensitive=False)(wanted))
        else:
            record = _submitted(wanted)
            await runtime.get().engine.safe()
            result = results.result_of(task, record)
        await task_enqueued.asend(sender=type(self), task_result=result)
        return result  # type: ignore[return-value] # the record does not know them

    def get_result(self, result_id: str) -> TaskResult[..., Any]:
        """What is known of a task now. Raises TaskResultDoesNotExist for one that is not kept, or is none of this backend's."""
        server = self._server()
        if server is not None:
            return self._mine(result_id, *(server.find(str(result_id)) or ("", None)))
        record = runtime.get().store.find(str(result_id))
        return self._mine(result_id, record.type if record else "", results.told_of(record) if record else None)

    async def aget_result(self, result_id: str) -> TaskResult[..., Any]:
        """The same; the engine of this process is asked without a thread."""
        if self._server() is None:
            return self.get_result(result_id)
        return await sync_to_async(self.get_result, thread_sensitive=False)(result_id)

    def check(self, **kwargs: Any) -> list[CheckMessage]:
        """What is set and cannot work."""
        unknown = sorted(set(self.options) - _KNOWN)
        found: list[CheckMessage] = [
            Error(f"TASKS[{self.alias!r}] has OPTIONS that IoTask does not know: {', '.join(unknown)}.", id="iotask.E020")
            for _ in unknown[:1]
        ]
        for path, task in declared.of(self.alias):
            try:
                type_of(task, self.options)
            except (SetupError, TypeError) as error:
                return [*found, Error(f"TASKS[{self.alias!r}]: {path} cannot run with these OPTIONS: {error}", id="iotask.E021")]
        if self.options.get("TOKEN") and not self.options.get("URL"):
            found.append(Warning(f"TASKS[{self.alias!r}] has a TOKEN and no URL to show it to.", id="iotask.W020"))
        return found

    def _mine(self, result_id: str, type_name: str, told: results.Told | None) -> TaskResult[..., Any]:
        task = declared.task(type_name)
        if task is None or told is None or told.params.get("backend", "default") != self.alias:
            raise TaskResultDoesNotExist(result_id)
        return results.made(task, told)

    def _wanted(self, task: Task[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
        """A launch, as the API would take it."""
        self.validate_task(task)
        run_after = task.run_after
        if run_after is not None and timezone.is_naive(run_after):
            run_after = timezone.make_aware(run_after)
        params = {
            "args": normalize_json(list(args)),
            "kwargs": normalize_json(kwargs),
            "queue_name": task.queue_name,
            "backend": self.alias,
        }
        wanted = {"type": task.module_path, "params": params, "tags": [_tag(task.queue_name)], "priority": int(task.priority)}
        if task.run_after is None or run_after is None:
            return wanted
        return wanted | {"params": params | {"run_after": task.run_after.isoformat()}, "run_at": run_after.isoformat()}

    def _server(self) -> Server | None:
        """Who runs tasks: None, where this process does itself. Raises NoEngine."""
        return None if runtime.is_here() or self.options.get("ENGINE") == "here" else server_of(self.options)

    def _wait_until_safe(self) -> None:
        """With a journal: until what was accepted is on disk. Raises JournalFailed."""
        now = runtime.get().engine
        if not now.journal.durable:
            return
        settled, failed = Event(), []

        def heard(error: JournalFailed | None) -> None:
            failed.extend([error] if error else [])
            settled.set()

        now.journal.when_settled(now.store.version, heard)
        settled.wait()
        if failed:
            raise failed[0]


declared.kind = IoTaskBackend


def _submitted(wanted: dict[str, Any]) -> engine.Task:
    try:
        return runtime.get().engine.submit(parse_launch(wanted), via=VIA)
    except InvalidParams as error:
        raise ValueError(error.message) from None


def _tag(queue_name: str) -> str:
    """A tag has no white space, and fits."""
    plain = "".join("-" if c.isspace() or not c.isprintable() else c for c in queue_name)
    return f"queue:{plain}"[:LONGEST_TAG]
