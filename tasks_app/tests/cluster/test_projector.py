"""What is heard of tasks that run elsewhere becomes records: late, twice, out of order, hostile, and without end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from tasks_app.cluster import projector as room
from tasks_app.cluster.projector import Projector
from tasks_app.engine.ports import SystemClock
from tasks_app.engine.query import Query
from tasks_app.engine.retention import RECORD
from tasks_app.engine.sightings import unheard
from tasks_app.engine.store import Store
from tasks_app.engine.task import ACTIVE, TERMINAL, OutcomeKind, Status, Task
from tasks_app.executors import wire
from tasks_app.tests.cluster.events import UUID, event, life, received, sent

AT = 1_700_000_000.0


class Watched:
    """A store and a projector that was told events."""

    def __init__(self, *events: dict[str, Any], own: str = "") -> None:
        self.store = Store()
        self.projector = Projector(self.store, SystemClock(), lambda origin: origin == own)
        self.tell(events)

    def tell(self, events: Iterable[dict[str, Any]]) -> None:
        """Tell more, and write it."""
        for one in events:
            self.projector.take(one, one["timestamp"])
        self.projector.flush()

    @property
    def task(self) -> Task:
        """The one record there is."""
        (task,) = self.store.page(Query(), 10).items
        return task


def test_a_life_told_in_order_leaves_a_completed_task_with_all_that_was_said() -> None:
    task = Watched(*life(AT)).task
    assert (task.status, task.type, task.result, task.via) == (Status.COMPLETED, "shop.add", b'"5"', "celery")
    assert (task.created_at, task.attempts[0].seconds, task.ended_at) == (AT, 1.0, AT + 3.0)
    assert task.foreign is not None
    assert (task.foreign.worker, task.foreign.queue, task.foreign.root) == ("shop@here", "celery", UUID)


def test_what_ended_before_anybody_said_its_name_is_shown_once_somebody_does() -> None:
    watched = Watched(event("task-succeeded", AT + 3, result="5", runtime=1.0))
    assert len(watched.store) == 0
    watched.tell([received(AT + 1)])
    assert watched.task.status is Status.COMPLETED


def test_an_older_word_adds_what_was_not_known_and_changes_no_status() -> None:
    watched = Watched(received(AT + 1), event("task-failed", AT + 3, exception="KeyError('x')", traceback=""))
    watched.tell([event("task-started", AT + 2), sent(AT, queue="slow")])
    assert watched.task.status is Status.FAILED
    assert watched.task.foreign is not None
    assert (watched.task.foreign.queue, watched.task.foreign.sent_at) == ("slow", AT)


def test_a_message_that_was_delivered_twice_settles_once() -> None:
    watched = Watched(*life(AT))
    version = watched.store.version
    watched.tell([event("task-started", AT + 10, hostname="other@here"), event("task-failed", AT + 11, exception="E()", traceback="")])
    assert watched.task.status is Status.COMPLETED
    watched.tell(life(AT))
    assert watched.store.version <= version + 1


def test_a_run_that_another_worker_takes_up_is_a_second_attempt() -> None:
    watched = Watched(received(AT), event("task-started", AT + 1))
    watched.tell([event("task-started", AT + 60, hostname="other@here")])
    assert [attempt.outcome for attempt in watched.task.attempts] == ["interrupted", None]
    assert watched.task.status is Status.PROCESSING


def test_a_start_that_is_told_by_an_event_and_by_an_answer_is_one() -> None:
    watched = Watched(received(AT), event("task-started", AT + 1.0))
    watched.tell([event("task-started", AT + 1.3)])
    assert len(watched.task.attempts) == 1


def test_what_nobody_has_any_more_is_interrupted_until_somebody_says_how_it_ended() -> None:
    watched = Watched(received(AT), event("task-started", AT + 1))
    watched.projector.see(unheard(UUID, AT + 100))
    watched.projector.flush()
    assert watched.store.counts[Status.INTERRUPTED] == 1
    watched.tell([event("task-succeeded", AT + 50, result="5", runtime=49.0)])
    assert watched.task.status is Status.COMPLETED


def test_a_task_with_a_time_is_scheduled_and_none_is_started_here() -> None:
    far = "2199-01-01T00:00:00+00:00"
    watched = Watched(received(AT, eta=far))
    assert watched.task.status is Status.SCHEDULED
    assert watched.store.next_due() is None
    assert watched.store.waiting == 0


def test_a_foreign_task_stands_in_no_line_even_where_its_type_is_ours() -> None:
    watched = Watched(received(AT, name="ping"))
    assert watched.store.lines() == []
    assert watched.store.position(watched.task) is None


def test_a_revoked_task_says_why() -> None:
    assert Watched(received(AT), event("task-revoked", AT + 1, expired=True)).task.cancel is not None
    task = Watched(received(AT), event("task-revoked", AT + 1, expired=True, terminated=False)).task
    assert task.status is Status.CANCELLED
    assert task.cancel is not None
    assert "expired" in task.cancel.reason


def test_a_task_deleted_here_is_not_brought_back_by_what_is_still_heard_of_it() -> None:
    watched = Watched(*life(AT)[:3])
    watched.store.delete(watched.task.number)
    watched.tell(life(AT))
    assert len(watched.store) == 0


def test_tasks_that_have_not_ended_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_ACTIVE", 5)
    watched = Watched(*(received(AT, f"task-{number}") for number in range(9)))
    watched.tell([])
    assert len(watched.store) <= 9
    watched.tell(received(AT, f"more-{number}") for number in range(9))
    assert watched.projector.left_out == 9
    watched.tell(event("task-succeeded", AT + 1, f"task-{number}", result="1", runtime=1) for number in range(9))
    watched.tell([received(AT, "again")])
    assert watched.store.counts[Status.PENDING] == 1


def test_names_of_types_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_TYPES", 3)
    watched = Watched(*(received(AT, f"t{number}", name=f"type.{number}") for number in range(6)))
    assert set(watched.store.type_counts) == {"type.0", "type.1", "type.2", room.OTHER_TYPE}
    assert {task.name for task in watched.store.page(Query(types=frozenset({room.OTHER_TYPE})), 9).items} == {"type.3", "type.4", "type.5"}


def test_words_that_come_faster_than_they_are_written_are_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_TOLD", 10)
    watched = Watched()
    for number in range(15):
        watched.projector.take(received(AT, f"t{number}"), AT)
    assert (watched.projector.waiting, watched.projector.dropped) == (10, 5)


def test_what_others_ended_pushes_out_nothing_of_our_own() -> None:
    watched = Watched()
    watched.store.add(
        [Task(id="own", number=watched.store.next_number(), type="count", params=b"{}", created_at=AT, status=Status.CANCELLED)]
    )
    for number in range(20):
        watched.tell(life(AT, uuid=f"t{number}"))
    watched.store.retire(keep=5)
    assert watched.store.find("own") is not None
    assert len(watched.store) == 6


@pytest.mark.parametrize(
    "wild",
    [
        {"name": "<script>alert(1)</script>", "args": "\u202e" * 10_000, "kwargs": {"a": [1]}},
        {"name": "a" * 10_000, "args": "\ud800", "kwargs": None},
        {"name": "x/y z\0", "eta": "tomorrow", "expires": [], "retries": "many", "root_id": 7},
        {"name": "t", "timestamp": float("nan"), "hostname": None, "pid": "x"},
    ],
)
def test_hostile_words_are_cut_and_kept_as_texts(wild: dict[str, Any]) -> None:
    watched = Watched()
    watched.projector.take(received(AT) | wild, AT)
    watched.projector.flush()
    task = watched.task
    assert 0 < len(task.type) <= 200
    assert len(task.params) < 3 * 10_000
    task.params.decode()


@pytest.mark.parametrize(
    "nonsense", [{}, {"type": "task-started"}, {"type": 5, "uuid": "x"}, {"type": "task-odd", "uuid": "x"}, {"uuid": 9}]
)
def test_nonsense_is_passed_over(nonsense: dict[str, Any]) -> None:
    watched = Watched()
    watched.projector.take(nonsense, AT)
    assert watched.projector.flush() == 0
    assert len(watched.store) == 0


# -- against a model: whatever the order and however often, it comes to the same

WORDS = {
    "started": lambda at: event("task-started", at),
    "retried": lambda at: event("task-retried", at, exception="E()", traceback=""),
    "succeeded": lambda at: event("task-succeeded", at, result="1", runtime=0.5),
    "failed": lambda at: event("task-failed", at, exception="E()", traceback=""),
    "revoked": lambda at: event("task-revoked", at, terminated=False, expired=False),
}
STATUS = {
    "started": Status.PROCESSING,
    "retried": Status.RETRYING,
    "succeeded": Status.COMPLETED,
    "failed": Status.FAILED,
    "revoked": Status.CANCELLED,
}


def expected(words: list[tuple[str, int]]) -> Status:
    """The model: once completed always completed, else what was said last."""
    if any(word == "succeeded" for word, _ in words):
        return Status.COMPLETED
    return STATUS[max(words, key=lambda one: one[1])[0]] if words else Status.PENDING


@settings(max_examples=80, deadline=None)
@given(data=some.data())
def test_words_in_any_order_and_twice_come_to_the_same_end(data: some.DataObject) -> None:
    kinds = data.draw(some.lists(some.sampled_from(sorted(WORDS)), max_size=6))
    words = [(kind, 10 * place) for place, kind in enumerate(kinds, 1)]
    told = [received(AT), *(WORDS[kind](AT + at) for kind, at in words)]
    shuffled = data.draw(some.permutations(told + data.draw(some.lists(some.sampled_from(told), max_size=4))))
    cuts = data.draw(some.lists(some.integers(0, len(shuffled)), max_size=3))
    watched = Watched()
    for low, high in zip([0, *sorted(cuts)], [*sorted(cuts), len(shuffled)], strict=True):
        watched.tell(shuffled[low:high])
    task = watched.task
    assert task.status is expected(words)
    counts = watched.store.counts
    assert sum(counts.values()) == counts[task.status] == 1
    assert watched.projector._active == (task.status in ACTIVE)
    assert (task.ended_at is not None) == (task.status in TERMINAL)
    assert watched.store._ended_elsewhere.size >= RECORD * (task.status in TERMINAL)


# -- what other dashboards like this one tell

TASK = "6f7c7d0e-6a55-4d1b-9a33-3d1f6b2f1a02"


def ours(word: Any, at: float, kind: str, attempt: int = 1) -> dict[str, Any]:
    return event(kind, at, f"{TASK}.{attempt}", **wire.fields_of(word))


def record(attempt: int = 1, origin: str = "there") -> wire.Launched:
    return wire.Launched(
        record=wire.Record(
            origin=origin,
            task_id=TASK,
            type="ping",
            params='{"address":"a"}',
            attempt=attempt,
            created_at=AT,
            name="n",
            tags=["t"],
            by="anna",
        )
    )


def test_a_task_of_another_dashboard_comes_with_all_it_may_show() -> None:
    watched = Watched(
        ours(record(), AT, wire.LAUNCHED),
        ours(wire.Begun(run="r"), AT + 1, wire.BEGUN),
        ours(wire.Progressed(run="r", current=3, total=10, message="third"), AT + 2, wire.PROGRESS),
        ours(wire.Logged(run="r", lines=[wire.Line(0.5, "info", "hello")]), AT + 2, wire.LOG),
        ours(wire.Measured(run="r", values=[wire.Value("rtt", 1.5, 0.5, "ms")]), AT + 2, wire.MEASURE),
    )
    task = watched.task
    assert (task.id, task.type, task.name, task.tags, task.by, task.status) == (TASK, "ping", "n", ("t",), "anna", Status.PROCESSING)
    assert task.progress is not None
    assert (task.progress.current, task.progress.total, task.progress.message) == (3, 10, "third")
    trail = watched.store.trail(task.number)
    assert [line.text for line in trail.lines()] == ["hello"]
    assert trail.series["rtt"].last == 1.5
    watched.tell([ours(wire.Settled(run="r", kind=OutcomeKind.COMPLETED, result='{"sent":1}', seconds=4.0), AT + 5, wire.SETTLED)])
    assert (watched.task.status, watched.task.result) == (Status.COMPLETED, b'{"sent":1}')


def test_a_further_attempt_of_another_dashboard_takes_its_task_up_again() -> None:
    failed = wire.Settled(run="r", kind=OutcomeKind.FAILED, seconds=1.0)
    watched = Watched(ours(record(), AT, wire.LAUNCHED), ours(wire.Begun(run="r"), AT + 1, wire.BEGUN), ours(failed, AT + 2, wire.SETTLED))
    assert watched.store.counts[Status.FAILED] == 1
    watched.tell([ours(record(2), AT + 3, wire.LAUNCHED, 2)])
    assert watched.task.status is Status.PENDING
    watched.tell([ours(failed, AT + 2, wire.SETTLED), ours(wire.Begun(run="s"), AT + 1, wire.BEGUN, 2)])
    assert (watched.task.status, len(watched.task.attempts)) == (Status.PROCESSING, 2)
    assert watched.task.foreign is not None
    assert watched.task.foreign.id == f"{TASK}.2"


def test_what_this_process_launched_itself_is_left_to_its_executor() -> None:
    watched = Watched(ours(record(origin="me"), AT, wire.LAUNCHED), own="me")
    watched.tell([event("task-received", AT, f"{TASK}.1", name="iotask.ping", args="()", kwargs="{}")])
    assert len(watched.store) == 0


def test_a_record_under_a_strange_id_is_no_task_of_that_id() -> None:
    watched = Watched(event(wire.LAUNCHED, AT, f"{UUID}.1", **wire.fields_of(record())))
    assert len(watched.store) == 0


@pytest.mark.parametrize("late", [2.35, 2.6], ids=["while its retry runs", "after its retry has ended"])
def test_a_retry_that_celery_tells_late_is_that_of_the_attempt_before(late: float) -> None:
    """A process that still has to connect to send the retry says that it did after another one has begun with it."""
    words = [
        sent(AT),
        received(AT + 1),
        event("task-started", AT + 2),
        received(AT + 2.2, retries=1),
        event("task-started", AT + 2.3),
        event("task-succeeded", AT + 2.5, result="5", runtime=0.2),
        event("task-retried", AT + late, exception="RuntimeError('not yet')", traceback=""),
    ]
    task = Watched(*sorted(words, key=lambda word: word["timestamp"])).task
    assert task.status is Status.COMPLETED
    assert [attempt.outcome for attempt in task.attempts] == [OutcomeKind.FAILED, OutcomeKind.COMPLETED]
    assert task.attempts[0].error is not None
    assert task.attempts[0].error.message == "not yet"
