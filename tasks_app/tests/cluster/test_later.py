"""Tasks of others past their ETA or their expiry: what is not told is made up for, and no more is said than is known."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from tasks_app.cluster.projector import Projector
from tasks_app.cluster.reckoning import Reckoning
from tasks_app.cluster.workers import Workers
from tasks_app.engine.query import Query
from tasks_app.engine.store import Store
from tasks_app.engine.task import Status, Task
from tasks_app.tests.cluster.events import UUID, event, life, received, sent

NOW = 1_800_000_000.0


class Turning:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now - NOW


class Scene:
    """A store that follows, and rounds in which workers answer."""

    def __init__(self) -> None:
        self.clock = Turning()
        self.store = Store()
        self.projector = Projector(self.store, self.clock)
        self.reckoning = Reckoning(self.store, self.clock, Workers(self.clock.time, self.clock.monotonic), self.projector)

    def hear(self, *events: dict[str, Any]) -> None:
        for told in events:
            self.projector.take(told, told["timestamp"])
        self.projector.flush()

    def round(self, after: float, *held: Mapping[str, str]) -> Status:
        """So many seconds later, workers are asked; its status then."""
        self.clock.now += after
        for question in ("active", "reserved", "scheduled"):
            self.reckoning.told(question, {"shop@here": list(held)} if held and question == "reserved" else {})
        self.projector.flush()
        return self.task.status

    @property
    def task(self) -> Task:
        (task,) = self.store.page(Query(), 10).items
        return task


@pytest.fixture
def scene() -> Scene:
    return Scene()


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(NOW + seconds, UTC).isoformat()


def test_one_whose_eta_has_come_waits_for_a_worker_and_then_runs(scene: Scene) -> None:
    scene.hear(sent(NOW, eta=_iso(100)))
    assert [scene.round(60), scene.round(60)] == [Status.SCHEDULED, Status.PENDING]
    scene.hear(event("task-started", NOW + 130))
    assert scene.task.status is Status.PROCESSING
    assert len(scene.task.attempts) == 1


def test_a_retry_whose_time_has_come_waits_for_a_worker(scene: Scene) -> None:
    scene.hear(*life(NOW)[:3], event("task-retried", NOW + 3, exception="ValueError('no')", traceback="", eta=_iso(30)))
    assert [scene.round(20), scene.round(60)] == [Status.RETRYING, Status.PENDING]
    scene.hear(event("task-started", NOW + 90), event("task-succeeded", NOW + 91, result="5", runtime=1.0))
    assert scene.task.status is Status.COMPLETED
    assert len(scene.task.attempts) == 2


@pytest.mark.parametrize("eta", [None, 5.0, 500.0])
def test_one_that_expired_and_was_never_begun_is_cancelled_and_says_why(scene: Scene, eta: float | None) -> None:
    scene.hear(sent(NOW, expires=_iso(10), eta=None if eta is None else _iso(eta)))
    assert scene.round(60) in (Status.PENDING, Status.SCHEDULED), "a word may be on its way"
    assert scene.round(60) is Status.CANCELLED
    assert scene.task.cancel is not None
    assert "no worker was heard to begin it" in scene.task.cancel.reason


def test_one_that_a_worker_holds_is_left_to_what_that_says(scene: Scene) -> None:
    scene.hear(received(NOW, expires=_iso(10)))
    held = {"id": UUID, "name": "shop.add"}
    assert [scene.round(60, held) for _ in range(4)] == [Status.PENDING] * 4
    scene.hear(event("task-revoked", NOW + 250, expired=True, terminated=False))
    assert scene.task.cancel is not None
    assert scene.task.cancel.reason == "It was not begun before it expired."


def test_a_later_word_corrects_it(scene: Scene) -> None:
    scene.hear(sent(NOW, expires=_iso(10)))
    assert [scene.round(60), scene.round(60)][-1] is Status.CANCELLED
    scene.hear(*life(NOW + 5)[1:])
    assert scene.task.status is Status.COMPLETED


@pytest.mark.parametrize("expires", ["soon", "", "9999-99-99", 5, None, "1e400", "2028-01-15"])
def test_an_expiry_that_is_none_or_far_off_changes_nothing(scene: Scene, expires: object) -> None:
    scene.hear(sent(NOW, expires=expires))
    assert [scene.round(60), scene.round(60)] == [Status.PENDING] * 2


def test_what_has_begun_in_time_does_not_expire(scene: Scene) -> None:
    scene.hear(sent(NOW, expires=_iso(10)), received(NOW + 1), event("task-started", NOW + 2))
    assert not scene.reckoning._later._waits
