"""Functions marked with @task, as a project has them."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from typing import Any

from django.tasks import TaskContext, task

release = threading.Event()
began: list[Any] = []


@task()
def noop(*args: Any, **kwargs: Any) -> None:
    """Does nothing."""


@task
def bare(*args: Any, **kwargs: Any) -> None:
    """Marked without brackets."""


@task()
async def noop_async(*args: Any, **kwargs: Any) -> None:
    """Does nothing, on the loop."""


@task()
def meaning_of_life() -> int:
    """Knows it."""
    return 42


@task()
async def meaning_of_life_async() -> int:
    """Knows it, on the loop."""
    await asyncio.sleep(0)
    return 42


@task()
def fails() -> None:
    """Raises."""
    raise ValueError("This task failed")


@task()
async def fails_async() -> None:
    """Raises, on the loop."""
    raise ValueError("This task failed")


class OwnError(Exception):
    """An error of the project's own."""


@task()
def fails_in_its_own_words() -> None:
    """Raises an error of the project's own."""
    raise OwnError("ValueError: not really\nof two lines")


@task()
def leaves() -> None:
    """Raises what would end a thread."""
    raise SystemExit("This task left")


@task()
def fails_with_a_knot() -> None:
    """Raises an error that holds another."""
    raise ValueError(ValueError("This task failed"))


@task()
def returns_no_json() -> Any:
    """Returns what is no JSON."""
    return object()


@task()
def returns(value: Any) -> Any:
    """Returns what it is given."""
    return (value, b"bytes")


@task(takes_context=True)
def own_id(context: TaskContext[..., Any]) -> str:
    """Knows its id."""
    return context.task_result.id


@task(takes_context=True)
async def own_attempt(context: TaskContext[..., Any], more: int) -> list[Any]:
    """Knows its attempt and its status."""
    return [context.attempt + more, str(context.task_result.status), context.task_result.worker_ids != []]


@task(takes_context=True)
def reports(context: Any) -> None:
    """Says how far it is, and logs."""
    context.run.progress(3, 4, "Almost")
    context.run.log("Half way")
    logging.getLogger("shop").warning("Out of paper")


@task()
def waits() -> str:
    """Waits until it is let go."""
    began.append(time.monotonic())
    release.wait(150)
    return "let go"


@task()
async def waits_async() -> None:
    """Waits until it is cancelled."""
    began.append(time.monotonic())
    await asyncio.sleep(600)


@task()
def notes(name: str) -> None:
    """Notes that it ran."""
    began.append(name)


@task(queue_name="mail", priority=7)
def sends(to: str, *, copies: int = 1) -> str:
    """Sends a letter."""
    return f"{to} x {copies}"
