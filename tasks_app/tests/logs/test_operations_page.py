"""docs/operations.md knows every event the code can tell of, every field of a task's line, and every variable about logs."""

from __future__ import annotations

import re

import pytest

from tasks_app.engine.task import Status, Task
from tasks_app.logs.lines import _EVENTS, FOREIGN
from tasks_app.logs.task_lines import _fields
from tasks_app.tests.processes import ROOT

PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")
SOURCES = [path.read_text("utf-8") for path in (ROOT / "tasks_app").rglob("*.py") if "tests" not in path.parts]
SAID = {event for source in SOURCES for event in re.findall(r'about\(\s*"([a-z_]+)"', source)}


@pytest.mark.parametrize("event", sorted({FOREIGN, *_EVENTS.values(), *SAID}))
def test_every_event_is_on_the_page(event):
    assert f"`{event}`" in PAGE


def test_every_field_of_a_task_s_line_is_on_the_page():
    task = Task(id="0192", number=7, type="ping", params=b"{}", created_at=0.0, status=Status.PENDING)
    for field in ("time", "level", "event", "logger", "message", "traceback", *_fields(task)):
        assert f"`{field}`" in PAGE


def test_every_status_a_task_ends_in_is_on_the_page():
    for status in ("completed", "failed", "cancelled", "interrupted", "retrying"):
        assert f"`task_{status}`" in PAGE


@pytest.mark.parametrize("name", sorted(set(re.findall(r'"(LOG_[A-Z_]+|NO_COLOR)"', (ROOT / "iotask_site" / "settings.py").read_text()))))
def test_every_variable_about_logs_is_on_the_page(name):
    assert f"| `{name}` |" in PAGE


SETTINGS = (ROOT / "iotask_site" / "settings.py").read_text()


@pytest.mark.parametrize("name", sorted(set(re.findall(r'"(IOTASK_(?:MAX|KEEP|[A-Z]+_PER_SECOND|[A-Z]+_AT_ONCE)[A-Z_]*)"', SETTINGS))))
def test_every_bound_that_can_be_set_is_in_the_table(name):
    bounds = PAGE.partition("## Bounds\n")[2].partition("### ")[0]
    assert re.search(rf"\|[^|]*\|[^|]*`{name}`[^|]*\|[^|]+\|[^|]+\|", bounds)
