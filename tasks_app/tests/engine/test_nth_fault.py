"""The n-th call of the store, the journal or the executor fails, for every n: the engine goes on, and everything is in order."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import pytest

from tasks_app.engine.errors import EngineError, JournalFailed
from tasks_app.engine.events import Change
from tasks_app.engine.limits import Limits
from tasks_app.engine.task import RUNNING, TERMINAL, Status, Task
from tasks_app.executors.local import LocalExecutor
from tasks_app.journal.null import NullJournal
from tasks_app.tests import scripted
from tasks_app.tests.engine.failing import FailingExecutor, Faults
from tasks_app.tests.engine.naive import assert_indexes_are_right, everything, replayed
from tasks_app.tests.engine.virtual import VirtualLoop
from tasks_app.tests.engine.world import World

STORE = ("add", "update", "update_many", "delete", "retire", "all_due", "next_due", "first_in_line", "by_number", "find", "trail")
KEPT = 4
JOURNAL = ("record", "note", "settled", "when_settled")
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


class Remembers(NullJournal):
    """Keeps all it was told, at once."""

    durable = True

    def __init__(self) -> None:
        self.changes: list[Change] = []

    def record(self, changes: Sequence[Change]) -> None:
        self.changes.extend(changes)


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop tells of errors in callbacks: these are ours."""
    monkeypatch.setattr(asyncio.BaseEventLoop, "default_exception_handler", lambda loop, context: None)


async def _every_kind_of_work(world: World) -> None:
    """Launches, ends, retries, cancels, deletes and times out. An order that fails for want of memory is one a client hears 503 of."""
    tasks: list[Task] = []

    def order(call: Callable[..., Task], *args: Any, **more: Any) -> None:
        with suppress(MemoryError, EngineError):  # the latter: its task is not there, as an order before it failed
            made = call(*args, **more)
            if call == world.submit:
                tasks.append(made)

    order(world.submit, "ok")
    order(world.submit, "fail", max_attempts=2)
    order(world.submit, "hang", timeout=1.0, name="times out")
    order(world.submit, "slow_progress", times=3, seconds=0.3)
    order(world.submit, "stubborn")
    order(world.submit, "hang")
    order(world.submit, "hang")
    await world.advance(0.5)
    for task in tasks[-3:-1]:
        order(world.engine.cancel, task.id)
    order(world.engine.delete, tasks[-1].id)
    await world.advance(3)
    for task in tasks:
        by_itself = task.name == "times out" or json.loads(task.params)["mode"] in ("ok", "fail", "slow_progress")
        assert not by_itself or (now := world.store._tasks.get(task.number)) is None or now.status in TERMINAL, "it ends without any order"
    order(world.engine.delete, tasks[0].id)
    order(world.engine.retry, tasks[1].id)
    for _ in range(2):  # what was not heard is asked again
        for task in tasks:
            order(world.engine.cancel, task.id, force=True)
        await world.advance(5)


async def _lived_through(nth: int, part: str, late: bool) -> Faults:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    faults, journal = Faults(nth, late=late), Remembers()
    executor = FailingExecutor(LocalExecutor(), faults if part == "executor" else Faults(0))
    world = World(loop, Limits(cancel_grace=1.0, keep_finished=KEPT), executor=executor, journal=journal)
    if part == "store":
        faults.wrap(world.store, *STORE)
    elif part == "journal":
        world.store.unlisten(journal.record)
        faults.wrap(journal, *JOURNAL)
        world.store.listen(journal.record)
    await world.engine.start()
    try:
        await _every_kind_of_work(world)
        _all_is_in_order(world)
    finally:
        await _drained(world)
    assert {task.status for task in everything(world.store)} <= TERMINAL | {Status.PENDING, Status.RETRYING}
    assert world.engine.queues.running == 0
    assert len(world.engine.runner) == 0
    assert replayed(world.changes) == world.store._tasks
    heard = list(dict.fromkeys(change.version for change in journal.changes))  # one it failed after taking it in, it hears again
    assert heard == list(range(1, world.store.version + 1)), "nothing was kept from the journal"
    return faults


async def _drained(world: World) -> None:
    try:
        await world.engine.drain(0)
    except (MemoryError, JournalFailed):
        await world.engine.drain(0)
    scripted.LET_GO.set()
    await world.advance(5)
    scripted.LET_GO.clear()


def _all_is_in_order(world: World) -> None:
    assert_indexes_are_right(world.store)
    live = world.engine.runner._live
    assert world.engine.queues.running == sum(one.has_slot for one in live.values())
    running = {task.number for task in everything(world.store) if task.status in RUNNING}
    assert running <= set(live), "nothing runs of which nobody knows"
    assert not running, "and all of it has ended by now"
    assert world.store.counts[Status.PENDING] == 0
    assert len(world.store) <= KEPT, "caps hold"


@pytest.mark.parametrize(("part", "late"), [("store", False), ("journal", False), ("journal", True), ("executor", False)])
async def test_whichever_call_fails_the_engine_goes_on_and_nothing_is_lost(part: str, late: bool) -> None:
    """`late`: the fault comes once the call has done its work."""
    failed = set()
    nth = 1
    while (faults := await _lived_through(nth, part, late)).failed:
        failed.add(faults.failed)
        nth += 1
    assert nth > 5
    assert len(failed) > 1
