"""A project whose tasks run in an engine of this process."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.local import Local

from tasks_app import guests
from tasks_app import runtime as composed
from tasks_app.conf import config_of
from tasks_app.engine.registry import TaskType

BACKEND = "tasks_app.backends.IoTaskBackend"
TASKS = {
    "default": {"BACKEND": BACKEND, "QUEUES": [], "OPTIONS": {"MODULES": ["tasks_app.tests.django_tasks.functions"]}},
    "strict": {"BACKEND": BACKEND, "QUEUES": ["default", "mail"]},
}


def wait_until(true: Callable[[], Any]) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def ended(result: Any) -> Any:
    """The same result once it has finished."""

    def look() -> bool:
        result.refresh()
        return bool(result.is_finished)

    wait_until(look)
    return result


@pytest.fixture
def project(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The functions of a project whose TASKS name our backend; no engine runs yet."""
    from django.tasks import task_backends

    from tasks_app.django_tasks.types import declared

    # What one test's settings say of functions is not the next one's, nor anything to tests elsewhere: naming an app looks for them.
    monkeypatch.setattr(declared, "_tasks", {})
    monkeypatch.setattr(guests, "guests", [])
    monkeypatch.setitem(vars(task_backends), "settings", TASKS)  # which it reads once a process
    monkeypatch.setattr(task_backends, "_connections", Local(False))
    settings.TASKS = TASKS
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "tasks_app.tests.django_tasks"]
    from tasks_app.tests.django_tasks import functions

    functions.release.clear()
    functions.began.clear()
    yield functions
    functions.release.set()


@pytest.fixture
def engine(project: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[composed.Runtime]:
    """An engine that runs them."""
    built = built_here(monkeypatch)
    yield built
    project.release.set()
    built.stop()


def built_here(monkeypatch: pytest.MonkeyPatch, **values: Any) -> composed.Runtime:
    """A runtime with these settings, which is this process's from now on."""
    from django.tasks import task_backends

    assert task_backends["default"]  # as AppConfig.ready does
    built = composed.Runtime(config_of({"grace_seconds": 0.1, "cancel_grace_seconds": 0.1, **values}))
    monkeypatch.setattr(composed, "_runtime", built)
    monkeypatch.setattr(composed, "_pid", os.getpid())
    built.start()
    return built


def type_of(engine: composed.Runtime, task: Any) -> TaskType:
    """The task type of a function."""
    return engine.registry.get(task.module_path)
