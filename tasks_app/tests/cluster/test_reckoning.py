"""What workers answer is held against what we think: what nobody has any more has ended, and secrets in answers stay where they are."""

from __future__ import annotations

import time

import pytest

from tasks_app.cluster.asker import shown
from tasks_app.cluster.projector import Projector
from tasks_app.cluster.reckoning import Reckoning
from tasks_app.cluster.workers import Workers
from tasks_app.engine.ports import SystemClock
from tasks_app.engine.query import Query
from tasks_app.engine.store import Store
from tasks_app.engine.task import Status, Task
from tasks_app.executors import wire
from tasks_app.tests.cluster.events import UUID, life, received

WORKER = "shop@here"
OURS = "6f7c7d0e-6a55-4d1b-9a33-3d1f6b2f1a02"


class Asked:
    """A store that follows, and workers that answer."""

    def __init__(self) -> None:
        self.store = Store()
        self.projector = Projector(self.store, SystemClock())
        self.workers = Workers()
        self.reckoning = Reckoning(self.store, SystemClock(), self.workers, self.projector)

    def answer(self, question: str, *answers: object, worker: str = WORKER) -> None:
        self.reckoning.told(question, {worker: list(answers)})
        self.projector.flush()

    @property
    def task(self) -> Task:
        (task,) = self.store.page(Query(), 10).items
        return task

    def runs(self, since: float) -> None:
        for event in life(since)[:3]:
            self.projector.take(event, event["timestamp"])
        self.projector.flush()


def test_a_task_that_its_worker_has_not_any_more_in_two_rounds_is_interrupted() -> None:
    asked = Asked()
    asked.runs(time.time() - 60)
    asked.answer("active")
    assert asked.store.counts[Status.PROCESSING] == 1
    asked.answer("active")
    assert asked.store.counts[Status.INTERRUPTED] == 1
    assert "not heard" in (asked.task.error.message if asked.task.error else "")


def test_a_task_that_its_worker_still_has_runs_on() -> None:
    asked = Asked()
    asked.runs(time.time() - 60)
    for _ in range(3):
        asked.answer("active", {"id": UUID, "name": "shop.add", "time_start": time.time() - 58})
    assert asked.task.status is Status.PROCESSING
    assert len(asked.task.attempts) == 1


def test_a_task_that_has_just_begun_is_given_time() -> None:
    asked = Asked()
    asked.runs(time.time() - 3)
    for _ in range(3):
        asked.answer("active")
    assert asked.task.status is Status.PROCESSING


def test_what_a_worker_holds_is_seen_though_nobody_told_of_it() -> None:
    asked = Asked()
    asked.answer("reserved", {"id": "a", "name": "shop.add", "args": [1], "kwargs": {}, "delivery_info": {"routing_key": "slow"}})
    asked.answer("scheduled", {"eta": "2199-01-01T00:00:00+00:00", "request": {"id": "b", "name": "shop.add"}})
    asked.answer("active", {"id": "c", "name": "shop.add", "args": "(1,)", "kwargs": "{}", "time_start": time.time() - 30})
    assert {status: count for status, count in asked.store.counts.items() if count} == {
        Status.PENDING: 1,
        Status.SCHEDULED: 1,
        Status.PROCESSING: 1,
    }


def test_secrets_in_an_answer_are_not_taken_in() -> None:
    asked = Asked()
    record = wire.Record(origin="there", task_id=OURS, type="ping", params='{"password":"**********"}', attempt=1, created_at=time.time())
    order = wire.Order(record=record, secrets='{"password":"hush"}')
    asked.answer("reserved", {"id": f"{OURS}.1", "name": "iotask.ping", "args": [], "kwargs": {"order": wire.plain(order)}})
    assert asked.task.type == "ping"
    assert "hush" not in repr(asked.task)


@pytest.mark.parametrize("question", ["active", "reserved", "scheduled"])
def test_what_a_task_was_called_with_is_not_kept_of_an_answer(question: str) -> None:
    info = {"id": "a", "name": "iotask.ping", "args": ["hush"], "kwargs": {"order": {"secrets": "hush"}}, "worker_pid": 7}
    kept = shown(question, [info, {"eta": "soon", "request": info}, None, "hush"])
    assert "hush" not in repr(kept)
    assert kept[0] == {"id": "a", "name": "iotask.ping", "worker_pid": 7}
    assert kept[1]["request"]["id"] == "a"


def test_odd_answers_are_passed_over() -> None:
    asked = Asked()
    for question in ("active", "reserved", "scheduled", "stats"):
        asked.reckoning.told(question, {WORKER: None, "b": "text", "c": [None, 5, {}, {"id": 7}], "d": {"error": "no"}})
    asked.projector.take(received(time.time()), time.time())
    asked.projector.flush()
    assert len(asked.store) == 1


def test_workers_are_bounded_and_forgotten() -> None:
    workers = Workers(monotonic=lambda: 0.0)
    for number in range(6_000):
        workers.hear({"type": "worker-heartbeat", "hostname": f"w{number}", "timestamp": time.time()})
    assert len(workers.all()) <= 5_000
