"""Deleting can be undone, and an action counted beforehand, through /api/v2."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tasks_app.runtime import Runtime
from tasks_app.tests.api.conftest import launch, problem, until

TASKS = "/api/v2/tasks"
ACTIONS = "/api/v2/actions"
NOBODY = "00000000-0000-4000-8000-000000000000"


async def test_a_deleted_task_is_restored_as_it_was(client: httpx.AsyncClient, now: Runtime) -> None:
    now.engine.pause("count")
    task = await launch(client, name="kept", tags=["a"])
    other = await launch(client)
    assert (await client.delete(f"{TASKS}/{task['id']}")).status_code == 204
    problem(await client.get(f"{TASKS}/{task['id']}"), 404)
    answer = await client.post(f"{TASKS}/{task['id']}/restore")
    back = answer.json()
    assert answer.status_code == 200
    assert {**back, "version": 0, "waiting": 0} == {**task, "version": 0, "waiting": 0}
    assert [one["id"] for one in (await client.get(TASKS)).json()["items"]] == [other["id"], task["id"]]
    problem(await client.post(f"{TASKS}/{task['id']}/restore"), 409, code="conflict")


async def test_what_is_not_deleted_cannot_be_restored(client: httpx.AsyncClient) -> None:
    task = await launch(client)
    problem(await client.post(f"{TASKS}/{task['id']}/restore"), 409)
    problem(await client.post(f"{TASKS}/{NOBODY}/restore"), 404)
    problem(await client.post(f"{TASKS}/1/restore"), 404)
    problem(await client.post(f"{TASKS}/{task['id']}/restore", json={"a": 1}), 422)


@pytest.mark.parametrize("which", [{"tag": ["many"]}, {"q": "swept tag:many"}])
async def test_an_action_is_counted_without_being_done(client: httpx.AsyncClient, now: Runtime, which: dict[str, Any]) -> None:
    now.engine.pause("count")
    await client.post(f"{TASKS}/bulk", json={"tasks": [{"type": "count", "tags": ["many"], "name": "swept"}] * 600})
    ended = await launch(client, tags=["many"], name="swept")
    await client.post(f"{TASKS}/{ended['id']}/cancel")
    held = len(now.store)
    answer = await client.post(ACTIONS, json={"action": "cancel", "filter": which, "dry_run": True})
    assert answer.status_code == 200
    assert answer.json() == {
        "action": "cancel",
        "matched": 601,
        "acts": 600,
        "left": 1,
        "gone": 0,
        "acts_by_status": {"pending": 600},
        "left_by_status": {"cancelled": 1},
    }
    assert len(now.store) == held, "a task was made"
    assert "location" not in answer.headers
    done = (await client.post(ACTIONS, json={"action": "cancel", "filter": which})).json()
    result = (await until(client, done["id"], "completed"))["result"]
    assert (result["matched"], result["done"], result["skipped"]) == (601, 600, 1)


async def test_of_ids_the_count_says_which_are_gone(client: httpx.AsyncClient) -> None:
    task = await launch(client)
    answer = await client.post(ACTIONS, json={"action": "delete", "ids": [task["id"], task["id"], NOBODY], "dry_run": True})
    assert (answer.json()["matched"], answer.json()["gone"]) == (1, 1)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "delete", "filter": {}, "dry_run": "yes"}, "dry_run"),
        ({"action": "delete", "filter": {}, "dry_run": None}, "dry_run"),
        ({"action": "burn", "filter": {}, "dry_run": True}, "action"),
        ({"action": "delete", "dry_run": True}, "ids"),
        ({"action": "delete", "filter": {"status": ["odd"]}, "dry_run": True}, "filter"),
    ],
)
async def test_what_is_wrong_with_a_count_is_named(client: httpx.AsyncClient, body: dict[str, Any], field: str) -> None:
    problem(await client.post(ACTIONS, json=body), 422, field=field)


async def test_a_bulk_delete_is_undone_through_the_api(client: httpx.AsyncClient, now: Runtime) -> None:
    now.engine.pause("count")
    ids = [(await launch(client))["id"] for _ in range(3)]
    task = (await client.post(ACTIONS, json={"action": "delete", "ids": ids})).json()
    await until(client, task["id"], "completed")
    answer = await client.post(f"{ACTIONS}/{task['id']}/undo")
    back = answer.json()
    assert (answer.status_code, back["type"], answer.headers["location"]) == (202, "bulk_undo", f"{TASKS}/{back['id']}")
    assert (await until(client, back["id"], "completed"))["result"]["done"] == 3
    for task_id in ids:
        assert (await client.get(f"{TASKS}/{task_id}")).json()["status"] == "pending"
    problem(await client.post(f"{ACTIONS}/{task['id']}/undo"), 409)
    problem(await client.post(f"{ACTIONS}/{ids[0]}/undo"), 404)
    problem(await client.post(f"{ACTIONS}/{NOBODY}/undo"), 404)
