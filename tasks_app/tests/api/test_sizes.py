"""What is shown of very many tasks stays small, and no text of a user's becomes a label."""

from __future__ import annotations

import re

import httpx

from tasks_app.engine.task import Status
from tasks_app.runtime import Runtime
from tasks_app.tests.api.conftest import launch, problem

MANY = 10_000


async def test_a_page_of_ten_thousand_tasks_has_fifty_rows_and_few_elements(client: httpx.AsyncClient, now: Runtime) -> None:
    now.engine.pause("count")
    tasks = [{"type": "count", "name": "a name", "tags": ["one", "two"]}] * MANY
    assert (await client.post("/api/v2/tasks/bulk", json={"tasks": tasks})).status_code == 201
    page = (await client.get("/", headers={"accept": "text/html,application/xhtml+xml"})).text
    assert page.count('data-slot="status"') == 50
    assert len(re.findall(r"<[a-z]", page)) <= 3000
    assert f"{MANY:,}" in page
    assert len((await client.get("/api/v2/tasks", params={"limit": 200})).json()["items"]) == 200


async def test_labels_of_metrics_come_from_fixed_sets(client: httpx.AsyncClient, now: Runtime) -> None:
    now.engine.pause("count")
    await launch(client, name='mine"} 1', tags=["mine"], idempotency_key="mine")
    await client.post("/api/v2/tasks", json={"type": "mine"})
    await client.get("/api/v2/types/mine")
    text = (await client.get("/metrics")).text
    assert "mine" not in text
    labels = set(
        re.findall(r'(?<=[{,])(type|status)="([^"]*)"', "\n".join(line for line in text.splitlines() if line.startswith("iotask_")))
    )
    assert ("type", "count") in labels
    assert {value for name, value in labels if name == "type"} <= {kind.name for kind in now.registry}
    assert {value for name, value in labels if name == "status"} <= set(Status)


async def test_one_of_many_may_be_as_large_as_one_alone(client: httpx.AsyncClient) -> None:
    tasks = [{"type": "count"}, {"type": "count", "name": "n" * 65_536}]
    problem(await client.post("/api/v2/tasks/bulk", json={"tasks": tasks}), 422, field="tasks.1", code="invalid_value")
    assert (await client.get("/api/v2/tasks")).json()["total"] == 0
