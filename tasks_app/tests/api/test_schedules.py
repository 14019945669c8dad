"""Schedules through the API."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tasks_app.runtime import Runtime
from tasks_app.tests.api.conftest import problem, until

PATH = "/api/v2/schedules"
YEARLY = {"cron": "0 0 1 1 *", "timezone": "Europe/Berlin", "task": {"type": "count", "params": {"to": 2, "interval": 0}, "tags": ["x"]}}
FIELDS = {
    "id", "cron", "timezone", "missed", "task", "by", "created_at", "next_at", "paused", "paused_by", "paused_at", "runs", "run_count",
    "missed_count", "missed_more", "missed_from", "caught_up", "trouble",
}  # fmt: skip


async def made(client: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    answer = await client.post(PATH, json={**YEARLY, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()  # type: ignore[no-any-return]


async def test_a_schedule_is_made_read_and_listed(client: httpx.AsyncClient) -> None:
    answer = await client.post(PATH, json=YEARLY)
    found = answer.json()
    assert (answer.status_code, answer.headers["location"], set(found)) == (201, f"{PATH}/{found['id']}", FIELDS)
    assert (found["missed"], found["paused"], found["runs"], found["run_count"]) == ("once", False, [], 0)
    assert found["next_at"].endswith("-12-31T23:00:00Z"), "midnight in Berlin"
    shown = {"type": "count", "params": {"to": 2, "interval": 0.0}, "name": "", "tags": ["x"]}
    assert found["task"] == {**shown, "priority": 0, "timeout": None, "max_attempts": None, "webhook": None}
    assert (await client.get(f"{PATH}/{found['id']}")).json() == found
    assert (await client.get(PATH)).json() == {"items": [found]}


async def test_it_runs_when_it_is_due(client: httpx.AsyncClient) -> None:
    found = await made(client, cron="* * * * * *")
    async with asyncio.timeout(60):
        runs: list[dict[str, Any]] = []
        while not runs or runs[0]["status"] is None:
            runs = (await client.get(f"{PATH}/{found['id']}")).json()["runs"]
    assert runs[0]["status"] == "completed"
    task = (await client.get(f"/api/v2/tasks/{runs[0]['task']}")).json()
    assert (task["via"], task["tags"]) == ("schedule", ["x"])


async def test_it_is_run_now_paused_changed_and_deleted(client: httpx.AsyncClient, now: Runtime) -> None:
    at = f"{PATH}/{(await made(client))['id']}"
    answer = await client.post(f"{at}/run")
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/api/v2/tasks/{answer.json()['id']}"
    await until(client, answer.json()["id"], "completed")
    assert [(run["task"], run["status"]) for run in (await client.get(at)).json()["runs"]] == [(answer.json()["id"], "completed")]
    paused = (await client.post(f"{at}/pause")).json()
    assert (paused["paused"], paused["paused_at"] is None) == (True, False)
    assert (await client.post(f"{at}/pause")).json() == paused
    assert (await client.post(f"{at}/resume")).json()["paused"] is False
    changed = (await client.put(at, json={**YEARLY, "cron": "*/5 * * * *", "missed": "each"})).json()
    assert (changed["cron"], changed["missed"], len(changed["runs"])) == ("*/5 * * * *", "each", 1)
    assert (await client.delete(at)).status_code == 204
    problem(await client.get(at), 404)
    assert now.schedules.all() == []
    restored = await client.post(f"{at}/restore")
    assert (restored.status_code, restored.json()) == (200, changed), "it is whole again, with its runs"
    assert (await client.post(f"{at}/restore")).json() == changed, "asking again changes nothing"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"cron": "61 * * * *"}, "cron"),
        ({"cron": 5}, "cron"),
        ({"cron": "0 0 30 2 *"}, "cron"),
        ({"timezone": "Mars/Base"}, "timezone"),
        ({"missed": "never"}, "missed"),
        ({"more": 1}, "more"),
        ({"task": {"type": "nosuch"}}, "task.type"),
        ({"task": {"type": "bulk_action"}}, "task.type"),
        ({"task": {"type": "count", "params": {"to": "x"}}}, "task.params.to"),
        ({"task": {"type": "count", "run_at": "2030-01-01T00:00:00Z"}}, "task.run_at"),
        ({"task": {"type": "count", "idempotency_key": "k"}}, "task.idempotency_key"),
        ({"task": None}, "task"),
        ({"id": "x"}, "id"),
    ],
)
async def test_what_is_wrong_is_named(client: httpx.AsyncClient, now: Runtime, change: dict[str, Any], field: str) -> None:
    assert problem(await client.post(PATH, json={**YEARLY, **change}), 422)["field"] == field
    assert now.schedules.all() == []


@pytest.mark.parametrize("word", ["", "/pause", "/resume", "/run", "/restore"])
async def test_a_schedule_that_is_none_is_not_found(client: httpx.AsyncClient, word: str) -> None:
    for name in ("x", "00000000-0000-4000-8000-000000000000", "A" * 200):
        method = client.post if word else client.get
        problem(await method(f"{PATH}/{name}{word}"), 404)
    problem(await client.put(f"{PATH}/x", json=YEARLY), 404)
    problem(await client.delete(f"{PATH}/x"), 404)


async def test_there_are_so_many_and_no_more(client: httpx.AsyncClient, now: Runtime) -> None:
    now.schedules.most = 1
    await made(client)
    problem(await client.post(PATH, json=YEARLY), 409)
