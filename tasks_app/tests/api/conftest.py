"""A fresh runtime with its engine running, and a client that talks to the ASGI application in this process."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest

from tasks_app import runtime
from tasks_app.asgi import Handler
from tasks_app.conf import config_of
from tasks_app.engine.engine import Engine
from tasks_app.runtime import Runtime
from tasks_app.tests import scripted

Call = Callable[..., Any]
BASE = "http://localhost"


@pytest.fixture(scope="session")
def application() -> Handler:
    """The HTTP side of the ASGI application."""
    return Handler()


@pytest.fixture
def config() -> dict[str, Any]:
    """What a test module sets otherwise."""
    return {}


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch, config: dict[str, Any]) -> Iterator[Runtime]:
    """The runtime of this process, for one test."""
    built = Runtime(config_of({"grace_seconds": 0.0, "cancel_grace_seconds": 0.3, "keep_finished": 100_000, **config}))
    for kind in (scripted.scripted, scripted.scripted_thread):
        built.registry.register(kind)
    scripted.LET_GO.clear()
    built.start()
    monkeypatch.setattr(runtime, "_runtime", built)
    monkeypatch.setattr(runtime, "_pid", os.getpid())
    yield built
    scripted.LET_GO.set()
    built.stop()


@pytest.fixture
async def client(application: Any, now: Runtime) -> AsyncIterator[httpx.AsyncClient]:
    """Talks to the application; what it raises is a 500, as under a server."""
    transport = httpx.ASGITransport(application, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=BASE, headers={"user-agent": "test"}) as found:
        yield found


@pytest.fixture
def engine(now: Runtime) -> Engine:
    """The engine of that runtime."""
    return now.engine


async def launch(client: httpx.AsyncClient, type: str = "count", **more: Any) -> dict[str, Any]:
    """Launch a task; its JSON."""
    answer = await client.post("/api/v2/tasks", json={"type": type, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()  # type: ignore[no-any-return]


async def until(client: httpx.AsyncClient, task_id: str, *statuses: str, seconds: float = 60.0) -> dict[str, Any]:
    """Wait until a task is in one of these statuses; its JSON."""
    end = time.monotonic() + seconds
    while True:
        task: dict[str, Any] = (await client.get(f"/api/v2/tasks/{task_id}")).json()
        if task["status"] in statuses:
            return task
        assert time.monotonic() < end, f"still {task['status']}"
        await asyncio.sleep(0.01)


def problem(answer: httpx.Response, status: int, *, field: str | None = None, code: str | None = None) -> dict[str, Any]:
    """Check that an answer is a problem of this status, naming this field; its JSON."""
    assert answer.status_code == status, f"{answer.status_code}: {answer.text[:300]}"
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert found["status"] == status
    assert {"type", "title", "detail", "code"} <= found.keys()
    assert "Traceback" not in answer.text
    if field is not None:
        named = {found.get("field")} | {error["field"] for error in found.get("errors", ())}
        assert field in named, found
    if code is not None:
        assert found["code"] == code
    return found
