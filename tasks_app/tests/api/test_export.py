"""Exports: whole, in order, masked, safe in a spreadsheet, and cut where they cannot be whole."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from typing import Any

import httpx
import pytest

from tasks_app.api.v2 import export
from tasks_app.asgi import Handler
from tasks_app.engine.launch import parse_launch
from tasks_app.engine.query import parse_query
from tasks_app.engine.task import Task
from tasks_app.runtime import Runtime
from tasks_app.tests.api.asgi import Exchange
from tasks_app.tests.api.conftest import problem

EXPORT = "/api/v2/tasks/export"


@pytest.fixture
def submit(now: Runtime) -> Any:
    """Accept tasks that wait."""
    now.engine.pause("count")
    return lambda **more: now.engine.submit(parse_launch({"type": "count", **more}))


def table(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


async def test_all_three_forms_tell_the_same_tasks_in_the_order_of_the_list(client: httpx.AsyncClient, submit: Any) -> None:
    made: list[Task] = [submit(name=f"task {n}", tags=["a"] if n % 2 else []) for n in range(250)]
    wanted = [task.id for task in reversed(made) if task.tags]
    asked = f"{EXPORT}?tag=a&q=task"
    plain = await client.get(asked)
    assert plain.headers["content-type"] == "application/json"
    assert [task["id"] for task in plain.json()] == wanted
    lines = await client.get(f"{asked}&format=ndjson")
    assert [json.loads(line)["id"] for line in lines.text.splitlines()] == wanted
    assert [row["id"] for row in table(await client.get(f"{asked}&format=csv"))] == wanted
    oldest = await client.get(f"{asked}&sort=created")
    assert [task["id"] for task in oldest.json()] == wanted[::-1]


async def test_an_exported_task_is_the_task_of_the_api(client: httpx.AsyncClient, submit: Any) -> None:
    task = submit(name="one")
    assert (await client.get(EXPORT)).json() == [(await client.get(f"/api/v2/tasks/{task.id}")).json()]


@pytest.mark.parametrize(("form", "whole"), [("json", b"[]\n"), ("ndjson", b"")])
async def test_an_export_of_nothing_is_an_empty_file(client: httpx.AsyncClient, form: str, whole: bytes) -> None:
    assert (await client.get(f"{EXPORT}?format={form}")).content == whole


async def test_the_file_has_a_name_with_its_time(client: httpx.AsyncClient, submit: Any) -> None:
    said = (await client.get(f"{EXPORT}?format=csv")).headers["content-disposition"]
    assert said.startswith('attachment; filename="iotask-20')
    assert said.endswith('.csv"')


async def test_a_table_has_a_column_for_each_field_and_shows_no_secret(client: httpx.AsyncClient, now: Runtime) -> None:
    now.engine.pause("scripted")
    now.engine.submit(parse_launch({"type": "scripted", "name": "=1+1", "params": {"password": "hush"}, "tags": ["a", "b"]}))
    (row,) = table(await client.get(f"{EXPORT}?format=csv&type=scripted"))
    assert "hush" not in "".join(row.values())
    assert row["name"] == "'=1+1"
    assert row["tags"] == "a b"
    assert row["params.mode"] == "ok"
    assert "params.to" not in row
    assert row["created_utc"][:3] == "202"


async def test_params_of_a_type_that_is_gone_are_kept_as_json(client: httpx.AsyncClient, submit: Any, now: Runtime) -> None:
    submit(params={"to": 7})
    del now.registry._types["count"]
    (row,) = table(await client.get(f"{EXPORT}?format=csv"))
    assert json.loads(row["other_params"])["to"] == 7


async def test_a_task_that_leaves_meanwhile_is_left_out_and_no_other(now: Runtime, submit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "SLICE", 2)
    made = [submit() for _ in range(6)]
    parts = export.Export(now, parse_query(), "ndjson").parts()
    text = await anext(parts) + await anext(parts)
    now.engine.delete(made[0].id)
    submit()
    text += b"".join([part async for part in parts])
    assert [json.loads(line)["id"] for line in text.splitlines()] == [task.id for task in reversed(made[1:])]


async def test_an_export_that_has_to_end_early_is_cut_and_not_closed(now: Runtime, submit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "SLICE", 1)
    for _ in range(3):
        submit()
    made = export.Export(now, parse_query(), "json")
    parts = made.parts()
    text = await anext(parts) + await anext(parts)
    made.end(again=False)
    with pytest.raises(asyncio.CancelledError):
        await anext(parts)
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)
    assert not export._open


async def test_a_reader_that_goes_away_frees_its_place(application: Handler, submit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "SLICE", 1)
    for _ in range(50):
        submit()
    async with Exchange(application, "GET", EXPORT) as stream:
        assert (await stream.start())["status"] == 200
    assert not export._open


async def test_only_so_many_exports_are_written_at_a_time(client: httpx.AsyncClient, now: Runtime) -> None:
    open_ones = [export.Export(now, parse_query(), "json").parts() for _ in range(export.MAX_EXPORTS)]
    for one in open_ones:
        await anext(one)
    answer = await client.get(EXPORT)
    problem(answer, 503, code="too_many_exports")
    assert answer.headers["retry-after"] == "10"
    for one in open_ones:
        await one.aclose()
    assert (await client.get(EXPORT)).status_code == 200


@pytest.mark.parametrize(
    ("asked", "field"),
    [("format=xml", "format"), ("q=sinse:2h", "q"), ("cursor=x", "cursor"), ("limit=5", "limit"), ("status=odd", "status")],
)
async def test_what_cannot_be_asked_is_refused_by_name(client: httpx.AsyncClient, asked: str, field: str) -> None:
    problem(await client.get(f"{EXPORT}?{asked}"), 422, field=field)
