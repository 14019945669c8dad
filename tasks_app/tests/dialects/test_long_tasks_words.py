"""Dialect 003, Long Tasks Service: its words for every status, and the shape of results."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import RequestFactory
from msgspec.structs import replace

from tasks_app.api.dialects import long_tasks
from tasks_app.api.dialects._door import Refusal
from tasks_app.engine.task import Status, Task, TaskError
from tasks_app.tests.engine.records import IN_STATUS, a_task

WORDS = {
    Status.SCHEDULED: '"pending"',
    Status.PENDING: '"pending"',
    Status.PROCESSING: '"processing"',
    Status.RETRYING: '"processing"',
    Status.CANCELLING: '"processing"',
    Status.COMPLETED: '"completed"',
    Status.FAILED: '"failed","error":"told to fail"',
    Status.CANCELLED: '"failed","error":"canceled"',
    Status.INTERRUPTED: '"failed","error":"interrupted"',
}


@pytest.mark.parametrize("status", Status)
async def test_every_status_has_its_word(now, status):
    now.store.add([replace(IN_STATUS[status](), via="long_tasks")])
    answer = await long_tasks.status(RequestFactory().get("/"), "id-1")
    assert answer.content.decode() == f'{{"id":"id-1","status":{WORDS[status]}}}\n'


async def test_a_failure_without_words_is_told_by_its_kind(now):
    failed = replace(IN_STATUS[Status.FAILED](), via="long_tasks", error=TaskError("ValueError", ""))
    now.store.add([failed])
    assert json.loads((await long_tasks.status(RequestFactory().get("/"), "id-1")).content)["error"] == "ValueError"


def completed(found: bytes | None, **fields: Any) -> Task:
    """A completed task of this dialect with this result."""
    return replace(IN_STATUS[Status.COMPLETED](), via="long_tasks", result=found, **fields)


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        (b'{"b":{"z":1,"a":[{"y":2.0,"x":1.5}]},"a":"<&>"}', '"result":{"a":"\\u003c\\u0026\\u003e","b":{"a":[{"x":1.5,"y":2}],"z":1}},'),
        (b"5", '"result":{"value":5},'),
        (b"0", '"result":{"value":0},'),
        (b"[]", '"result":{"value":[]},'),
        (b'"text"', '"result":{"value":"text"},'),
        (b"[3,1,2]", '"result":{"value":[3,1,2]},'),
        (b"{}", ""),
        (b"null", ""),
        (None, ""),
    ],
)
async def test_a_result_is_an_object_with_its_keys_in_order_or_left_out(now, found, shown):
    now.store.add([completed(found)])
    answer = await long_tasks.result(RequestFactory().get("/"), "id-1")
    times = '"created_at":"1970-01-01T00:00:50Z","started_at":"1970-01-01T00:01:00Z","ended_at":"1970-01-01T00:01:05Z"'
    assert answer.content.decode() == f'{{"task_id":"id-1","status":"completed",{shown}{times}}}\n'


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.COMPLETED}))
async def test_only_a_completed_task_has_a_result(now, status):
    now.store.add([replace(IN_STATUS[status](), via="long_tasks", result=b"5")])
    answer = await long_tasks.result(RequestFactory().get("/"), "id-1")
    assert (answer.status_code, answer.content) == (412, b"Task is not completed yet\n")


async def test_another_door_is_not_ours(now):
    now.store.add([a_task(via="io_bound")])
    with pytest.raises(Refusal) as refusal:
        await long_tasks.status(RequestFactory().get("/"), "id-1")
    assert refusal.value.response.status_code == 404
