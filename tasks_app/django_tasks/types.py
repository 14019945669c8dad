"""Each @task function is a task type: named by its module and name, with arguments as params."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from inspect import getdoc, iscoroutinefunction
from types import ModuleType
from typing import Any

from django.apps import apps
from django.tasks import Task, TaskContext, task_backends
from django.tasks.backends.base import BaseTaskBackend
from django.utils.json import normalize_json
from django.utils.module_loading import module_has_submodule
from pydantic import Field, create_model

from tasks_app.django_tasks.attempts import Attempt, in_thread, on_loop
from tasks_app.django_tasks.params import Call
from tasks_app.engine.context import Context
from tasks_app.engine.registry import SLOTS, Kind, Registry, TaskType

OPTIONS = {"max_attempts": "MAX_ATTEMPTS", "timeout": "TIMEOUT", "concurrency": "CONCURRENCY"}  # fields of a task type, by what sets them


class Declared:
    """All functions that were marked so far, by their paths, and what their backend says about how they run."""

    kind: type = BaseTaskBackend  # whose tasks they are

    def __init__(self) -> None:
        self._tasks: dict[str, tuple[Task[..., Any], Mapping[str, Any]]] = {}

    def note(self, task: Task[..., Any], options: Mapping[str, Any]) -> None:
        """A task as it was declared; copies of it that are made with `using` change nothing."""
        known = self._tasks.get(task.module_path)
        if known is None or known[0].func is not task.func:
            self._tasks[task.module_path] = (task, options)
        elif known[0].backend == task.backend:
            self._tasks[task.module_path] = (known[0], options)

    def task(self, path: str) -> Task[..., Any] | None:
        """The task at this path; None while no module that was imported has one."""
        known = self._tasks.get(path)
        return known and known[0]

    def type(self, path: str) -> TaskType | None:
        """The task type of that task."""
        known = self._tasks.get(path)
        return known and type_of(*known)

    def of(self, backend: str) -> list[tuple[str, Task[..., Any]]]:
        """All of a backend, with their paths."""
        return [(path, task) for path, (task, _) in self._tasks.items() if task.backend == backend]

    def modules(self) -> list[str]:
        """Where to look for tasks: the modules `tasks` of the project's apps, and those that TASKS names."""
        of_apps = [f"{app.name}.tasks" for app in apps.get_app_configs() if app.module and module_has_submodule(app.module, "tasks")]
        named = [module for backend in task_backends.all() for module in backend.options.get("MODULES", ())]
        return list(dict.fromkeys([*of_apps, *named]))

    def _note_all(self, module: ModuleType | None) -> None:
        """What was marked before the settings named this backend as theirs."""
        for task in vars(module).values() if module else ():
            if isinstance(task, Task) and isinstance(backend := task.get_backend(), self.kind):
                self.note(task, backend.options)

    def bring(self, registry: Registry) -> None:
        """Register all that are known, and those that come later when they are first named."""
        for name in self.modules():
            registry.discover(name)
            self._note_all(sys.modules.get(name))
        registry.elsewhere = self.type
        for path in list(self._tasks):
            registry.find(path)


declared = Declared()


def type_of(task: Task[..., Any], options: Mapping[str, Any]) -> TaskType:
    """The task type of a function. Raises SetupError for options that cannot be."""
    kind = Kind.ASYNC if iscoroutinefunction(task.func) else Kind.THREAD
    chosen = {field: options[name] for field, name in OPTIONS.items() if options.get(name) is not None}
    return TaskType(
        name=task.module_path,
        function=_handler(task, kind),
        params=_params(task),
        kind=kind,
        title=task.name.strip("_").replace("_", " ").capitalize() or task.name,
        description=getdoc(task.func) or "",
        **{"concurrency": SLOTS[kind], **chosen},
    )


def _params(task: Task[..., Any]) -> type[Call]:
    """Whoever launches it from a page or the API, and says nothing of its queue, means the one it was declared for."""
    queue: Any = (str, Field(default=task.queue_name, max_length=200, description="Queue"))
    backend: Any = (str, Field(default=task.backend, max_length=200, json_schema_extra={"hidden": True}))
    return create_model("Call", __base__=Call, queue_name=queue, backend=backend)


def _handler(task: Task[..., Any], kind: Kind) -> Callable[..., Any]:
    """What the engine calls."""

    def call(params: Call, context: Context) -> tuple[Attempt, list[Any]]:
        attempt = Attempt(task, params, context)
        given: list[TaskContext[..., Any]] = [attempt.context] if task.takes_context else []
        return attempt, [*given, *params.args]

    def sync(params: Call, context: Context) -> Any:
        attempt, args = call(params, context)
        with in_thread(attempt):
            return normalize_json(task.func(*args, **params.kwargs))

    async def coroutine(params: Call, context: Context) -> Any:
        attempt, args = call(params, context)
        async with on_loop(attempt):
            return normalize_json(await task.func(*args, **params.kwargs))

    return coroutine if kind is Kind.ASYNC else sync
