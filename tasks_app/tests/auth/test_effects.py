"""What is done and what is refused has its line in the audit, whichever door it came through."""

from __future__ import annotations

from typing import Any

import pytest

from tasks_app.auth.access import Access
from tasks_app.auth.audit import audit
from tasks_app.runtime import Runtime
from tasks_app.tests.auth.conftest import Asker, as_token, as_user
from tasks_app.tests.auth.test_table import NOBODY


@pytest.mark.parametrize(
    ("method", "path", "action"),
    [
        ("POST", "/api/v2/tasks/{id}/cancel", "cancel"),
        ("POST", "/tasks/{id}/cancel", "cancel"),
        ("POST", "/tasks/{id}/rerun", "rerun"),
        ("DELETE", "/api/v2/tasks/{id}", "delete"),
        ("POST", "/tasks/{id}/delete", "delete"),
    ],
)
async def test_an_effect_has_its_line_with_who_did_it(application: Any, now: Runtime, known: Access, method: str, path: str, action: str):
    operator = as_user(application, known, "operator")
    task = await launched(operator, now)
    status, _ = await operator.start(method, path.format(id=task), hx_request="true")
    assert status < 400, operator.body
    line = audit.latest(1)[0]
    assert (line.who, line.via, line.role, line.action, line.outcome) == ("the-operator", "password", "operator", action, "done")
    assert (line.object == task) == (action != "rerun")
    found = now.store.find(task)
    assert action != "cancel" or (found is not None and found.cancel is not None and found.cancel.by == "the-operator")


async def launched(asker: Asker, now: Runtime) -> str:
    body = b'{"type": "count", "params": {"to": 1000}, "run_at": "2999-01-01T00:00:00Z"}'
    status, headers = await asker.start("POST", "/api/v2/tasks", body=body, content_type="application/json")
    assert status == 201, asker.body
    task = headers["location"].rpartition("/")[2]
    line = audit.latest(1)[0]
    assert (line.action, line.object, line.outcome) == ("launch", task, "done")
    found = now.store.find(task)
    assert found is not None
    assert found.by == "the-operator"
    return task


async def test_what_changed_nothing_has_no_line(application: Any, now: Runtime, known: Access):
    operator = as_user(application, known, "operator")
    before = audit.latest(1)
    assert (await operator.start("POST", f"/api/v2/tasks/{NOBODY}/cancel"))[0] == 404
    form = b"do=json&params.to=5"
    assert (await operator.start("POST", "/launch/count", body=form, content_type="application/x-www-form-urlencoded"))[0] == 200
    assert audit.latest(1) == before


async def test_a_refusal_has_its_line(application: Any, now: Runtime, known: Access):
    assert (await as_token(application, "viewer").start("DELETE", f"/api/v2/tasks/{NOBODY}"))[0] == 403
    line = audit.latest(1)[0]
    assert (line.who, line.action, line.object, line.outcome) == ("script-viewer", "delete", NOBODY, "role_too_low")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/create-task", b'{"name": "a"}'),
        ("/job", b"{}"),
        ("/api/v1/tasks", b'{"type": "long_computation", "params": {"duration": 0}}'),
        ("/api/v1/tasks", b'{"type": "no such type"}'),
        ("/tasks", b'{"result": 1}'),
        ("/tasks/ping", b'{"address": "127.0.0.1"}'),
        ("/compat/iotask/tasks", b""),
    ],
)
async def test_the_dialects_keep_who_launched_and_write_it_down(application: Any, now: Runtime, known: Access, path: str, body: bytes):
    script = as_token(application, "operator")
    status, _ = await script.start("POST", path, body=body, content_type="application/json")
    assert status < 300, script.body
    line = audit.latest(1)[0]
    assert (line.who, line.action, line.outcome) == ("script-operator", "launch", "done")
    task = now.store.find(line.object)
    assert task is not None
    assert task.by == "script-operator"
