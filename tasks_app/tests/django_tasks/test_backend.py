"""The behaviours that Django's suite asks of a backend: enqueueing, validation, results, refresh, signals, logs."""

from __future__ import annotations

import logging
import pickle
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

pytest.importorskip("django.tasks", reason="django.tasks came with Django 6.0")

from django.tasks import TaskResultStatus, default_task_backend, task, task_backends
from django.tasks.exceptions import InvalidTask, InvalidTaskBackend, TaskResultDoesNotExist, TaskResultMismatch
from django.tasks.signals import task_enqueued, task_finished, task_started

from tasks_app.backends import IoTaskBackend
from tasks_app.engine.errors import InvalidParams
from tasks_app.engine.launch import parse_launch
from tasks_app.runtime import Runtime
from tasks_app.tests.django_tasks.conftest import BACKEND, ended, wait_until

READY, RUNNING, FAILED, SUCCESSFUL = TaskResultStatus.READY, TaskResultStatus.RUNNING, TaskResultStatus.FAILED, TaskResultStatus.SUCCESSFUL


def test_the_backend_is_the_one_that_the_settings_name(project: Any) -> None:
    assert isinstance(task_backends["default"], IoTaskBackend)
    assert default_task_backend == task_backends["default"]
    assert default_task_backend.alias == "default"
    assert list(default_task_backend.options) == ["MODULES"]


def test_every_capability_is_supported(project: Any) -> None:
    flags = ("supports_defer", "supports_async_task", "supports_get_result", "supports_priority")
    assert [getattr(default_task_backend, flag) for flag in flags] == [True] * 4


@pytest.mark.parametrize("name", ["noop", "noop_async", "bare"])
def test_a_task_is_enqueued_and_runs(engine: Runtime, project: Any, name: str) -> None:
    function = getattr(project, name)
    engine.engine.pause(function.module_path)
    result = function.enqueue(1, two=3)
    assert (result.status, result.is_finished, result.attempts, result.worker_ids) == (READY, False, 0, [])
    assert result.started_at is result.finished_at is result.last_attempted_at is None
    with pytest.raises(ValueError, match="not finished"):
        _ = result.return_value
    engine.engine.resume(function.module_path)
    ended(result)
    assert result.status == SUCCESSFUL
    assert result.enqueued_at
    assert result.started_at
    assert result.finished_at
    assert result.enqueued_at <= result.started_at <= result.finished_at
    assert result.last_attempted_at == result.started_at
    assert (result.return_value, result.task, result.args, result.kwargs) == (None, function, [1], {"two": 3})
    assert (result.attempts, len(result.worker_ids), result.errors) == (1, 1, [])


@pytest.mark.parametrize("name", ["noop", "noop_async"])
async def test_a_task_is_enqueued_from_a_coroutine(engine: Runtime, project: Any, name: str) -> None:
    result = await getattr(project, name).aenqueue(1, two=3)
    assert (result.task, result.args, result.kwargs) == (getattr(project, name), [1], {"two": 3})
    found = await getattr(project, name).aget_result(result.id)
    assert found.id == result.id


@pytest.mark.parametrize("name", ["meaning_of_life", "meaning_of_life_async"])
def test_what_a_function_returns_can_be_had(engine: Runtime, project: Any, name: str) -> None:
    assert ended(getattr(project, name).enqueue()).return_value == 42


def test_what_it_returns_is_json_as_django_makes_it(engine: Runtime, project: Any) -> None:
    assert ended(project.returns.enqueue({"a": [1, None, "ж"]})).return_value == [{"a": [1, None, "ж"]}, "bytes"]


@pytest.mark.parametrize(
    ("name", "kind", "last"),
    [
        ("fails", ValueError, "ValueError: This task failed"),
        ("fails_async", ValueError, "ValueError: This task failed"),
        ("leaves", SystemExit, "SystemExit: This task left"),
        ("fails_with_a_knot", ValueError, "ValueError: This task failed"),
    ],
)
def test_an_exception_fails_the_task_and_is_kept_with_its_traceback(
    engine: Runtime, project: Any, name: str, kind: type[BaseException], last: str
) -> None:
    result = ended(getattr(project, name).enqueue())
    assert (result.status, result.attempts, len(result.errors)) == (FAILED, 1, 1)
    with pytest.raises(ValueError, match="Task failed"):
        _ = result.return_value
    assert result.errors[0].exception_class is kind
    assert result.errors[0].traceback.startswith("Traceback (most recent call last):")
    assert result.errors[0].traceback.endswith(f"{last}\n")
    assert "functions.py" in result.errors[0].traceback
    assert result.finished_at >= result.started_at >= result.enqueued_at


def test_an_exception_of_the_project_is_found_by_its_own_path(engine: Runtime, project: Any) -> None:
    error = ended(project.fails_in_its_own_words.enqueue()).errors[0]
    assert error.exception_class is project.OwnError


def test_a_function_that_returns_no_json_has_failed(engine: Runtime, project: Any) -> None:
    result = ended(project.returns_no_json.enqueue())
    assert result.status == FAILED
    assert result.errors[0].exception_class is TypeError
    assert "Unsupported type" in result.errors[0].traceback


def test_a_result_that_is_too_large_has_failed_and_says_so(engine: Runtime, project: Any) -> None:
    result = ended(project.returns.enqueue("x" * 70_000))
    assert result.status == FAILED
    assert "65,536" in result.errors[0].traceback
    assert issubclass(result.errors[0].exception_class, Exception)


@pytest.mark.parametrize("wrong", [datetime.now(UTC), object(), {1, 2}])
async def test_arguments_that_are_no_json_are_refused(engine: Runtime, project: Any, wrong: Any) -> None:
    with pytest.raises(TypeError, match="Unsupported type"):
        project.noop.enqueue(wrong)
    with pytest.raises(TypeError, match="Unsupported type"):
        await project.noop.aenqueue(wrong)
    assert len(engine.store) == 0


def test_numbers_that_no_json_has_are_refused(engine: Runtime, project: Any) -> None:
    with pytest.raises(ValueError, match="JSON"):
        project.noop.enqueue(float("nan"))


def test_a_function_gets_its_context(engine: Runtime, project: Any) -> None:
    result = ended(project.own_id.enqueue())
    assert result.return_value == result.id
    assert ended(project.own_attempt.enqueue(10)).return_value == [11, "RUNNING", True]


def test_a_function_with_a_context_reports_like_any_handler(engine: Runtime, project: Any) -> None:
    result = ended(project.reports.enqueue())
    record = engine.store.get(result.id)
    assert record.progress is not None
    assert (record.progress.current, record.progress.total, record.progress.message) == (3, 4, "Almost")
    trail = engine.store.find_trail(record.number)
    assert trail is not None
    assert any("Half way" in str(line) for line in trail.lines())


def test_a_task_can_wait_for_its_time(engine: Runtime, project: Any) -> None:
    at = datetime.now(UTC) + timedelta(hours=1)
    result = project.noop.using(run_after=at).enqueue()
    assert result.status == READY
    assert result.task.run_after == at
    assert engine.store.get(result.id).status == "scheduled"
    assert project.noop.get_result(result.id) == result


def test_a_time_that_has_passed_is_now(engine: Runtime, project: Any) -> None:
    at = datetime.now(UTC) - timedelta(hours=1)
    result = ended(project.noop.using(run_after=at).enqueue())
    assert (result.status, result.task.run_after) == (SUCCESSFUL, at)


def test_what_has_the_higher_priority_goes_first(engine: Runtime, project: Any) -> None:
    path = project.notes.module_path
    engine.engine.pause(path)
    engine.engine.set_concurrency(path, 1)
    results = [project.notes.using(priority=number).enqueue(number) for number in (-100, 0, 5, 100)]
    engine.engine.resume(path)
    for result in results:
        ended(result)
    assert project.began == [100, 5, 0, -100]


@pytest.mark.parametrize("priority", [-101, 101, 3.1])
def test_a_priority_that_is_none_is_refused(project: Any, priority: float) -> None:
    with pytest.raises(InvalidTask, match="priority must be a whole number between -100 and 100"):
        project.noop.using(priority=priority)


def test_a_naive_time_is_refused(project: Any) -> None:
    with pytest.raises(InvalidTask, match="run_after must be an aware datetime"):
        project.noop.using(run_after=datetime(2030, 1, 1))  # noqa: DTZ001


def test_where_times_are_naive_they_stay_so(engine: Runtime, project: Any, settings: Any) -> None:
    settings.USE_TZ = False
    at = datetime(2099, 1, 1, 12)  # noqa: DTZ001
    result = project.noop.using(run_after=at).enqueue()
    assert result.enqueued_at.tzinfo is None
    assert project.noop.get_result(result.id).task.run_after == at


async def test_a_queue_that_the_settings_do_not_name_is_refused(engine: Runtime, project: Any, settings: Any) -> None:
    with pytest.raises(InvalidTask, match="Queue 'other' is not valid for backend"):
        project.noop.using(queue_name="other", backend="strict")
    assert project.noop.using(queue_name="other").queue_name == "other"  # QUEUES = [] allows all
    wanted = project.noop.using(queue_name="other")
    settings.TASKS = {"default": {"BACKEND": BACKEND, "QUEUES": ["default"]}}
    with pytest.raises(InvalidTask, match="Queue 'other' is not valid"):
        wanted.enqueue()
    with pytest.raises(InvalidTask, match="Queue 'other' is not valid"):
        await wanted.aenqueue()


def test_only_functions_of_a_module_can_be_tasks(project: Any) -> None:
    for wrong in (any, test_only_functions_of_a_module_can_be_tasks.__get__(0), lambda: None):
        with pytest.raises(InvalidTask, match="module level"):
            task()(wrong)


def test_who_takes_a_context_has_an_argument_for_it(project: Any) -> None:
    with pytest.raises(InvalidTask, match="first argument of 'context'"):
        task(takes_context=True)(project.noop.func)


def test_a_result_is_found_by_its_id(engine: Runtime, project: Any) -> None:
    result = project.sends.enqueue("anna", copies=2)
    found = ended(project.sends.get_result(result.id))
    assert (found.id, found.task, found.return_value) == (result.id, project.sends, "anna x 2")
    assert (found.task.queue_name, found.task.priority) == ("mail", 7)
    assert found == default_task_backend.get_result(result.id)


async def test_a_result_that_is_not_there_is_said_to_be_missing(engine: Runtime, project: Any) -> None:
    wrongs: list[Any] = ["123", 123, "", "x" * 10_000]
    for wrong in wrongs:
        with pytest.raises(TaskResultDoesNotExist):
            project.noop.get_result(wrong)
        with pytest.raises(TaskResultDoesNotExist):
            await default_task_backend.aget_result(wrong)


async def test_a_result_of_another_function_does_not_match(engine: Runtime, project: Any) -> None:
    result = project.noop_async.enqueue()
    with pytest.raises(TaskResultMismatch, match="does not match"):
        project.noop.get_result(result.id)
    with pytest.raises(TaskResultMismatch, match="does not match"):
        await project.noop.aget_result(result.id)


def test_a_result_of_another_backend_or_of_a_task_type_is_none_of_ours(engine: Runtime, project: Any) -> None:
    from tasks_app.engine.launch import LaunchRequest

    count = engine.engine.submit(LaunchRequest(type="count", params={"to": 1, "interval": 0.01}))
    other = project.noop.using(backend="strict").enqueue()
    for task_id in (count.id, other.id):
        with pytest.raises(TaskResultDoesNotExist):
            default_task_backend.get_result(task_id)
    assert task_backends["strict"].get_result(other.id).backend == "strict"


async def test_a_result_can_be_refreshed_from_a_coroutine(engine: Runtime, project: Any) -> None:
    result = project.noop.enqueue()
    await result.arefresh()
    assert result.id


def test_a_task_and_its_result_can_be_pickled(engine: Runtime, project: Any) -> None:
    result = project.noop.enqueue()
    assert pickle.loads(pickle.dumps(project.noop)) == project.noop
    assert pickle.loads(pickle.dumps(result)).id == result.id


def test_a_backend_that_is_not_there_is_said_to_be_missing(project: Any, settings: Any) -> None:
    with pytest.raises(InvalidTaskBackend):
        project.noop.using(backend="none")
    settings.TASKS = {}
    with pytest.raises(InvalidTaskBackend):
        project.noop.enqueue()


def test_the_signals_come_in_order_with_the_result_of_the_moment(engine: Runtime, project: Any) -> None:
    heard: list[tuple[str, str, Any, str]] = []

    def hear(name: str) -> Any:
        def receiver(sender: Any, task_result: Any, **more: Any) -> None:
            heard.append((name, task_result.status, sender, task_result.id))

        return receiver

    receivers = [(task_enqueued, hear("enqueued")), (task_started, hear("started")), (task_finished, hear("finished"))]
    for signal, receiver in receivers:
        signal.connect(receiver, weak=False)
    try:
        for function in (project.noop, project.noop_async, project.fails):
            heard.clear()
            engine.engine.pause(function.module_path)
            result = function.enqueue()
            engine.engine.resume(function.module_path)
            wait_until(lambda: len(heard) == 3)
            end = FAILED if function is project.fails else SUCCESSFUL
            assert [word[:2] for word in heard] == [("enqueued", READY), ("started", RUNNING), ("finished", end)]
            assert {word[2:] for word in heard} == {(IoTaskBackend, result.id)}
    finally:
        for signal, receiver in receivers:
            signal.disconnect(receiver)


def test_a_receiver_that_fails_holds_up_nobody(engine: Runtime, project: Any) -> None:
    heard = []

    def receiver(sender: Any, task_result: Any, **more: Any) -> None:
        heard.append(task_result.id)
        raise RuntimeError("not mine")

    task_finished.connect(receiver)
    try:
        results = [project.noop.enqueue().id for _ in range(3)]
        wait_until(lambda: sorted(heard) == sorted(results))
    finally:
        task_finished.disconnect(receiver)


def test_the_log_is_as_django_documents_it(engine: Runtime, project: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="django.tasks"):
        engine.engine.pause(project.fails.module_path)
        result = project.fails.enqueue()
        engine.engine.resume(project.fails.module_path)
        wait_until(lambda: len(_lines(caplog)) == 3)
    lines = _lines(caplog)
    assert [line.levelno for line in lines] == [logging.DEBUG, logging.INFO, logging.ERROR]
    assert all(result.id in line.getMessage() and project.fails.module_path in line.getMessage() for line in lines)
    assert "enqueued backend=default" in lines[0].getMessage()
    assert "state=RUNNING" in lines[1].getMessage()
    assert "state=FAILED" in lines[2].getMessage()
    assert "This task failed" in (lines[2].exc_text or "")


def test_the_log_of_a_success_has_no_exception(engine: Runtime, project: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="django.tasks"):
        project.noop.enqueue()
        wait_until(lambda: len(_lines(caplog)) == 3)
    assert "NoneType" not in caplog.text


def _lines(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [line for line in caplog.records if line.name == "django.tasks"]


def test_a_launch_from_elsewhere_that_no_result_could_be_read_from_is_refused(project: Any, engine: Runtime) -> None:
    wanted = {"type": project.noop.module_path, "params": {"run_after": "soon"}}
    with pytest.raises(InvalidParams, match="run_after"):
        engine.engine.submit(parse_launch(wanted))
