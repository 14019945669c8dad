"""Many clients that want the same at the same moment: one effect, one line of the audit."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter

import httpx
import pytest

from tasks_app.auth.audit import audit
from tasks_app.runtime import Runtime
from tasks_app.tests.api.conftest import launch, until

TASKS = "/api/v2/tasks"


@pytest.fixture
def effects(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The actions that were written down."""
    found: list[str] = []
    monkeypatch.setattr(audit, "effect", lambda who, address, action, about, door: found.append(action))
    return found


async def test_of_fifty_clients_that_cancel_and_delete_one_deletes(client: httpx.AsyncClient, now: Runtime, effects: list[str]) -> None:
    task_id = (await launch(client, params={"to": 100, "interval": 60}))["id"]
    await until(client, task_id, "processing")
    effects.clear()
    asked = [client.post(f"{TASKS}/{task_id}/cancel") for _ in range(25)] + [client.delete(f"{TASKS}/{task_id}") for _ in range(25)]
    answers = [answer.status_code for answer in await asyncio.gather(*asked)]
    cancels, deletes = Counter(answers[:25]), Counter(answers[25:])
    assert set(cancels) <= {202, 404, 409}
    assert deletes == {204: 1, 404: 24}
    assert effects.count("delete") == 1
    assert len(now.store) == 0


async def test_a_task_that_has_ended_is_not_cancelled_and_nothing_is_written_down(client: httpx.AsyncClient, effects: list[str]) -> None:
    task_id = (await launch(client, params={"to": 1, "interval": 0}))["id"]
    await until(client, task_id, "completed")
    effects.clear()
    assert (await client.post(f"{TASKS}/{task_id}/cancel")).status_code == 409
    assert (await client.delete(f"{TASKS}/{task_id}")).status_code == 204
    assert (await client.delete(f"{TASKS}/{task_id}")).status_code == 404
    assert effects == ["delete"]


def _lists_of(length: int) -> int:
    return sum(type(found) is list and len(found) == length for found in gc.get_objects())


async def test_many_tasks_that_are_refused_leave_nothing_that_waits_for_the_garbage_collector(client: httpx.AsyncClient) -> None:
    body = b'{"tasks":[' + b'{"a":[0]},' * 10_000 + b"{}]}"
    gc.collect()
    gc.disable()
    try:
        answer = await client.post(f"{TASKS}/bulk", content=body, headers={"Content-Type": "application/json"})
        async with asyncio.timeout(60):
            while _lists_of(10_001):  # noqa: ASYNC110 - the thread that read it may not be quite done
                await asyncio.sleep(0.01)
    finally:
        gc.enable()
    assert answer.status_code == 422
