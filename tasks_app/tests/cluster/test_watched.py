"""A plain Celery app with a real worker on a real Valkey: its tasks appear as they come, run and end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery

from tasks_app.cluster import commands
from tasks_app.cluster.cluster import Cluster
from tasks_app.cluster.workers import pool_of
from tasks_app.engine.errors import Conflict
from tasks_app.engine.ports import SystemClock
from tasks_app.engine.store import Store
from tasks_app.engine.task import Status, Task
from tasks_app.executors.cluster_app import app_of
from tasks_app.tests.cluster.broker import WAIT, sender, until, url_of, valkey, worker

pytestmark = pytest.mark.files_stay("connections to the broker come and go while the cluster is watched")


class Scene:
    """A broker, a worker, somebody who sends, and we who watch."""

    def __init__(self, url: str, name: str) -> None:
        self.store = Store()
        self.cluster = Cluster(app_of(url), self.store, SystemClock())
        self.app: Celery = sender(url)
        self.worker = name
        self.url = url

    def send(self, name: str, *args: object, **options: Any) -> str:
        """Send a task; its id."""
        return str(self.app.send_task(name, args, **options).id)

    def ended(self, task_id: str, status: Status) -> Task:
        """Its record, once it is there and has this status."""

        def found() -> Task | None:
            task = self.store.find(task_id)
            return task if task is not None and task.status is status else None

        task = until(found, f"{task_id} did not become {status}: {self.store.find(task_id)}")
        assert isinstance(task, Task)
        return task

    def answers(self) -> bool:
        """Whether the worker answers all that is asked at once: its mailbox opens a while after it is first heard of. Our threads are all
        there then."""
        asked = [self.cluster.commands.tell("ping", {}) for _ in range(commands.THREADS)]
        return all(answers.result(2 * WAIT) for answers in asked)

    def has_stats(self) -> bool:
        """Whether the worker was asked what it is made of."""
        found = self.cluster.workers.find(self.worker)
        return found is not None and "stats" in found.answers


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("watched")
    with valkey(folder) as server, worker(url_of(server), folder) as name:
        scene = Scene(url_of(server), name)
        scene.cluster.start()
        try:
            until(lambda: scene.cluster.workers.alive())
            until(scene.answers)
            yield scene
        finally:
            scene.cluster.stop()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker on a busy machine may answer later than people would wait."""
    monkeypatch.setattr(commands, "WAIT", WAIT)


def test_a_task_of_a_plain_app_is_followed_from_its_sender_to_its_result(scene: Scene) -> None:
    task = scene.ended(scene.send("shop.add", 2, 3), Status.COMPLETED)
    assert (task.type, task.params, task.result) == ("shop.add", b'{"args":"(2, 3)"}', b'"5"')
    assert task.foreign is not None
    assert task.foreign.worker == scene.worker
    assert task.foreign.sent_at is not None
    assert task.foreign.received_at is not None
    assert task.foreign.queue == "celery"
    assert task.attempts[-1].seconds is not None


def test_an_exception_is_told_with_its_traceback(scene: Scene) -> None:
    task = scene.ended(scene.send("shop.fail", "no stock"), Status.FAILED)
    assert task.error is not None
    assert (task.error.type, task.error.message) == ("ValueError", "no stock")
    assert "raise ValueError(said)" in task.error.traceback


def test_a_task_that_celery_retries_has_two_attempts(scene: Scene) -> None:
    task = scene.ended(scene.send("shop.unlucky"), Status.COMPLETED)
    assert len(task.attempts) == 2
    assert task.attempts[0].error is not None
    assert task.attempts[0].error.message == "not yet"


@pytest.mark.usefixtures("patient")
def test_a_task_with_a_countdown_is_scheduled_and_can_be_revoked(scene: Scene) -> None:
    task = scene.ended(scene.send("shop.add", 1, 1, countdown=600), Status.SCHEDULED)
    scene.cluster.cancel(task, by="anna", reason="not needed", force=False)
    now = scene.ended(task.id, Status.CANCELLED)
    assert now.cancel is not None
    assert now.cancel.by == "anna"
    until(lambda: any("answered" in line.text for line in scene.store.trail(now.number).lines()))


def test_a_running_task_is_ended_by_force_alone(scene: Scene) -> None:
    task = scene.ended(scene.send("shop.pack", 300), Status.PROCESSING)
    until(scene.has_stats)
    with pytest.raises(Conflict, match="only by force"):
        scene.cluster.cancel(task, by="", reason="", force=False)
    scene.cluster.cancel(task, by="anna", reason="", force=True)
    scene.ended(task.id, Status.CANCELLED)


def test_a_worker_says_what_it_is_made_of(scene: Scene) -> None:
    until(scene.has_stats)
    found = scene.cluster.workers.find(scene.worker)
    assert found is not None
    assert pool_of(found.part("stats", dict)) == "prefork"
    assert found.part("active_queues", list)[0]["name"] == "celery"
    assert found.software.startswith("py-celery")


@pytest.mark.usefixtures("patient")
def test_what_a_worker_is_told_it_answers(scene: Scene) -> None:
    answers = scene.cluster.commands.tell("rate_limit", {"task_name": "shop.add", "rate_limit": "100/s"}, [scene.worker]).result(2 * WAIT)
    assert [(answer.worker, answer.done) for answer in answers] == [(scene.worker, True)]
    wrong = scene.cluster.commands.tell("rate_limit", {"task_name": "no.such", "rate_limit": "1/s"}, [scene.worker]).result(2 * WAIT)
    assert not wrong[0].done
    assert "no.such" in wrong[0].text or "unknown" in wrong[0].text.lower()


def test_what_began_before_we_looked_is_found_by_asking(scene: Scene) -> None:
    task_id = scene.send("shop.pack", 300)
    scene.ended(task_id, Status.PROCESSING)
    late = Scene(scene.url, scene.worker)
    late.cluster.start()
    try:
        task = late.ended(task_id, Status.PROCESSING)
        assert (task.type, task.params) == ("shop.pack", b'{"args":"(300,)"}')
        until(late.has_stats)
        late.cluster.cancel(task, by="", reason="", force=True)
        late.ended(task_id, Status.CANCELLED)
    finally:
        late.cluster.stop()
