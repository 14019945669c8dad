"""Where a task came from, in words."""

from __future__ import annotations

import pytest
from django.utils.translation import override

from tasks_app.api.dialects import io_bound, iotask, jobs, long_tasks, task_queue
from tasks_app.presenters.origins import mark, origin
from tasks_app.tests.engine.records import a_task


@pytest.fixture(autouse=True)
def english():
    with override("en"):
        yield


@pytest.mark.parametrize("via", [module.dialect.name for module in (iotask, io_bound, jobs, long_tasks, task_queue)])
def test_every_dialect_has_the_name_of_its_service_and_marks_its_rows(via):
    task = a_task(via=via)
    assert origin(task) != via
    assert mark(task) == origin(task)


def test_a_number_in_a_dialect_is_told():
    task = a_task(via="jobs", series="jobs", serial=0)
    assert (origin(task), mark(task)) == ("Flussonic jobs, number 0", "Flussonic jobs 0")


def test_our_own_doors_leave_rows_unmarked():
    assert [(origin(a_task(via=via)), mark(a_task(via=via))) for via in ("api", "dashboard")] == [("API", ""), ("Dashboard", "")]
    assert (origin(a_task(via="a script")), mark(a_task(via=""))) == ("a script", "")
