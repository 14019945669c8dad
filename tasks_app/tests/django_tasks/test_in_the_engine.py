"""Functions of a project are tasks like all others: shown, launched again, cancelled, kept over a crash."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("django.tasks", reason="django.tasks came with Django 6.0")

from django.tasks import TaskResultStatus, default_task_backend, task_backends
from django.test import AsyncClient

from tasks_app import runtime as composed
from tasks_app.django_tasks.announce import Announcer
from tasks_app.django_tasks.elsewhere import NoEngine
from tasks_app.django_tasks.failures import MOST, Failures
from tasks_app.django_tasks.results import EARLIER, TaskInterrupted, TaskStopped, path_of
from tasks_app.engine.errors import WaitingFull
from tasks_app.engine.registry import Backoff
from tasks_app.engine.sooner import start_now
from tasks_app.engine.task import Status, TaskError
from tasks_app.runtime import Runtime
from tasks_app.tests.django_tasks.conftest import BACKEND, TASKS, built_here, ended, type_of, wait_until

BROWSER = {"accept": "text/html,application/xhtml+xml"}
FAILED = TaskResultStatus.FAILED


def test_every_function_is_a_task_type_before_anybody_enqueues_it(engine: Runtime, project: Any) -> None:
    names = {kind.name for kind in engine.registry if kind.launchable}
    prefix = "tasks_app.tests.django_tasks.tasks."
    assert {f"{prefix}tidies", f"{prefix}tidies_slowly"} <= names
    assert type_of(engine, project.sends).title == "Sends"
    assert type_of(engine, project.sends).description == "Sends a letter."


def test_a_task_shows_its_call_its_queue_and_its_door(engine: Runtime, project: Any) -> None:
    record = engine.store.get(ended(project.sends.enqueue("anna", copies=2)).id)
    assert (record.type, record.tags, record.priority, record.via) == (project.sends.module_path, ("queue:mail",), 7, "django")
    assert type_of(engine, project.sends).summary(record) == '"anna", copies=2'


def test_a_long_call_is_cut(engine: Runtime, project: Any) -> None:
    record = engine.store.get(ended(project.noop.enqueue("ж" * 10_000)).id)
    assert len(type_of(engine, project.noop).summary(record)) == 100


def test_a_queue_whose_name_cannot_be_a_tag_is_a_tag_all_the_same(engine: Runtime, project: Any) -> None:
    result = project.noop.using(queue_name="with space\nand \u202e" + "x" * 100).enqueue()
    (tag,) = engine.store.get(result.id).tags
    assert tag.startswith("queue:with-space-and--xxx")
    assert len(tag) == 50
    assert result.task.queue_name.startswith("with space\n")


async def test_the_dashboard_shows_it_and_launches_it_again(engine: Runtime, project: Any) -> None:
    path = project.sends.module_path
    result = ended(project.sends.enqueue("anna", copies=2))
    client = AsyncClient(headers=BROWSER)
    page = (await client.get(f"/tasks/{result.id}", headers=BROWSER)).content.decode()
    assert "copies=2" in page.replace("&quot;", '"')
    assert path in (await client.get("/types", headers=BROWSER)).content.decode()
    form = (await client.get(f"/launch/{path}?from={result.id}", headers=BROWSER)).content.decode()
    assert "Arguments by their place" in form
    sent = await client.post(
        f"/launch/{path}", {"params.args": '["ben"]', "params.kwargs": '{"copies": 3}', "priority": "50"}, headers=BROWSER
    )
    assert sent.status_code in (302, 303), sent.content.decode()[:2000]
    newest = default_task_backend.get_result(sent.headers["Location"].split("?")[0].rpartition("/")[2])
    assert ended(newest).return_value == "ben x 3"
    assert newest.task.priority == 50


async def test_the_api_launches_a_function_and_refuses_one_that_is_not_marked(engine: Runtime, project: Any) -> None:
    client = AsyncClient()
    body = {"type": project.sends.module_path, "params": {"args": ["carl"]}}
    answer = await client.post("/api/v2/tasks", json.dumps(body), content_type="application/json")
    assert answer.status_code == 201
    assert ended(project.sends.get_result(answer.json()["id"])).return_value == "carl x 1"
    for wrong in (
        "os.system",
        "tasks_app.tests.django_tasks.functions.OwnError",
        "tasks_app.tests.django_tasks.functions",
        "...",
        "x" * 200,
    ):
        answer = await client.post("/api/v2/tasks", json.dumps({"type": wrong}), content_type="application/json")
        assert (answer.status_code, answer.json()["code"]) == (422, "unknown_type"), answer.content


def test_a_coroutine_that_is_cancelled_has_failed_in_djangos_words(engine: Runtime, project: Any) -> None:
    result = project.waits_async.enqueue()
    wait_until(lambda: project.began)
    engine.engine.cancel(result.id, by="anna")
    ended(result)
    assert (result.status, engine.store.get(result.id).status) == (FAILED, Status.CANCELLED)
    assert result.errors[0].exception_class is TaskStopped


def test_what_is_cancelled_before_its_turn_never_ran(engine: Runtime, project: Any) -> None:
    engine.engine.pause(project.noop.module_path)
    result = project.noop.enqueue()
    engine.engine.cancel(result.id)
    ended(result)
    assert (result.attempts, result.started_at, len(result.errors)) == (0, None, 1)
    assert result.errors[0].exception_class is TaskStopped


def test_a_function_in_a_thread_is_honestly_cancelling_until_it_returns(engine: Runtime, project: Any) -> None:
    result = project.waits.enqueue()
    wait_until(lambda: project.began)
    engine.engine.cancel(result.id)
    result.refresh()
    assert result.status == TaskResultStatus.RUNNING
    project.release.set()
    assert ended(result).status == FAILED


def test_a_function_is_tried_as_often_as_its_backend_says(project: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.TASKS = {"default": {"BACKEND": BACKEND, "QUEUES": [], "OPTIONS": {"MAX_ATTEMPTS": 2, "TIMEOUT": 30}}}
    project.fails.using(priority=1)  # what is valid is known
    monkeypatch.setattr(Backoff, "seconds", lambda *_: 3600.0)
    engine = built_here(monkeypatch)
    try:
        result = project.fails.enqueue()
        record = engine.store.get(result.id)
        assert (record.max_attempts, record.timeout) == (2, 30)
        wait_until(lambda: engine.store.get(result.id).status is Status.RETRYING)
        result.refresh()
        assert (result.status, result.attempts, len(result.errors)) == (TaskResultStatus.READY, 1, 1)
        start_now(engine.engine, result.id)
        ended(result)
        assert (result.status, result.attempts, len(result.errors)) == (FAILED, 2, 2)
    finally:
        engine.stop()


def test_a_full_server_refuses_in_the_engines_words(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = built_here(monkeypatch, max_waiting=1)
    try:
        engine.engine.pause(project.noop.module_path)
        project.noop.enqueue()
        with pytest.raises(WaitingFull):
            project.noop.enqueue()
    finally:
        engine.stop()


def test_what_was_accepted_survives_a_crash_and_what_ran_is_interrupted(
    project: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = built_here(monkeypatch, journal=tmp_path / "journal")
    first.engine.pause(project.sends.module_path)
    kept, ran = project.sends.enqueue("anna"), project.waits.enqueue()
    wait_until(lambda: project.began)
    wait_until(lambda: first.store.get(ran.id).status is Status.PROCESSING)
    copy = tmp_path / "copy"
    first.engine.journal.copy(copy, lambda *_: None)  # type: ignore[attr-defined] # the file as a crash would leave it
    wait_until(copy.exists)
    project.release.set()
    first.stop()
    second = built_here(monkeypatch, journal=copy)
    try:
        assert ended(project.sends.get_result(kept.id)).return_value == "anna x 1"
        lost = project.waits.get_result(ran.id)
        assert (lost.status, lost.worker_ids, lost.attempts) == (FAILED, [EARLIER], 1)
        assert lost.errors[0].exception_class is TaskInterrupted
    finally:
        second.stop()


def test_the_functions_of_a_broken_module_are_left_out_and_said_to_be(project: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.TASKS = TASKS | {"broken": {"BACKEND": BACKEND, "OPTIONS": {"MODULES": ["tasks_app.tests.django_tasks.no_such_module"]}}}
    engine = built_here(monkeypatch)
    try:
        assert "no_such_module" in str(engine.registry.broken)
        assert ended(project.noop.enqueue()).status == TaskResultStatus.SUCCESSFUL
    finally:
        engine.stop()


def test_a_process_without_an_engine_says_so(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(composed, "_runtime", None)
    monkeypatch.setattr(composed, "_serves", 0)
    for asked in (project.noop.enqueue, lambda: project.noop.get_result("1")):
        with pytest.raises(NoEngine, match="runs in the server process, and this is another one"):
            asked()


def test_wrong_options_are_found_by_the_checks(project: Any, settings: Any) -> None:
    settings.TASKS = TASKS | {"default": {"BACKEND": BACKEND, "OPTIONS": {"RETRIES": 3, "TOKEN": "x"}}}
    assert [found.id for found in task_backends["default"].check()] == ["iotask.E020", "iotask.W020"]
    settings.TASKS = {"default": {"BACKEND": BACKEND, "QUEUES": [], "OPTIONS": {"MAX_ATTEMPTS": 0}}}
    project.noop.using(priority=1)
    assert task_backends["default"].check()[0].id == "iotask.E021"
    settings.TASKS = TASKS
    assert [found for alias in TASKS for found in task_backends[alias].check()] == []


def test_exceptions_nobody_takes_do_not_pile_up() -> None:
    kept = Failures()
    for number in range(MOST + 10):
        kept.keep(str(number), 1, ValueError())
    assert kept.take("5", 1) is None
    assert isinstance(kept.take("500", 1), ValueError)
    assert kept.take("500", 1) is None
    kept.keep("a", 1, ValueError())
    assert kept.take("a", 2) is None


@pytest.mark.parametrize(
    ("name", "traceback", "path"),
    [
        ("ValueError", "Traceback …\n  raise\nValueError: no\n", "builtins.ValueError"),
        ("Refused", "Traceback …\nshop.pay.Refused: no\n", "shop.pay.Refused"),
        ("Inner", "Traceback …\nshop.Outer.Inner\n", "shop.Outer.Inner"),
        ("KeyError", "ValueError: a\n\nDuring handling …\n\nTraceback …\nKeyError: 'b'\n", "builtins.KeyError"),
        ("ExceptionGroup", "  + Exception Group Traceback …\n  | ExceptionGroup: two (2 sub-exceptions)\n", "builtins.ExceptionGroup"),
        ("Gone", "…", "builtins.Gone"),
    ],
)
def test_the_class_of_an_exception_stands_in_its_traceback(name: str, traceback: str, path: str) -> None:
    assert path_of(TaskError(name, "", traceback)) == path


def test_an_announcer_that_never_moved_in_has_nothing_to_leave(engine: Runtime) -> None:
    Announcer().move_out(engine.store)
