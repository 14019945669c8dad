"""A task's life through the API."""

from __future__ import annotations

import asyncio
import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tasks_app.runtime import Runtime
from tasks_app.tests.api.conftest import launch, problem, until
from tasks_app.tests.web.conftest import BROWSER

TASKS = "/api/v2/tasks"
QUICK = {"to": 3, "interval": 0}
SLOW = {"to": 1000, "interval": 60}
FIELDS = {
    "id", "number", "type", "name", "tags", "params", "status", "progress", "attempts", "result", "error", "priority", "timeout",
    "max_attempts", "created_at", "scheduled_for", "started_at", "ended_at", "duration_seconds", "waiting", "cancel",
    "via", "webhook", "serial", "rerun_of", "celery", "version",
}  # fmt: skip
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")


async def test_a_launched_task_runs_and_can_be_read(client: httpx.AsyncClient) -> None:
    body = {"type": "count", "params": QUICK, "name": "<b>", "tags": ["a", "b", "a"], "priority": 3, "timeout": 9.5, "max_attempts": 2}
    answer = await client.post(TASKS, json=body)
    assert answer.status_code == 201
    task = answer.json()
    assert answer.headers["location"] == f"{TASKS}/{task['id']}"
    assert set(task) == FIELDS
    assert uuid.UUID(task["id"]).version == 4
    done = await until(client, task["id"], "completed")
    assert (done["name"], done["tags"], done["priority"], done["timeout"], done["max_attempts"]) == ("<b>", ["a", "b"], 3, 9.5, 2)
    assert done["result"] == {"counted": 3, "interval": 0.0}
    assert (done["progress"]["current"], done["progress"]["total"], done["progress"]["eta_seconds"]) == (3, 3, 0)
    assert [(a["number"], a["outcome"], a["error"]) for a in done["attempts"]] == [(1, "completed", None)]
    assert done["version"] > task["version"]
    for name in ("created_at", "started_at", "ended_at"):
        assert RFC_3339.fullmatch(done[name])
    assert done["created_at"] <= done["started_at"] <= done["ended_at"]
    assert done["duration_seconds"] >= 0
    assert done["waiting"] is None


DOORS = ("api/v2/tasks/{id}", "api/v2/tasks?tag=shown", "api/v2/tasks/export?tag=shown&format=json", "?tag=shown", "tasks/{id}")


@pytest.mark.parametrize("door", DOORS)
async def test_each_door_shows_what_was_reported_last_and_writes_nothing_for_those_it_does_not_show(
    client: httpx.AsyncClient, now: Runtime, monkeypatch: pytest.MonkeyPatch, door: str
) -> None:
    monkeypatch.setattr(now.engine._dispatcher, "_flush", lambda: None)  # or a tick in between would do it
    task = await launch(client, "scripted", params={"mode": "hang"}, tags=["shown"])
    other = await launch(client, "scripted", params={"mode": "hang"})
    for one in (task, other):
        await until(client, one["id"], "processing")
    for one in (task, other):
        now.engine.reports.take(one["number"], 1, (41.7, 100, f"has come to word {one['number']}"))
    said = await client.get("/" + door.format(id=task["id"]), headers={} if door.startswith("api") else BROWSER)
    assert said.status_code == 200
    assert f"has come to word {task['number']}" in said.text
    assert f"has come to word {other['number']}" not in said.text
    assert now.engine.reports.waiting == 1


async def test_a_comparison_writes_the_progress_of_both_and_of_nobody_else(
    client: httpx.AsyncClient, now: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(now.engine._dispatcher, "_flush", lambda: None)
    first, second, other = [await launch(client, "scripted", params={"mode": "hang"}) for _ in range(3)]
    for one in (first, second, other):
        await until(client, one["id"], "processing")
        now.engine.reports.take(one["number"], 1, (1, 2, ""))
    said = await client.get(f"/compare?a={first['id']}&b={second['id']}", headers=BROWSER)
    assert said.status_code == 200
    assert now.engine.reports.waiting == 1
    assert [bool(task.progress) for task in now.store.many([one["number"] for one in (first, second, other)])] == [True, True, False]


async def test_progress_rises_while_a_task_runs(client: httpx.AsyncClient) -> None:
    task = await launch(client, params={"to": 1000, "interval": 0.01})
    await until(client, task["id"], "processing")
    seen: set[float] = set()
    async with asyncio.timeout(60):
        while len(seen) < 3:
            progress = (await client.get(f"{TASKS}/{task['id']}")).json()["progress"]
            seen |= {progress["current"]} if progress else set()
    assert progress["rate"] > 0
    assert progress["eta_seconds"] > 0


async def test_a_waiting_task_says_why_and_where_it_stands(client: httpx.AsyncClient) -> None:
    assert (await client.patch("/api/v2/queues/count", json={"concurrency": 1})).json()["concurrency"] == 1
    first = await launch(client, params=SLOW)
    await until(client, first["id"], "processing")
    second, third = await launch(client, params=SLOW), await launch(client, params=SLOW)
    waiting = (await client.get(f"{TASKS}/{third['id']}")).json()["waiting"]
    assert waiting == {"position": 2, "code": "type_full", "reason": "All 1 slots of this type are busy.", "eta_seconds": None}
    await client.patch("/api/v2/queues/count", json={"paused": True})
    assert (await client.get(f"{TASKS}/{second['id']}")).json()["waiting"]["code"] == "paused"
    assert (await client.get("/api/v2/queues/count")).json() == {
        "type": "count",
        "paused": True,
        "concurrency": 1,
        "running": 1,
        "waiting": 2,
    }


async def test_a_task_may_start_later(client: httpx.AsyncClient) -> None:
    at = datetime.now(UTC) + timedelta(hours=2)
    task = await launch(client, run_at=at.isoformat())
    assert task["status"] == "scheduled"
    assert datetime.fromisoformat(task["scheduled_for"]) == at
    assert task["waiting"]["code"] == "scheduled"
    assert task["waiting"]["eta_seconds"] == pytest.approx(7200, abs=30)
    answer = await client.post(f"{TASKS}/{task['id']}/start")
    assert (answer.status_code, answer.json()["status"], answer.json()["scheduled_for"]) == (202, "pending", None)
    problem(await client.post(f"{TASKS}/{uuid.uuid4()}/start"), 404)
    problem(await client.post(f"{TASKS}/{(await until(client, task['id'], 'processing'))['id']}/start"), 409)


async def test_a_secret_never_comes_back(client: httpx.AsyncClient) -> None:
    task = await launch(client, "scripted", params={"password": "tops3cret"})
    done = await until(client, task["id"], "completed")
    assert done["result"]["password"] == len("tops3cret"), "the handler did not get it"
    for path in (f"{TASKS}/{task['id']}", TASKS, f"{TASKS}?q=tops3cret"):
        assert "tops3cret" not in (await client.get(path)).text.replace("q=tops3cret", "")


async def test_a_running_task_is_cancelled(client: httpx.AsyncClient) -> None:
    task = await launch(client, params=SLOW)
    await until(client, task["id"], "processing")
    answer = await client.post(f"{TASKS}/{task['id']}/cancel")
    assert answer.status_code == 202
    assert answer.json()["status"] in ("cancelling", "cancelled")
    done = await until(client, task["id"], "cancelled")
    assert done["cancel"]["reason"] == "Asked through the API"
    problem(await client.post(f"{TASKS}/{task['id']}/cancel"), 409, code="illegal_transition")


async def test_force_ends_a_handler_that_does_not_stop(client: httpx.AsyncClient) -> None:
    task = await launch(client, "scripted_thread", params={"mode": "stubborn"})
    await until(client, task["id"], "processing")
    await client.post(f"{TASKS}/{task['id']}/cancel")
    assert (await client.get(f"{TASKS}/{task['id']}")).json()["status"] == "cancelling"
    assert (await client.post(f"{TASKS}/{task['id']}/cancel?force=true")).json()["cancel"]["forced"]
    done = await until(client, task["id"], "cancelled")
    assert done["cancel"]["abandoned"]


async def test_a_failed_task_shows_why_and_is_retried(client: httpx.AsyncClient) -> None:
    task = await launch(client, "scripted", params={"mode": "fail_then_ok", "times": 1})
    failed = await until(client, task["id"], "failed")
    assert failed["error"]["type"] == "ValueError"
    assert "attempt 1" in failed["error"]["message"]
    assert "Traceback" in failed["error"]["traceback"]
    answer = await client.post(f"{TASKS}/{task['id']}/retry")
    assert (answer.status_code, answer.json()["id"]) == (202, task["id"])
    done = await until(client, task["id"], "completed")
    assert [attempt["outcome"] for attempt in done["attempts"]] == ["failed", "completed"]
    problem(await client.post(f"{TASKS}/{task['id']}/retry"), 409, code="illegal_transition")


async def test_a_rerun_is_a_new_task_that_names_the_old_one(client: httpx.AsyncClient) -> None:
    task = await launch(client, params=QUICK, name="again", tags=["t"])
    await until(client, task["id"], "completed")
    answer = await client.post(f"{TASKS}/{task['id']}/rerun")
    new = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (202, f"{TASKS}/{new['id']}")
    assert new["id"] != task["id"]
    assert (new["rerun_of"], new["name"], new["tags"], new["params"]) == (task["id"], "again", ["t"], task["params"])


async def test_a_deleted_task_is_gone_for_good(client: httpx.AsyncClient) -> None:
    task = await launch(client, params=SLOW)
    await until(client, task["id"], "processing")
    answer = await client.delete(f"{TASKS}/{task['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-length" not in answer.headers
    for method, rest in (("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("POST", "/rerun"), ("GET", "/logs")):
        problem(await client.request(method, f"{TASKS}/{task['id']}{rest}"), 404)


async def test_a_log_is_read_from_where_one_left_off(client: httpx.AsyncClient) -> None:
    task = await launch(client, "scripted", params={"mode": "talks"})
    await until(client, task["id"], "completed")
    log = (await client.get(f"{TASKS}/{task['id']}/logs")).json()
    (line,) = log["items"]
    assert (line["seq"], line["level"], line["text"], line["attempt"]) == (1, "warning", "a line", 1)
    assert RFC_3339.fullmatch(line["at"])
    assert (log["next"], log["dropped"]) == (1, 0)
    assert (await client.get(f"{TASKS}/{task['id']}/logs", params={"after": 1})).json() == {"items": [], "next": 1, "dropped": 0}
    assert (await client.get(f"{TASKS}/{task['id']}/logs", params={"level": "error"})).json()["items"] == []


async def test_a_list_is_filtered_ordered_and_paged(client: httpx.AsyncClient, now: Runtime) -> None:
    now.engine.pause("count")
    for number in range(7):
        await launch(client, name=f"name-{number}", tags=["odd" if number % 2 else "even"])
    await launch(client, "ping", params={"address": "127.0.0.1"}, run_at="2999-01-01T00:00:00Z")

    async def listed(**params: Any) -> dict[str, Any]:
        answer = await client.get(TASKS, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()  # type: ignore[no-any-return]

    page = await listed()
    assert [task["number"] for task in page["items"]] == [8, 7, 6, 5, 4, 3, 2, 1]
    assert (page["total"], page["next"]) == (8, None)
    assert "searched" not in page
    assert [task["number"] for task in (await listed(tag="odd"))["items"]] == [6, 4, 2]
    assert (await listed(tag=["odd", "even"]))["total"] == 7
    assert (await listed(type=["ping", "count"], status="scheduled"))["total"] == 1
    found = await listed(q="NAME-3")
    assert [task["name"] for task in found["items"]] == ["name-3"]
    assert found["searched"] == 8
    numbers: list[int] = []
    cursor: dict[str, str] = {}
    while True:
        page = await listed(sort="created", limit=3, type="count", **cursor)
        numbers += [task["number"] for task in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert numbers == [1, 2, 3, 4, 5, 6, 7]


async def test_the_same_key_a_hundred_times_at_once_makes_one_task(client: httpx.AsyncClient, now: Runtime) -> None:
    now.engine.pause("count")
    body = {"type": "count", "params": QUICK, "idempotency_key": "k"}
    answers = await asyncio.gather(*(client.post(TASKS, json=body) for _ in range(100)))
    assert sorted(answer.status_code for answer in answers) == [200] * 99 + [201]
    assert len({answer.text for answer in answers}) == 1
    assert len(now.store) == 1
    again = await client.post(TASKS, json={"type": "count", "params": QUICK}, headers={"idempotency-key": "k"})
    assert (again.status_code, again.json()["id"]) == (200, answers[0].json()["id"])
    problem(await client.post(TASKS, json={**body, "priority": 1}), 409, field="idempotency_key", code="idempotency_conflict")
    problem(await client.post(TASKS, json=body, headers={"idempotency-key": "other"}), 422, field="idempotency_key")


async def test_ten_thousand_tasks_in_one_call_and_others_are_served_meanwhile(client: httpx.AsyncClient, now: Runtime) -> None:
    now.engine.pause("count")
    call = asyncio.create_task(client.post(f"{TASKS}/bulk", json={"tasks": [{"type": "count", "params": QUICK}] * 10_000}))
    others = 0
    while not call.done():
        assert (await client.get("/healthz")).status_code == 200
        others += 1
        await asyncio.sleep(0)
    answer = call.result()
    ids = answer.json()["ids"]
    assert (answer.status_code, len(set(ids)), len(now.store)) == (201, 10_000, 10_000)
    assert others > 10, "everybody waited for the bulk call"
    assert [now.store.get(task_id).number for task_id in ids] == sorted(now.store.get(task_id).number for task_id in ids)


@pytest.mark.parametrize("action", ["cancel", "delete"])
async def test_an_action_works_on_two_thousand_tasks_as_a_task_of_its_own(client: httpx.AsyncClient, now: Runtime, action: str) -> None:
    now.engine.pause("count")
    await client.post(f"{TASKS}/bulk", json={"tasks": [{"type": "count", "tags": ["many"]}] * 2000})
    other = await launch(client, tags=["other"])
    answer = await client.post("/api/v2/actions", json={"action": action, "filter": {"tag": ["many"]}})
    task = answer.json()
    assert (answer.status_code, task["type"], answer.headers["location"]) == (202, "bulk_action", f"{TASKS}/{task['id']}")
    later = await launch(client, tags=["many"])
    done = await until(client, task["id"], "completed")
    assert done["result"] == {"matched": 2000, "done": 2000, "skipped": 0, "failed": 0, "why": {}, "left_out": []}
    assert (done["progress"]["current"], done["progress"]["total"]) == (2000, 2000)
    assert now.store.get(other["id"]).status == "pending"
    assert now.store.get(later["id"]).status == "pending", "what came after the call was touched"
    assert len(now.store) == (2003 if action == "cancel" else 3)


async def test_an_action_counts_what_it_had_to_skip(client: httpx.AsyncClient) -> None:
    done, failed = await launch(client, params=QUICK), await launch(client, "scripted", params={"mode": "fail"})
    await until(client, done["id"], "completed")
    await until(client, failed["id"], "failed")
    ids = [done["id"], failed["id"], failed["id"], "00000000-0000-4000-8000-000000000000"]
    task = (await client.post("/api/v2/actions", json={"action": "retry", "ids": ids})).json()
    result = (await until(client, task["id"], "completed"))["result"]
    assert {name: result[name] for name in ("matched", "done", "skipped", "failed")} == {"matched": 3, "done": 1, "skipped": 2, "failed": 0}
    assert result["why"] == {"completed": 1, "gone": 1}
    assert result["left_out"] == [
        {"id": done["id"], "number": done["number"], "why": "completed"},
        {"id": ids[-1], "number": 0, "why": "gone"},
    ]


async def test_an_action_on_everything_spares_itself(client: httpx.AsyncClient, now: Runtime) -> None:
    for _ in range(5):
        await launch(client)
    task = (await client.post("/api/v2/actions", json={"action": "delete", "filter": {}})).json()
    assert (await until(client, task["id"], "completed"))["result"]["done"] == 5
    assert len(now.store) == 1
    problem(await client.post(f"{TASKS}/{task['id']}/rerun"), 422, code="not_launchable")


@pytest.mark.parametrize("config", [{"max_running": 2}])
async def test_a_bulk_cancel_does_not_wait_for_what_it_is_to_cancel(client: httpx.AsyncClient) -> None:
    tasks = [await launch(client, params=SLOW) for _ in range(4)]
    await until(client, tasks[0]["id"], "processing")
    task = (await client.post("/api/v2/actions", json={"action": "cancel", "filter": {"type": ["count"]}})).json()
    await until(client, task["id"], "completed")
    for one in tasks:
        await until(client, one["id"], "cancelled")


async def test_types_describe_their_params(client: httpx.AsyncClient) -> None:
    types = {kind["name"]: kind for kind in (await client.get("/api/v2/types")).json()["items"]}
    assert {"ping", "http_check", "dns_lookup", "download", "long_computation", "count", "primes"} <= types.keys()
    count = (await client.get("/api/v2/types/count")).json()
    assert count == types["count"]
    assert count["params"]["properties"]["to"]["default"] == 200
    assert not types["bulk_action"]["launchable"]


async def test_stats_add_up(client: httpx.AsyncClient) -> None:
    for params in (QUICK, QUICK):
        await until(client, (await launch(client, params=params))["id"], "completed")
    await launch(client, params=SLOW)
    stats = (await client.get("/api/v2/stats")).json()
    assert stats["tasks"] == sum(stats["by_status"].values()) == 3
    assert stats["by_status"]["completed"] == stats["by_type"]["count"]["completed"] == 2
    assert stats["throughput"]["1m"]["launched"] == stats["throughput"]["1h"]["launched"] == 3
    assert stats["durations"]["count"]["count"] == 2
    assert 0 < stats["durations"]["count"]["p50"] <= stats["durations"]["count"]["p99"]
    assert stats["memory"]["rss_bytes"] > 10_000_000
    assert stats["engine"]["blocked_by"] is None


async def test_metrics_are_readable_for_prometheus(client: httpx.AsyncClient) -> None:
    await until(client, (await launch(client, params=QUICK))["id"], "completed")
    answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    lines = answer.text.splitlines()
    assert 'iotask_tasks{status="completed",type="count"} 1.0' in lines
    assert 'iotask_tasks_launched_total{type="count"} 1.0' in lines
    assert 'iotask_tasks_ended_total{status="completed",type="count"} 1.0' in lines
    assert 'iotask_task_duration_seconds_bucket{le="+Inf",outcome="completed",type="count"} 1.0' in lines
    assert any(line.startswith("process_resident_memory_bytes") for line in lines)
