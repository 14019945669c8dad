"""The pulse through the API: the dashboard's figures, slot by slot."""

from __future__ import annotations

import httpx
import pytest

from tasks_app.tests.api.conftest import problem, until

PULSE = "/api/v2/pulse"


@pytest.mark.parametrize(("span", "seconds", "count"), [("hour", 60, 60), ("day", 900, 96)])
async def test_what_ran_is_counted_in_the_newest_slots(client: httpx.AsyncClient, span: str, seconds: int, count: int) -> None:
    made = await client.post("/api/v2/tasks", json={"type": "count", "params": {"to": 2, "interval": 0}})
    await until(client, made.json()["id"], "completed")
    found = (await client.get(PULSE, params={"span": span})).json()
    assert (found["span"], found["slot_seconds"], len(found["slots"]), found["told"]) == (span, seconds, count, False)
    newest = found["slots"][-2:]  # a slot may have ended meanwhile
    assert sum(slot["accepted"] for slot in newest) == sum(slot["started"] for slot in newest) == 1
    assert sum(slot["ended"]["completed"] for slot in newest) == 1
    (ran,) = [slot for slot in newest if slot["ended"]["completed"]]
    assert ran["by_type"]["count"]["ended"] == {"completed": 1, "failed": 0, "cancelled": 0, "interrupted": 0}
    assert 0 <= ran["p50_seconds"] <= ran["p95_seconds"]
    assert all(slot["end"] == following["start"] for slot, following in zip(found["slots"], found["slots"][1:], strict=False))


async def test_the_hour_is_what_is_meant_where_no_span_is_named(client: httpx.AsyncClient) -> None:
    assert (await client.get(PULSE)).json()["span"] == "hour"


async def test_any_other_span_or_parameter_is_refused_by_name(client: httpx.AsyncClient) -> None:
    wrong = await client.get(PULSE, params={"span": "week"})
    assert problem(wrong, 422)["field"] == "span"
    assert problem(await client.get(PULSE, params={"of": "day"}), 422)["field"] == "of"
