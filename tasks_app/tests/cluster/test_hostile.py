"""What a cluster tells may be anything: each record that comes of it can be kept, shown and sent, and the next word is heard."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec
import pytest

from tasks_app.cluster.projector import Projector
from tasks_app.cluster.receiver import Receiver
from tasks_app.cluster.texts import bounded
from tasks_app.cluster.workers import Workers
from tasks_app.engine.ports import SystemClock
from tasks_app.engine.query import Query
from tasks_app.engine.store import Store
from tasks_app.engine.task import Task
from tasks_app.executors import wire
from tasks_app.executors.cluster_app import app_of
from tasks_app.task_json import moment, task_json
from tasks_app.tests.cluster.events import UUID, event, received

AT = 1_700_000_000.0
HUGE = 10**400  # JSON can say it
LONE = "a name that is no UTF-8: \udc80"
CALL = f"{UUID}.1"


class Heard:
    """What became of events as they come over the wire."""

    def __init__(self, *events: dict[str, Any]) -> None:
        self.workers, self.store = Workers(), Store()
        projector = Projector(self.store, SystemClock())
        for one in json.loads(json.dumps(events)):
            if one["type"].startswith("worker-"):
                self.workers.hear(one)
            else:
                projector.take(one, self.workers.by_our_clock(one))
        projector.flush()

    @property
    def task(self) -> Task:
        """The one record there is, once everything about it was written as the API writes it, and read again."""
        (task,) = self.store.page(Query(), 10).items
        text = msgspec.json.encode(task_json(task, monotonic=SystemClock().monotonic()))
        found = json.loads(text)
        json.dumps(found, allow_nan=False, ensure_ascii=False).encode()
        assert isinstance(found["params"], dict)
        return task

    @property
    def lines(self) -> list[str]:
        """Its log, written in the same way."""
        trail = self.store.find_trail(self.task.number)
        lines = trail.lines() if trail else []
        return [msgspec.json.encode((moment(line.at), round(line.seconds, 6), line.level, line.text)).decode() for line in lines]


@pytest.mark.parametrize("timestamp", [-1e300, 1e300, -1e12, 1e12, HUGE, -HUGE, math.nan, math.inf, "yesterday", None, [1], True], ids=repr)
@pytest.mark.parametrize("of", ["the task", "the worker", "both"])
def test_whatever_time_an_event_tells_its_record_has_one_that_can_be_shown(timestamp: Any, of: str) -> None:
    beat, word = event("worker-heartbeat", AT), received(AT)
    for one in {"the task": [word], "the worker": [beat], "both": [beat, word]}[of]:
        one["timestamp"] = timestamp
    assert Heard(beat, word).task.type == "shop.add"


@pytest.mark.parametrize("eta", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", 1e300, HUGE, math.nan], ids=repr)
def test_so_it_has_whatever_time_it_waits_for(eta: Any) -> None:
    assert Heard(received(AT, eta=eta)).task.scheduled_for is None


@pytest.mark.parametrize("field", ["freq", "active", "processed", "pid", "loadavg"])
def test_a_number_that_nobody_can_count_with_is_none(field: str) -> None:
    beat: dict[str, Any] = {field: [1, 2, HUGE] if field == "loadavg" else HUGE}
    heard = Heard(event("worker-heartbeat", AT) | beat)
    (worker,) = heard.workers.all()
    assert (worker.frequency, worker.active, worker.processed, worker.load) == (2.0, None, None, ())


def test_what_a_worker_answers_can_be_shown() -> None:
    assert bounded({"uptime": HUGE, "load": [math.nan, 1.5, 2, True, None]})["load"] == ["nan", 1.5, 2, True, None]
    assert isinstance(bounded(HUGE), str)


def told(*words: tuple[str, dict[str, Any]], **record: Any) -> Heard:
    """An attempt of another server: sent, begun, and whatever else was told of it."""
    of_all = {"origin": "o", "task_id": UUID, "type": "count", "params": "{}", "attempt": 1, "created_at": AT}
    launched = event(wire.LAUNCHED, AT, CALL, iotask={"v": 1, "record": {**of_all, **record}})
    begun = event(wire.BEGUN, AT + 1, CALL, iotask={"v": 1, "run": "r"})
    return Heard(launched, begun, *(event(kind, AT + 2, CALL, iotask={"v": 1, "run": "r", **word}) for kind, word in words))


@pytest.mark.parametrize(
    "record",
    [
        {"params": "{nope"},
        {"params": "[1]"},
        {"params": '{"a": "' + "x" * 200_000 + '"}'},
        {"params": '{"a": "\\udc80"}'},
        {"params": '{"a": 1e400}'},
        {"params": "[" * 100_000},
        {"name": LONE, "by": LONE, "tags": [LONE], "rerun_of": LONE},
        {"timeout": math.nan},
        {"timeout": -math.inf},
        {"created_at": math.nan},
        {"created_at": 1e300},
        {"priority": HUGE, "number": HUGE, "max_attempts": HUGE},
    ],
    ids=lambda record: str(record)[:40],
)
def test_the_record_of_another_server_is_read_as_far_as_it_can_be_right(record: dict[str, Any]) -> None:
    assert told(**record).task.type == "count"


@pytest.mark.parametrize("record", [{"attempt": HUGE}, {"attempt": 2}, {"attempt": -1}, {"task_id": "another"}], ids=str)
def test_a_record_of_another_attempt_than_its_event_is_nobodys(record: dict[str, Any]) -> None:
    assert len(told(**record).store) == 0


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (wire.PROGRESS, {"current": math.nan, "total": math.inf, "message": LONE}),
        (wire.PROGRESS, {"current": -1, "total": -1e308}),
        (wire.MEASURE, {"values": [["a", math.nan, math.nan, "ms"], [LONE, 1, 1e300, LONE], ["b", None, 1, "ms"]]}),
        (wire.SETTLED, {"kind": "completed", "result": '"\udc80"'}),
        (wire.SETTLED, {"kind": "completed", "result": '"\\udc80"'}),
        (wire.SETTLED, {"kind": "completed", "result": "1e400"}),
        (wire.SETTLED, {"kind": "completed", "result": "1" + "0" * 5_000}),
        (wire.SETTLED, {"kind": "completed", "result": "[" * 3_000 + "]" * 3_000}),
        (wire.SETTLED, {"kind": "failed", "error": {"type": LONE, "message": LONE, "traceback": LONE}}),
        (wire.SETTLED, {"kind": "failed", "seconds": math.nan}),
        (wire.SETTLED, {"kind": "failed", "seconds": 1e300}),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_its_worker_says_is_read_as_far_as_it_can_be_right(kind: str, word: dict[str, Any]) -> None:
    assert told((kind, word)).task.type == "count"


@pytest.mark.parametrize("seconds", [math.inf, math.nan, 1e300, -1e13], ids=repr)
def test_lines_of_its_log_are_of_some_time_and_can_be_written(seconds: float) -> None:
    (line,) = told((wire.LOG, {"lines": [[seconds, LONE, LONE]]})).lines
    assert "a name that is no UTF-8" in line


def test_an_event_that_nobody_foresaw_costs_no_other(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[Any] = []

    def take(given: dict[str, Any]) -> None:
        heard.append(given["uuid"].upper())

    receiver = Receiver(app_of("redis://127.0.0.1:1/0"), take)
    receiver._received([event("task-sent", AT, "a"), {"type": "task-sent", "uuid": 1}, event("task-sent", AT, "b")], None)
    receiver._received({"type": "task-sent", "uuid": 2}, None)
    receiver._received(["no event", {"type": 1}], None)
    assert (heard, receiver.events, receiver.unread) == (["A", "B"], 4, 2)
    assert caplog.messages == ["An event of type 'task-sent' could not be read"]
