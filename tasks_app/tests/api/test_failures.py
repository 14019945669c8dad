"""Failures put together by what went wrong, through the API."""

from __future__ import annotations

from typing import Any

import httpx

from tasks_app.tests.api.conftest import launch, until


async def failed(client: httpx.AsyncClient, body: dict[str, Any]) -> dict[str, Any]:
    return await until(client, (await launch(client, **body))["id"], "failed")


async def test_failures_that_are_alike_are_one_group_and_are_tried_again_together(client: httpx.AsyncClient) -> None:
    tasks = [await failed(client, {"type": "scripted", "params": {"mode": "fail"}}) for _ in range(2)]
    (group,) = (await client.get("/api/v2/failures", params={"type": "scripted"})).json()["items"]
    assert group["count"] == 2
    assert group["examples"] == [tasks[1]["id"], tasks[0]["id"]]
    assert group["message"] == tasks[1]["error"]["message"]
    assert group["first_at"] <= group["last_at"]
    found = (await client.get("/api/v2/tasks", params={"q": f"failure:{group['id']}"})).json()["items"]
    assert {task["id"] for task in found} == {task["id"] for task in tasks}
    wanted = {"action": "retry", "filter": {"status": ["failed"], "q": f"failure:{group['id']}"}}
    bulk = (await client.post("/api/v2/actions", json=wanted)).json()
    ended = await until(client, bulk["id"], "completed")
    assert (ended["result"]["matched"], ended["result"]["done"]) == (2, 2)


async def test_a_type_nobody_knows_is_refused(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/v2/failures", params={"type": "nothing"})).status_code == 404
    assert (await client.get("/api/v2/failures", params={"kind": "x"})).status_code == 422


async def test_without_failures_there_are_no_groups(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/v2/failures", params={"type": "count"})).json() == {"items": [], "others": 0}
