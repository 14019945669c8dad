"""A runtime whose webhooks are tried again soon."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, cast

import pytest
from msgspec.structs import replace

from tasks_app.engine.launch import parse_launch
from tasks_app.engine.registry import Backoff
from tasks_app.engine.task import TERMINAL, Task
from tasks_app.runtime import Runtime
from tasks_app.tests.api.conftest import application, client, now  # noqa: F401 - fixtures
from tasks_app.webhooks.deliveries import Pace
from tasks_app.webhooks.delivery import Delivery, State

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # the one of the specification's example
PACE = Pace(timeout=60.0, backoff=Backoff(base=0.01, factor=1, limit=0.01, jitter=0), patience=600)


@pytest.fixture
def config() -> dict[str, Any]:
    """What a test module sets otherwise."""
    return {"webhook_secret": SECRET}


@pytest.fixture
def soon(now: Runtime) -> Runtime:  # noqa: F811
    """The same runtime, in a hurry."""
    now.webhooks.pace = PACE
    return now


def launch(now: Runtime, url: str | None, **more: Any) -> Task:  # noqa: F811
    """A task that ends at once, and a webhook for it."""
    given = {"type": "count", "params": {"to": 1, "interval": 0}, **more}
    if url is not None:
        given["webhook"] = {"url": url, **given.get("webhook", {})}
    return now.engine.submit(parse_launch(given))


async def until(what: Callable[[], Any], seconds: float = 60.0) -> Any:
    """Wait for something to become true; what it is then."""
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "it did not happen"
        await asyncio.sleep(0.01)
    return found


async def done(now: Runtime, task: Task) -> Delivery:  # noqa: F811
    """The first delivery of a task, once nobody tries any more."""
    found = await until(lambda: [one for one in now.webhooks.of(task.id) if one.state is not State.PENDING])
    return cast(Delivery, found[0])


async def tried(now: Runtime, task: Task, times: int = 1) -> Delivery:  # noqa: F811
    """The same once it was tried so often."""
    found = await until(lambda: [one for one in now.webhooks.of(task.id) if one.tried >= times])
    return cast(Delivery, found[0])


async def ended(now: Runtime, task: Task) -> Task:  # noqa: F811
    """A task once it has ended."""
    return cast(Task, await until(lambda: (found := now.store.find(task.id)) is not None and found.status in TERMINAL and found))


def slower(now: Runtime, **pace: Any) -> None:  # noqa: F811
    """Another pace."""
    now.webhooks.pace = replace(PACE, **pace)
