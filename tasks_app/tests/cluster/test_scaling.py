"""The replay of recorded events makes tasks that run and end, spread over the workers it was asked for."""

from __future__ import annotations

from itertools import islice

import pytest

from scaling import crowd
from scaling.__main__ import BEGIN, END, PAGE
from scaling.follower import Follower, alone
from tasks_app.engine.query import Query
from tasks_app.engine.task import Status

pytestmark = pytest.mark.files_stay("a connection that is made for each broker")


def test_replayed_events_are_tasks_with_progress_that_end() -> None:
    follower = Follower("memory://")
    for event in islice(crowd.events(workers=3, at_once=10), 400):
        follower.cluster.hear(event)
    follower.cluster.projector.flush()
    assert follower.store.counts[Status.COMPLETED] >= 10
    tasks = follower.store.page(Query(), 100).items
    assert {task.foreign.worker for task in tasks if task.foreign} <= {f"worker-{number}@simulated" for number in range(3)}
    assert any(task.progress is not None for task in tasks)
    follower.cluster.commands.close()


def test_a_rate_that_can_be_kept_up_leaves_nothing_behind() -> None:
    found = alone(rate=100, seconds=0.5, workers=5)
    assert found.dropped == 0
    assert found.rate > 0


def test_the_page_has_the_place_for_figures() -> None:
    page = PAGE.read_text("utf-8")
    assert page.index(BEGIN) < page.index(END)
