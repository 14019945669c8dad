"""Bad input gets the right 4xx as problem+json, naming the field, and nothing else happens."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from tasks_app.runtime import Runtime
from tasks_app.tests.api.conftest import launch, problem
from tasks_app.tests.api.test_strict_json import MALFORMED, NOT_OBJECTS

TASKS = "/api/v2/tasks"
UNKNOWN = "00000000-0000-4000-8000-000000000000"

QUERIES: list[tuple[str, int, str]] = [
    *((f"limit={value}", 422, "limit") for value in ("0", "-1", "201", "1e9", "abc", "", "1.0", "%2B1", "٣", " 1", "9" * 5000)),
    ("limit=1&limit=2", 422, "limit"),
    ("sort=__class__", 422, "sort"),
    ("sort=", 422, "sort"),
    ("status=done", 422, "status"),
    ("status=", 422, "status"),
    ("status=failed,cancelled", 422, "status"),
    ("type=" + "x" * 201, 422, "type"),
    ("tag=", 422, "tag"),
    ("&".join(f"tag=t{number}" for number in range(33)), 422, "tag"),
    ("q=" + "x" * 501, 422, "q"),
    ("q=%00", 422, "q"),
    ("cursor=%00", 422, "cursor"),
    ("page=2", 422, "page"),
    ("__class__=1", 422, "__class__"),
    *((f"cursor={value}", 400, "cursor") for value in ("", "abc", "x" * 10_000, "é", "MTIzNDU6MQ")),
]

TYPES = [
    (None, 415),
    ("text/plain", 415),
    ("application/x-www-form-urlencoded", 415),
    ("multipart/form-data; boundary=x", 415),
    ("application/json; charset=utf-16", 415),
    ("application/json; charset=latin-1", 415),
    ("application/json, text/plain", 415),
    ("application/json; profile=x", 415),
    ("application/jsonp", 415),
    ("application/json", 201),
    ("APPLICATION/JSON", 201),
    ("application/json;charset=utf-8", 201),
    ('application/json; charset="UTF-8"', 201),
]

BAD_IDS = ["x", "1", "0" * 36, UNKNOWN.replace("-", ""), "{" + UNKNOWN + "}", "%00", "a" * 10_000, "..%2f..", UNKNOWN + "0", "ы"]


@pytest.mark.parametrize(("query", "status", "field"), QUERIES, ids=lambda part: str(part)[:40])
async def test_a_list_that_cannot_be_right_names_its_parameter(client: httpx.AsyncClient, query: str, status: int, field: str) -> None:
    problem(await client.get(f"{TASKS}?{query}"), status, field=field)


async def test_a_cursor_of_another_filter_is_refused(client: httpx.AsyncClient) -> None:
    for _ in range(3):
        await launch(client)
    cursor = (await client.get(TASKS, params={"limit": 1})).json()["next"]
    problem(await client.get(TASKS, params={"limit": 1, "cursor": cursor, "type": "ping"}), 400, field="cursor")
    problem(await client.get(TASKS, params={"limit": 1, "cursor": cursor[:-2]}), 400, field="cursor")


@pytest.mark.parametrize(("content_type", "status"), TYPES)
async def test_only_json_in_utf_8_is_read(client: httpx.AsyncClient, content_type: str | None, status: int) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    answer = await client.post(TASKS, content=b'{"type":"count"}', headers=headers)
    assert answer.status_code == status
    if status == 415:
        problem(answer, 415)


async def test_a_compressed_body_is_refused_unread(client: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    problem(await client.post(TASKS, content=b"\x1f\x8b" + b"\0" * 100, headers=headers), 415)


@pytest.mark.parametrize("path", [TASKS, f"{TASKS}/bulk", "/api/v2/actions"])
async def test_every_door_refuses_what_is_not_strict_json(client: httpx.AsyncClient, now: Runtime, path: str) -> None:
    headers = {"content-type": "application/json"}
    for body in MALFORMED:
        status = 413 if path == TASKS and len(body) > 65_536 else 400  # one that is too large is not looked at
        problem(await client.post(path, content=body, headers=headers), status)
    for body in NOT_OBJECTS:
        problem(await client.post(path, content=body, headers=headers), 422)
    problem(await client.post(path, content=b'{"type":"count","name":"\\u0000"}', headers=headers), 422)
    assert len(now.store) == 0


@pytest.mark.parametrize("task_id", [*BAD_IDS, UNKNOWN])
async def test_an_id_that_is_none_is_simply_not_found(client: httpx.AsyncClient, task_id: str) -> None:
    told = {
        problem(await client.request(method, f"{TASKS}/{task_id}{rest}"), 404)["detail"]
        for method, rest in (("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("POST", "/retry"), ("POST", "/rerun"), ("GET", "/logs"))
    }
    assert len(told) == 1, "an unknown id and a malformed one are told apart"


async def test_an_id_in_upper_case_is_another_id(client: httpx.AsyncClient) -> None:
    task_id = (await launch(client))["id"]
    assert (await client.get(f"{TASKS}/{task_id}")).status_code == 200
    if task_id.upper() != task_id:
        problem(await client.get(f"{TASKS}/{task_id.upper()}"), 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", TASKS, "GET, HEAD, OPTIONS, POST"),
        ("DELETE", TASKS, "GET, HEAD, OPTIONS, POST"),
        ("PATCH", TASKS, "GET, HEAD, OPTIONS, POST"),
        ("POST", f"{TASKS}/{UNKNOWN}", "DELETE, GET, HEAD, OPTIONS"),
        ("GET", f"{TASKS}/{UNKNOWN}/cancel", "OPTIONS, POST"),
        ("GET", f"{TASKS}/bulk", "OPTIONS, POST"),
        ("PUT", "/api/v2/queues/count", "GET, HEAD, OPTIONS, PATCH"),
        ("TRACE", TASKS, "GET, HEAD, OPTIONS, POST"),
        ("FOO", TASKS, "GET, HEAD, OPTIONS, POST"),
        ("M" * 10_000, TASKS, "GET, HEAD, OPTIONS, POST"),
        ("POST", "/healthz", "GET, HEAD, OPTIONS"),
        ("DELETE", "/metrics", "GET, HEAD, OPTIONS"),
    ],
    ids=lambda part: part[:30],
)
async def test_a_wrong_method_hears_which_are_right(client: httpx.AsyncClient, method: str, path: str, allowed: str) -> None:
    answer = await client.request(method, path)
    problem(answer, 405)
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/v2", "/api/v2/", "/api/v2/nope", "/api/v3/tasks", "/api/v2/tasks/", "/api/v2//tasks"]
)
async def test_a_path_that_leads_nowhere_is_json_too(client: httpx.AsyncClient, path: str) -> None:
    problem(await client.get(path, headers={"accept": "text/html"}), 404)


@pytest.mark.parametrize("name", ["nope", "__class__", "x" * 5000, "ы", "%00"])
async def test_an_unknown_type_in_a_path_is_not_found(client: httpx.AsyncClient, name: str) -> None:
    problem(await client.get(f"/api/v2/types/{name}"), 404)
    problem(await client.get(f"/api/v2/queues/{name}"), 404)
    problem(await client.patch(f"/api/v2/queues/{name}", json={"paused": True}), 404)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "paused"),
        ({"paused": 1}, "paused"),
        ({"paused": None}, "paused"),
        ({"concurrency": 0}, "concurrency"),
        ({"concurrency": True}, "concurrency"),
        ({"concurrency": 1.0}, "concurrency"),
        ({"concurrency": 10**9}, "concurrency"),
        ({"paused": True, "running": 1}, "running"),
    ],
)
async def test_a_queue_is_set_whole_or_not_at_all(client: httpx.AsyncClient, now: Runtime, body: dict[str, Any], field: str) -> None:
    problem(await client.patch("/api/v2/queues/count", json=body), 422, field=field)
    assert not now.engine.queues.get("count").paused


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "action"),
        ({"action": "explode", "filter": {}}, "action"),
        ({"action": "delete"}, "ids"),
        ({"action": "delete", "ids": [], "filter": {}}, "ids"),
        ({"action": "delete", "ids": ["x"]}, "ids.0"),
        ({"action": "delete", "ids": [UNKNOWN.upper().replace("0", "A")]}, "ids.0"),
        ({"action": "delete", "ids": [UNKNOWN] * 1001}, "ids"),
        ({"action": "delete", "ids": "all"}, "ids"),
        ({"action": "delete", "filter": {"status": ["done"]}}, "filter"),
        ({"action": "delete", "filter": {"status": "failed"}}, "filter.status"),
        ({"action": "delete", "filter": {"limit": 1}}, "filter.limit"),
        ({"action": "delete", "filter": None}, "ids"),
        ({"action": "delete", "filter": {}, "force": True}, "force"),
    ],
    ids=lambda part: json.dumps(part)[:60],
)
async def test_an_action_that_cannot_be_right_names_its_field(
    client: httpx.AsyncClient, now: Runtime, body: dict[str, Any], field: str
) -> None:
    problem(await client.post("/api/v2/actions", json=body), 422, field=field)
    assert len(now.store) == 0


@pytest.mark.parametrize("query", ["force=1", "force=", "force=True", "force=true&force=true", "forced=true"])
async def test_force_is_true_or_false(client: httpx.AsyncClient, query: str) -> None:
    task_id = (await launch(client))["id"]
    problem(await client.post(f"{TASKS}/{task_id}/cancel?{query}"), 422, field=query.split("=")[0])


async def test_a_call_without_a_body_refuses_one(client: httpx.AsyncClient) -> None:
    task_id = (await launch(client))["id"]
    problem(await client.post(f"{TASKS}/{task_id}/cancel", json={"force": True}), 422)
    problem(await client.post(f"{TASKS}/{task_id}/cancel", data={"a": "b"}), 415)
    problem(await client.post(f"{TASKS}/{task_id}/cancel", headers={"content-type": "text/plain"}), 415)
    assert (await client.post(f"{TASKS}/{task_id}/cancel", json={})).status_code == 202


@pytest.mark.parametrize("level", ["trace", "", "INFO"])
async def test_a_log_level_is_one_of_four(client: httpx.AsyncClient, level: str) -> None:
    task_id = (await launch(client))["id"]
    problem(await client.get(f"{TASKS}/{task_id}/logs", params={"level": level}), 422, field="level")
    problem(await client.get(f"{TASKS}/{task_id}/logs", params={"after": "-1"}), 422, field="after")


async def test_what_has_no_parameters_refuses_them(client: httpx.AsyncClient) -> None:
    for path in ("/api/v2/stats", "/api/v2/types", "/api/v2/types/count", "/api/v2/queues/count", "/api/v2/openapi.json"):
        problem(await client.get(path, params={"x": "1"}), 422, field="x")


async def test_a_bulk_launch_is_all_or_nothing(client: httpx.AsyncClient, now: Runtime) -> None:
    good = {"type": "count", "params": {"to": 1, "interval": 0}}
    for bad, field in (
        ({"type": "nope"}, "tasks.7.type"),
        ({"type": "count", "params": {"to": 0}}, "tasks.7.params.to"),
        ({**good, "idempotency_key": "a"}, "tasks.7.idempotency_key"),
        ("count", "tasks.7"),
    ):
        problem(await client.post(f"{TASKS}/bulk", json={"tasks": [good] * 7 + [bad] + [good] * 7}), 422, field=field)
    for body, field in (
        ({}, "tasks"),
        ({"tasks": []}, "tasks"),
        ({"tasks": {}}, "tasks"),
        ({"tasks": [good] * 10_001}, "tasks"),
        ({"tasks": [good], "atomic": False}, "atomic"),
    ):
        problem(await client.post(f"{TASKS}/bulk", json=body), 422, field=field)
    assert len(now.store) == 0


async def test_what_breaks_inside_is_a_problem_without_its_reason(
    client: httpx.AsyncClient, now: Runtime, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("a secret inside")

    monkeypatch.setattr(now.engine.together, "submit", broken)
    answer = await client.post(TASKS, json={"type": "count"})
    problem(answer, 500, code="internal_error")
    assert "secret" not in answer.text
    assert [record.exc_info is not None for record in caplog.records if record.name == "iotask.api"] == [True]


@pytest.mark.parametrize("config", [{"max_waiting": 3}])
async def test_a_full_server_says_when_to_come_again_and_can_still_be_emptied(client: httpx.AsyncClient, now: Runtime) -> None:
    now.engine.pause("count")
    for _ in range(3):
        await launch(client)
    for path, body in ((TASKS, {"type": "count"}), (f"{TASKS}/bulk", {"tasks": [{"type": "count"}]})):
        answer = await client.post(path, json=body)
        problem(answer, 503, code="waiting_full")
        assert int(answer.headers["retry-after"]) > 0
    problem(await client.get("/readyz"), 503, code="not_ready")
    assert (await client.get("/healthz")).status_code == 200
    assert (await client.post("/api/v2/actions", json={"action": "delete", "filter": {"type": ["count"]}})).status_code == 202
    async with asyncio.timeout(60):
        while now.store.waiting:  # noqa: ASYNC110 - it is emptied by another thread
            await asyncio.sleep(0.01)
    assert (await client.get("/readyz")).status_code == 200


async def test_a_draining_server_takes_nothing_new(client: httpx.AsyncClient, now: Runtime) -> None:
    now.engine.begin_drain()
    answer = await client.post(TASKS, json={"type": "count"})
    problem(answer, 503, code="draining")
    assert "retry-after" in answer.headers
    problem(await client.get("/readyz"), 503)
