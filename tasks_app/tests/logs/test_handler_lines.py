"""What a handler's own loggers say: in the log with its task, and in the task's log, wherever the handler runs."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from tasks_app import runtime
from tasks_app.conf import config_of
from tasks_app.engine.context import Context
from tasks_app.engine.launch import LaunchRequest
from tasks_app.engine.registry import Params, task_type
from tasks_app.engine.task import TERMINAL, Task
from tasks_app.handler_lines import MOST_FIELDS, ToTask
from tasks_app.logs.lines import formatter
from tasks_app.runtime import Runtime

logger = logging.getLogger("acme.fetch")


class TalkParams(Params):
    """Which of the ways to talk."""

    how: str = "logging"


def say(how: str) -> None:
    """One line, in one of several ways."""
    if how == "structlog":
        structlog.get_logger("acme.fetch").warning("fetched 100%", url="https://a.example", size=7, task="mine", **{"a b": 1})
    elif how == "exception":
        try:
            raise ValueError("a bad value")
        except ValueError:
            logger.exception("It broke")
    elif how == "many":
        for number in range(1000):
            logger.info("line %d", number)
    elif how == "fields":
        structlog.get_logger("acme.fetch").info("wide", **{f"field_{n}": n for n in range(100)})
    else:
        logger.warning("fetched %s", "100%")


@task_type("talk_async", params=TalkParams)
async def talk_async(params: TalkParams, context: Context) -> None:
    """On the loop; in a coroutine beside it, and in a thread that inherits."""
    say(params.how)
    if params.how == "beside":
        await asyncio.gather(asyncio.create_task(asyncio.to_thread(say, "logging")), asyncio.sleep(0))


@task_type("talk_thread", params=TalkParams)
def talk_thread(params: TalkParams, context: Context) -> None:
    """In a thread."""
    say(params.how)


@task_type("talk_process", params=TalkParams, cpu_bound=True)
def talk_process(params: TalkParams, context: Context) -> None:
    """In a process."""
    say(params.how)


class Kept(logging.Handler):
    """Keeps lines as app.log would have them."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[dict[str, Any]] = []
        self.setFormatter(formatter("json"))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(self.format(record)))


@pytest.fixture
def kept() -> Iterator[Kept]:
    """All that is logged meanwhile."""
    found, root = Kept(), logging.getLogger()
    before = root.level
    root.addHandler(found)
    root.setLevel(logging.INFO)
    yield found
    root.removeHandler(found)
    root.setLevel(before)


def run(config: dict[str, Any], type_name: str, how: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Runtime, Task]:
    built = Runtime(config_of({"grace_seconds": 0.0, **config}))
    for kind in (talk_async, talk_thread, talk_process):
        built.registry.register(kind)
    built.start()
    monkeypatch.setattr(runtime, "_runtime", built)
    monkeypatch.setattr(runtime, "_pid", os.getpid())
    try:
        task = built.engine.submit(LaunchRequest(type=type_name, params={"how": how}))
        end = time.monotonic() + 60
        while built.store.get(task.id).status not in TERMINAL:
            assert time.monotonic() < end
            time.sleep(0.01)
        return built, built.store.get(task.id)
    finally:
        built.stop()


def said(built: Runtime, task: Task) -> list[tuple[str, str]]:
    trail = built.store.find_trail(task.number)
    return [(line.level, line.text) for line in trail.lines()] if trail else []


@pytest.mark.parametrize("kind", ["talk_async", "talk_thread", "talk_process"])
@pytest.mark.parametrize("how", ["logging", "structlog"])
def test_a_line_of_a_handlers_logger_has_its_task_and_stands_in_the_tasks_log(kept: Kept, kind: str, how: str, monkeypatch):
    built, task = run({}, kind, how, monkeypatch)
    assert task.status == "completed", task.error
    line = next(line for line in kept.lines if line["logger"] == "acme.fetch")
    assert (line["task"], line["number"], line["type"], line["attempt"]) == (task.id, task.number, kind, 1)
    assert (line["level"], line["message"]) == ("warning", "fetched 100%")
    if how == "structlog":
        assert (line["url"], line["size"]) == ("https://a.example", 7)
        assert "a b" not in line
    assert said(built, task)[0][0] == "warning"
    assert said(built, task)[0][1].startswith("fetched 100%")


def test_what_it_hands_to_a_thread_is_still_its_own(kept: Kept, monkeypatch):
    _, task = run({}, "talk_async", "beside", monkeypatch)
    lines = [line for line in kept.lines if line["logger"] == "acme.fetch"]
    assert [line["task"] for line in lines] == [task.id, task.id]


def test_an_error_stands_there_with_its_kind(kept: Kept, monkeypatch):
    built, task = run({}, "talk_thread", "exception", monkeypatch)
    assert said(built, task) == [("error", "It broke (ValueError: a bad value)")]
    assert "Traceback" in next(line for line in kept.lines if line["logger"] == "acme.fetch")["traceback"]


def test_it_can_be_switched_off(kept: Kept, monkeypatch):
    built, task = run({"handler_logs": "off"}, "talk_async", "logging", monkeypatch)
    assert said(built, task) == []
    assert any(line["logger"] == "acme.fetch" and line["task"] == task.id for line in kept.lines)


def test_only_lines_of_the_level_that_is_set_stand_there(kept: Kept, monkeypatch):
    built, task = run({"handler_logs": "error"}, "talk_async", "logging", monkeypatch)
    assert said(built, task) == []


def test_a_tasks_log_keeps_its_bound(kept: Kept, monkeypatch):
    built, task = run({}, "talk_thread", "many", monkeypatch)
    assert len(said(built, task)) == 200
    assert said(built, task)[-1] == ("info", "line 999")


def test_fields_are_bounded(kept: Kept, monkeypatch):
    run({}, "talk_async", "fields", monkeypatch)
    line = next(line for line in kept.lines if line["logger"] == "acme.fetch")
    assert sum(name.startswith("field_") for name in line) == MOST_FIELDS


def test_what_is_said_outside_a_handler_belongs_to_no_task(kept: Kept, monkeypatch):
    run({}, "talk_async", "logging", monkeypatch)
    logger.warning("on its own")
    thread = threading.Thread(target=logger.warning, args=("of a thread",))
    thread.start()
    thread.join()
    for text in ("on its own", "of a thread"):
        assert "task" not in next(line for line in kept.lines if line.get("message") == text)


def test_a_line_that_waits_for_its_tasks_log_holds_up_no_other():
    """That log takes the store's lock, and who has that lock may have something to say."""
    asked, go, heard = threading.Event(), threading.Event(), []

    class Held(ToTask):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage() == "first":
                asked.set()
                go.wait(120)
            heard.append(record.getMessage())

    held = Held("info")
    held.begin()
    try:
        first = threading.Thread(target=logger.warning, args=["first"])
        first.start()
        assert asked.wait(60)
        second = threading.Thread(target=logger.warning, args=["second"])
        second.start()
        second.join(60)
        assert heard == ["second"]
    finally:
        go.set()
        held.end()
        first.join(60)
