"""Addresses of pages, as rows and filters need them by the dozen: reversed once, then only filled in."""

from __future__ import annotations

from functools import lru_cache

from django.urls import get_script_prefix, reverse

from tasks_app.engine.task import Task

_ANY = "00000000-0000-0000-0000-000000000000"


def task_url(task: Task) -> str:
    """A task's page; its actions are below it."""
    return _task(get_script_prefix()).replace(_ANY, task.id)


def again_url(task: Task) -> str:
    """The launch form, filled from this task."""
    return f"{_launch(get_script_prefix(), task.type)}?from={task.id}"


def list_url() -> str:
    """The list of tasks."""
    return _list(get_script_prefix())


@lru_cache(maxsize=16)
def _list(prefix: str) -> str:
    return reverse("web:tasks")


@lru_cache(maxsize=16)
def _task(prefix: str) -> str:
    return reverse("web:task", args=[_ANY])


@lru_cache(maxsize=1024)
def _launch(prefix: str, type_name: str) -> str:
    return reverse("web:launch-type", args=[type_name])
