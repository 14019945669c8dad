"""What an executor makes of events, without a broker: they come out of order, twice, from runs that are over, and from others."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from tasks_app.engine.abroad import refuse_force
from tasks_app.engine.errors import Conflict
from tasks_app.engine.task import OutcomeKind, Status, Task, started
from tasks_app.executors import wire
from tasks_app.executors.celery import CeleryExecutor
from tasks_app.executors.cluster_app import app_of
from tasks_app.executors.local import LocalExecutor
from tasks_app.tests import scripted
from tasks_app.tests.executors.contract import Attempt


class Fed:
    """An attempt that was sent into the void, and the events that are told of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.executor = CeleryExecutor(app_of("redis://127.0.0.1:1/0"), LocalExecutor(), frozenset({"scripted"}))
        monkeypatch.setattr(self.executor.outbox, "start", lambda: None)
        self.attempt = Attempt(self.executor, scripted.scripted, {"password": "hunter2"})
        self.call = self.executor._calls[f"{self.attempt.id}.1"]
        self.call.sent = True

    async def tell(self, kind: str, word: wire.Word | None = None, **more: Any) -> bool:
        """An event, taken in."""
        taken = self.executor.feed(
            {"type": kind, "uuid": self.call.id, "hostname": "w@h", **(wire.fields_of(word) if word else {}), **more}
        )
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return taken

    async def settle(self, run: str = "a", kind: OutcomeKind = OutcomeKind.COMPLETED, result: str | None = "1") -> None:
        """Its end."""
        await self.tell(wire.SETTLED, wire.Settled(run=run, kind=kind, result=result))

    @property
    def kinds(self) -> list[OutcomeKind]:
        """How it settled, each time."""
        return [outcome.kind for outcome in self.attempt.outcomes]


@pytest.fixture
async def fed(monkeypatch: pytest.MonkeyPatch) -> Fed:
    """An attempt."""
    return Fed(monkeypatch)


async def test_progress_log_and_measurements_of_the_present_run_arrive(fed: Fed) -> None:
    await fed.tell(wire.BEGUN, wire.Begun(run="a"))
    await fed.tell(wire.PROGRESS, wire.Progressed(run="a", current=3, total=4, message="three"))
    await fed.tell(wire.LOG, wire.Logged(run="a", lines=[wire.Line(1.5, "warning", "hm")]))
    await fed.tell(wire.MEASURE, wire.Measured(run="a", values=[wire.Value("rtt", 2.0, 1.0, "ms")]))
    assert fed.attempt.reports[-1] == (3, 4, "three")
    assert [(line.text, line.level, line.seconds) for line in fed.attempt.trail.lines()] == [("hm", "warning", 1.5)]
    assert fed.attempt.trail.series["rtt"].last == 2.0


async def test_it_settles_once_however_often_its_end_is_told(fed: Fed) -> None:
    for run in "aab":
        await fed.settle(run)
    await fed.settle("a", OutcomeKind.FAILED)
    assert fed.kinds == [OutcomeKind.COMPLETED]


async def test_an_end_is_believed_before_any_beginning_was_heard(fed: Fed) -> None:
    await fed.settle()
    await fed.tell(wire.BEGUN, wire.Begun(run="a"))
    assert fed.kinds == [OutcomeKind.COMPLETED]


async def test_words_of_an_earlier_run_are_not_heard_once_another_has_begun(fed: Fed) -> None:
    await fed.tell(wire.BEGUN, wire.Begun(run="a"))
    await fed.tell(wire.BEGUN, wire.Begun(run="b", delivery=2))
    await fed.tell(wire.PROGRESS, wire.Progressed(run="a", current=9, total=10))
    assert fed.attempt.reports[-1][:2] == (0.0, None)
    assert "Taken up again by w@h" in fed.attempt.trail.lines()[-1].text


@pytest.mark.parametrize(
    "broken",
    [
        None,
        7,
        [],
        {"v": 2, "run": "a"},
        {"run": "a"},
        {"v": 1},
        {"v": True, "run": "a"},
        {"v": 1, "run": 5, "kind": "completed"},
        {"v": 1, "run": "a", "kind": "odd"},
    ],
)
async def test_what_is_no_word_of_ours_changes_nothing(fed: Fed, broken: Any) -> None:
    assert await fed.tell(wire.SETTLED, **{wire.KEY: broken})
    assert fed.kinds == []


async def test_fields_that_a_newer_worker_adds_are_left_out(fed: Fed) -> None:
    await fed.tell(wire.SETTLED, iotask={"v": 1, "run": "a", "kind": "completed", "result": "1", "colour": "blue"})
    assert fed.kinds == [OutcomeKind.COMPLETED]


@pytest.mark.parametrize("result", ["{", "nan", '"' + "x" * 70_000 + '"', "1 2"])
async def test_a_result_that_is_no_json_of_the_size_that_is_kept_is_a_failure(fed: Fed, result: str) -> None:
    await fed.settle(result=result)
    assert fed.attempt.outcomes[0].error is not None
    assert fed.attempt.outcomes[0].error.type == "result_not_json"


async def test_a_type_that_the_worker_does_not_know_and_a_revoke_by_others_settle_it(fed: Fed, monkeypatch: pytest.MonkeyPatch) -> None:
    await fed.tell("task-failed", exception="NotRegistered('iotask.scripted')")
    other = Fed(monkeypatch)
    await other.tell("task-revoked", terminated=False)
    assert (fed.kinds, other.kinds) == ([OutcomeKind.FAILED], [OutcomeKind.CANCELLED])


async def test_one_that_was_not_sent_is_taken_back_at_once(fed: Fed) -> None:
    fed.call.sent = False
    fed.attempt.stop()
    assert fed.kinds == [OutcomeKind.CANCELLED]
    assert not len(fed.executor.outbox)


async def test_events_of_others_are_nobodys(fed: Fed) -> None:
    assert not fed.executor.feed({"type": "task-succeeded", "uuid": "other"})
    assert not fed.executor.feed({"type": "worker-heartbeat"})
    assert not fed.executor.feed({})


def test_what_goes_over_the_wire_has_no_secret_but_in_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    shown, secrets = scripted.scripted.encode({"password": "hunter2"})
    task = scripted_task(shown, secrets)
    assert b"hunter2" not in repr(wire.fields_of(wire.Launched(record=wire.record_of(task, "here", 1)))).encode()
    order = wire.read_order(wire.plain(wire.order_of(task, "here", 1)))
    assert order is not None
    assert order.secrets is not None
    assert "hunter2" in order.secrets


def scripted_task(shown: bytes, secrets: bytes | None) -> Any:
    return Task(id="x", number=1, type="scripted", params=shown, secrets=secrets, created_at=0.0, status=Status.PROCESSING)


async def test_force_is_refused_with_the_reason_where_the_workers_pool_cannot_end_anything(fed: Fed) -> None:
    task = Task(id=fed.attempt.id, number=1, type="scripted", params=b"{}", created_at=0.0, status=Status.PROCESSING)
    task = started(replace(task, status=Status.PENDING), at=0.0, monotonic=0.0)
    assert fed.executor.why_no_force(task) is None
    await fed.tell(wire.BEGUN, wire.Begun(run="a", pool="solo", force="solo"))
    why = fed.executor.why_no_force(task)
    assert why == "It runs in a Celery worker with the pool solo, which cannot end it by force."
    with pytest.raises(Conflict, match="pool solo"):
        refuse_force(why)
