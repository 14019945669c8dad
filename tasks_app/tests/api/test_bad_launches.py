"""A launch that cannot be right is refused with the name of its field, and no task is made."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tasks_app.runtime import Runtime
from tasks_app.tests.api.conftest import problem

TASKS = "/api/v2/tasks"
LAUNCHES: list[tuple[dict[str, Any], str]] = [
    ({}, "type"),
    ({"type": "nope"}, "type"),
    ({"type": ""}, "type"),
    ({"type": "x" * 65}, "type"),
    ({"type": None}, "type"),
    ({"type": ["count"]}, "type"),
    ({"type": "bulk_action", "params": {"action": "delete", "filter": {}}}, "type"),
    ({"type": "count", "unknown": 1}, "unknown"),
    *(
        ({"type": "count", name: "x"}, name)
        for name in ("id", "status", "number", "created_at", "result", "version", "by", "via", "rerun_of")
    ),
    ({"type": "count", "params": None}, "params"),
    ({"type": "count", "params": []}, "params"),
    ({"type": "count", "params": {"too": 1}}, "params.too"),
    ({"type": "count", "params": {"to": True}}, "params.to"),
    ({"type": "count", "params": {"to": 1.0}}, "params.to"),
    ({"type": "count", "params": {"to": "5"}}, "params.to"),
    ({"type": "count", "params": {"to": None}}, "params.to"),
    ({"type": "count", "params": {"to": 0}}, "params.to"),
    ({"type": "count", "params": {"to": 10**9}}, "params.to"),
    ({"type": "count", "params": {"interval": "NaN"}}, "params.interval"),
    ({"type": "count", "params": {"interval": -1}}, "params.interval"),
    *(({"type": "ping", "params": {"address": "localhost", "port": port}}, "params.port") for port in (0, -1, 65536, 443.5, "https", True)),
    ({"type": "ping", "params": {"address": "localhost", "count": 0}}, "params.count"),
    ({"type": "ping", "params": {"address": "localhost", "interval": 0}}, "params.interval"),
    ({"type": "long_computation", "params": {"duration": -1}}, "params.duration"),
    ({"type": "long_computation", "params": {"duration": 1e10}}, "params.duration"),
    ({"type": "count", "name": "x" * 201}, "name"),
    *(({"type": "count", "name": name}, "name") for name in ("a\nb", "a\x1bb", "a\x7fb", "a\u2028b", 1, None)),
    ({"type": "count", "tags": "a"}, "tags"),
    ({"type": "count", "tags": ["a b"]}, "tags.0"),
    ({"type": "count", "tags": [""]}, "tags.0"),
    ({"type": "count", "tags": [str(number) for number in range(17)]}, "tags"),
    *(({"type": "count", "priority": value}, "priority") for value in (101, -101, 1.5, "1", True)),
    *(({"type": "count", "timeout": value}, "timeout") for value in (0, -1, "1", 10**9, True)),
    *(({"type": "count", "max_attempts": value}, "max_attempts") for value in (0, 51, 1.5, True)),
    *(({"type": "count", "run_at": value}, "run_at") for value in ("tomorrow", "2030-01-01T00:00:00", "2030-02-30T00:00:00Z", 1e9, "")),
    *(({"type": "count", "idempotency_key": value}, "idempotency_key") for value in ("", "x" * 201, 1, "a\nb")),
]


@pytest.mark.parametrize(("body", "field"), LAUNCHES, ids=lambda part: json.dumps(part)[:60])
async def test_a_launch_that_cannot_be_right_names_its_field(
    client: httpx.AsyncClient, now: Runtime, body: dict[str, Any], field: str
) -> None:
    problem(await client.post(TASKS, json=body), 422, field=field)
    assert len(now.store) == 0
