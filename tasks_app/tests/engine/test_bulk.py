"""Acting on many tasks at once: counted beforehand, in slices, aborted without harm, told exactly, and undone where it deleted."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace

from tasks_app.engine import bulk, bulk_undo
from tasks_app.engine import task as t
from tasks_app.engine.bulk import Action, BulkParams
from tasks_app.engine.bulk_undo import undo
from tasks_app.engine.deleted import SECONDS
from tasks_app.engine.errors import Conflict, Draining, NotFound
from tasks_app.engine.foreign import Foreign
from tasks_app.engine.launch import LaunchRequest
from tasks_app.engine.preview import preview
from tasks_app.engine.store import Store
from tasks_app.engine.tally import Tally, tally_of
from tasks_app.engine.task import TERMINAL, WAITING, Status, Task
from tasks_app.tests import scripted
from tasks_app.tests.engine.naive import assert_indexes_are_right
from tasks_app.tests.engine.records import IN_STATUS
from tasks_app.tests.engine.virtual import VirtualLoop
from tasks_app.tests.engine.world import World

Start = Callable[..., Awaitable["Acting"]]
NOBODY = "00000000-0000-4000-8000-000000000000"


async def turns_until(done: Callable[[], bool]) -> int:
    """Let time pass, slice by slice, until this is so; how many slices."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    for turns in range(10_000):
        if done():
            return turns
        await loop.advance(bulk.PAUSE)
    raise AssertionError("It never came to that.")


class Acting:
    """A world that knows bulk actions."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.going: dict[int, Tally] = {}
        numbers = itertools.count(1)
        world.engine._intake._new_id = lambda: f"00000000-0000-4000-9000-{next(numbers):012d}"
        for kind in (bulk.bulk_type(world.engine, self.going), bulk_undo.undo_type(world.engine, self.going)):
            world.registry.register(kind)

    def begin(self, action: str, by: str = "ann", **which: Any) -> Task:
        return self.world.engine.submit_own(LaunchRequest(type=bulk.NAME, params={"action": action, **which}, priority=100), by=by)

    async def ended(self, task: Task) -> Tally:
        await turns_until(lambda: self.world.status(task) in TERMINAL)
        found = tally_of(self.world.now(task))
        assert found is not None
        assert not self.going
        return found

    async def act(self, action: str, **which: Any) -> Tally:
        return await self.ended(self.begin(action, **which))

    async def count(self, action: str, **which: Any) -> Any:
        return await preview(self.world.store, BulkParams.model_validate({"action": action, **which}))


@pytest.fixture
async def acting(start: Callable[..., Awaitable[World]]) -> Acting:
    return Acting(await start())


@pytest.mark.parametrize(
    ("action", "done", "why"),
    [
        ("cancel", 3, {"cancelling": 1, "completed": 2, "failed": 1, "cancelled": 1}),
        ("retry", 2, {"cancelling": 1, "completed": 2, "processing": 1, "pending": 2}),
        ("delete", 8, {}),
    ],
)
async def test_what_is_counted_beforehand_is_what_happens(acting: Acting, action: str, done: int, why: dict[str, int]) -> None:
    world = acting.world
    world.submit("hang")
    await world.settle()
    ok = await world.ran("ok")
    failed = await world.ran("fail")
    stubborn = world.submit("stubborn")
    await world.settle()
    world.engine.cancel(stubborn.id)
    second = await world.ran("ok")
    world.engine.pause("scripted")
    cancelled, waits, _ = world.submit(), world.submit(), world.submit()
    world.engine.cancel(cancelled.id)
    assert {world.status(task) for task in (ok, second)} == {Status.COMPLETED}
    assert (world.status(failed), world.status(waits)) == (Status.FAILED, Status.PENDING)
    before = await acting.count(action, filter={})
    assert (before.matched, before.acts, before.left) == (8, done, {Status(word): count for word, count in why.items()})
    tally = await acting.act(action, filter={})
    assert (tally.matched, tally.done, tally.skipped, tally.failed, tally.to_go) == (8, done, 8 - done, 0, 0)
    assert tally.why == why
    assert {left.why for left in tally.left_out} == set(why)
    scripted.LET_GO.set()
    await world.advance(1)


@pytest.mark.parametrize("which", [{"q": "sweep"}, {"status": ["completed"]}, {"tag": ["nightly"], "q": "-name:other"}])
async def test_a_filter_is_counted_as_it_is_acted_on(acting: Acting, which: dict[str, Any]) -> None:
    world = acting.world
    for number in range(120):
        world.submit("ok", name="sweep" if number % 3 else "other", tags=["nightly"] if number % 2 else [])
    await world.advance(1)
    before = await acting.count("delete", filter=which)
    tally = await acting.act("delete", filter=which)
    assert before.matched == before.acts == tally.matched == tally.done > 0
    assert not (await acting.count("delete", filter=which | {"type": ["scripted"]})).matched


async def test_ids_are_counted_once_and_those_that_are_gone_are_named(acting: Acting) -> None:
    tasks = [await acting.world.ran("ok") for _ in range(2)]
    ids = [tasks[0].id, tasks[1].id, tasks[1].id, NOBODY]
    before = await acting.count("delete", ids=ids)
    assert (before.matched, before.acts, before.gone) == (2, 2, 1)
    tally = await acting.act("delete", ids=ids)
    assert (tally.matched, tally.done, tally.why) == (3, 2, {"gone": 1})
    assert [left.id for left in tally.left_out] == [NOBODY]


async def test_what_changed_after_the_count_is_left_as_it_is(acting: Acting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "SLICE", 1)
    world = acting.world
    world.engine.pause("scripted")
    older, *_, newer = (world.submit() for _ in range(20))
    task = acting.begin("delete", filter={"status": ["pending"], "type": ["scripted"]})
    await turns_until(lambda: task.number in acting.going and acting.going[task.number].done > 0)
    world.engine.cancel(older.id)
    tally = await acting.ended(task)
    assert (tally.matched, tally.done, tally.why) == (20, 19, {"changed": 1})
    assert world.store.find(newer.id) is None
    assert world.status(older) is Status.CANCELLED


async def test_aborted_it_keeps_what_it_did_and_says_how_much(acting: Acting) -> None:
    world = acting.world
    world.engine.pause("scripted")
    tasks = [world.submit() for _ in range(400)]
    task = acting.begin("cancel", filter={"type": ["scripted"]})
    await turns_until(lambda: task.number in acting.going and acting.going[task.number].done >= 100)
    world.engine.cancel(task.id)
    tally = await acting.ended(task)
    assert world.status(task) is Status.CANCELLED
    done = sum(world.status(one) is Status.CANCELLED for one in tasks)
    assert (tally.matched, tally.done, tally.to_go) == (400, done, 400 - done)
    assert 100 <= done < 400


async def test_what_the_engine_refuses_is_counted_by_its_reason(start: Callable[..., Awaitable[World]]) -> None:
    acting = Acting(await start(max_waiting=2))
    world = acting.world
    failed = [await world.ran("fail") for _ in range(4)]
    world.engine.pause("scripted")
    tally = await acting.act("retry", ids=[task.id for task in failed])
    assert (tally.done, tally.failed, tally.why) == (2, 2, {"waiting_full": 2})


async def test_an_aborted_action_does_not_go_on_because_many_others_are_retried(acting: Acting) -> None:
    world = acting.world
    world.engine.pause("scripted")
    tasks = [world.submit() for _ in range(400)]
    aborted = acting.begin("delete", filter={"type": ["scripted"]})
    await turns_until(lambda: aborted.number in acting.going and acting.going[aborted.number].done >= 100)
    world.engine.cancel(aborted.id)
    await acting.ended(aborted)
    left = len(world.store)
    asked: list[dict[str, Any]] = [{"filter": {}}, {"filter": {"q": "number:>0"}}, {"ids": [aborted.id]}]
    for which in asked:
        before = await acting.count("retry", **which)
        tally = await acting.act("retry", **which)
        assert (before.acts, tally.done, tally.why["is_action"]) == (0, 0, 1)
        assert before.left[Status.CANCELLED] == 1
    assert len(world.store) == left + 3, "nothing more was deleted"
    assert (await acting.count("delete", filter={"type": ["bulk_action"]})).acts == 4
    assert len(tasks) > left


async def test_what_it_sets_going_is_its_own_and_goes_on_when_it_has_ended(acting: Acting) -> None:
    world = acting.world
    tasks = [world.submit("hang", seconds=60) for _ in range(2 * bulk.SLICE)]
    for task in tasks:
        world.engine.cancel(task.id)
    await world.settle()
    tally = await acting.act("retry", filter={"status": ["cancelled"]})
    await world.advance(5)
    assert tally.done == len(tasks)
    assert {world.status(task) for task in tasks} == {Status.PROCESSING}
    await world.advance(60)
    assert {world.status(task) for task in tasks} == {Status.COMPLETED}


async def test_others_have_their_turn_while_many_are_deleted(acting: Acting) -> None:
    world = acting.world
    world.engine.pause("scripted")
    world.engine.submit_many([LaunchRequest(type="scripted")] * 3_000)
    task = acting.begin("delete", filter={})
    assert await turns_until(lambda: world.status(task) in TERMINAL) >= 3_000 / bulk.SLICE - 1


# -- undo


async def test_a_bulk_delete_is_undone_whole(acting: Acting) -> None:
    world = acting.world
    ended = [await world.ran("ok") for _ in range(70)]
    world.engine.pause("scripted")
    waiting = [world.submit() for _ in range(70)]
    before = {task.id: world.now(task) for task in (*ended, *waiting)}
    task = acting.begin("delete", filter={"type": ["scripted"]})
    assert (await acting.ended(task)).done == 140
    await world.advance(SECONDS - 1)
    back = undo(world.engine, task.id, by="bob")
    tally = await acting.ended(back)
    assert (tally.matched, tally.done) == (140, 140)
    assert {task_id: world.store.get(task_id).number for task_id in before} == {task_id: one.number for task_id, one in before.items()}
    assert {world.store.get(task.id).status for task in waiting} == {Status.PENDING}
    assert [world.store.position(world.now(one)) for one in waiting] == list(range(1, 71))
    assert_indexes_are_right(world.store)
    with pytest.raises(Conflict, match="too late"):
        undo(world.engine, task.id)


async def test_undo_stops_a_delete_that_goes_on_and_brings_back_what_it_had_deleted(acting: Acting) -> None:
    world = acting.world
    world.engine.pause("scripted")
    tasks = [world.submit() for _ in range(400)]
    task = acting.begin("delete", filter={"type": ["scripted"]})
    await turns_until(lambda: task.number in acting.going and acting.going[task.number].done >= 100)
    back = undo(world.engine, task.id)
    await world.advance(1)
    assert (world.status(task), world.status(back)) == (Status.CANCELLED, Status.COMPLETED)
    assert all(world.store.find(one.id) is not None for one in tasks)


async def test_what_finds_its_place_taken_can_be_brought_back_later(start: Callable[..., Awaitable[World]]) -> None:
    acting = Acting(await start(max_waiting=4))
    world = acting.world
    world.engine.pause("scripted")
    tasks = [world.submit() for _ in range(4)]
    task = acting.begin("delete", filter={"type": ["scripted"]})
    await acting.ended(task)
    taker = world.submit()
    tally = await acting.ended(undo(world.engine, task.id))
    assert (tally.done, tally.failed, tally.why) == (3, 1, {"waiting_full": 1})
    world.engine.delete(taker.id)
    assert (await acting.ended(undo(world.engine, task.id))).done == 1
    assert all(world.store.find(one.id) is not None for one in tasks)


async def test_it_is_undone_once_at_a_time_and_not_for_ever(acting: Acting) -> None:
    world = acting.world
    await world.ran("ok")
    task = acting.begin("delete", filter={"type": ["scripted"]})
    await acting.ended(task)
    first = undo(world.engine, task.id)
    with pytest.raises(Conflict, match="being undone"):
        undo(world.engine, task.id)
    await acting.ended(first)
    again = acting.begin("delete", filter={"type": ["scripted"]})
    await acting.ended(again)
    await world.advance(SECONDS)
    with pytest.raises(Conflict, match="too late"):
        undo(world.engine, again.id)


async def test_only_a_bulk_delete_can_be_undone(acting: Acting) -> None:
    other = acting.begin("cancel", filter={})
    await acting.ended(other)
    for task_id in (other.id, NOBODY):
        with pytest.raises(NotFound):
            undo(acting.world.engine, task_id)


async def test_a_server_that_stops_undoes_nothing(acting: Acting) -> None:
    world = acting.world
    await world.ran("ok")
    task = acting.begin("delete", filter={"type": ["scripted"]})
    await acting.ended(task)
    world.engine.begin_drain()
    with pytest.raises(Draining):
        undo(world.engine, task.id)


def watched(store: Store, status: Status, *, ours: bool = False, **fields: Any) -> Task:
    """A task that another program sees through: a plain Celery app, or a server like this one."""
    number = store.next_number()
    task = replace(IN_STATUS[status](), number=number, id=f"00000000-0000-4000-a000-{number:012d}", **fields)
    return store.add([replace(task, foreign=Foreign(id=task.id, ours=ours))])[0]


class Stops:
    """Who can be asked to stop what runs elsewhere: as Celery, not what runs in a plain app."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def cancel(self, task: Task, *, by: str, reason: str, force: bool) -> Task:
        if task.status not in WAITING and not (task.foreign and task.foreign.ours):
            raise Conflict
        at = partial(t.cancel_requested, by=by, reason=reason, at=1.0, monotonic=1.0, forced=force)
        return self.store.update(task.number, at) or task


@pytest.mark.parametrize("which", [{"filter": {"tag": ["x"]}}, {"filter": {"tag": ["x"], "q": "id:a000"}}, {"ids": True}])
@pytest.mark.parametrize(("action", "left"), [("cancel", {Status.PROCESSING: 1}), ("retry", {Status.FAILED: 1}), ("delete", {})])
async def test_what_other_programs_see_through_is_counted_as_it_will_be_done(
    acting: Acting, action: str, left: dict[Status, int], which: dict[str, Any]
) -> None:
    store = acting.world.store
    acting.world.engine.abroad = Stops(store)
    wants = {"cancel": [Status.PENDING, Status.PROCESSING], "retry": [Status.FAILED], "delete": [Status.PROCESSING, Status.COMPLETED]}[
        action
    ]
    tasks = [watched(store, status, tags=("x",)) for status in wants]
    if action == "cancel":
        tasks.append(watched(store, Status.PROCESSING, ours=True, tags=("x",)))
    which = {"ids": [task.id for task in tasks]} if "ids" in which else which
    found = await acting.count(action, **which)
    assert found.left == left
    assert found.elsewhere == sum(left.values())
    tally = await acting.act(action, **which)
    assert (tally.done, tally.skipped, tally.failed) == (found.acts, sum(left.values()), 0)
    assert tally.why == ({"elsewhere": 1} if left else {})
    assert_indexes_are_right(store)


def test_every_action_says_which_statuses_it_is_for() -> None:
    assert set(bulk.ELIGIBLE) == set(Action)
