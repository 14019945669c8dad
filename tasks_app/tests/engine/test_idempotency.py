"""Idempotency keys: each person's apart, and bounded in number and bytes."""

from __future__ import annotations

import tracemalloc

import pytest

from tasks_app.engine.errors import IdempotencyConflict
from tasks_app.engine.idempotency import Keys
from tasks_app.engine.launch import LaunchRequest
from tasks_app.engine.store import Store
from tasks_app.tests.engine.records import a_task
from tasks_app.tests.engine.world import World


def asked(key: str, name: str = "") -> LaunchRequest:
    return LaunchRequest(type="scripted", params={"mode": "ok"}, idempotency_key=key, name=name)


async def test_two_people_with_the_same_key_do_not_see_one_anothers_task(world: World) -> None:
    of_ann, new = world.engine.submit_once(asked("k"), by="ann")
    of_bob, new_too = world.engine.submit_once(asked("k"), by="bob")
    assert new
    assert new_too
    assert of_ann.id != of_bob.id
    assert world.engine.submit_once(asked("k"), by="ann") == (world.now(of_ann), False)
    with pytest.raises(IdempotencyConflict):
        world.engine.submit(asked("k", name="another"), by="bob")
    assert world.engine.submit(asked("other", name="another"), by="bob").name == "another"


async def test_a_key_whose_task_is_gone_is_free_again(world: World) -> None:
    first = world.engine.submit(asked("k"))
    world.engine.delete(first.id)
    second, new = world.engine.submit_once(asked("k", name="another"))
    assert new
    assert second.id != first.id


def test_the_oldest_key_of_whoever_used_none_for_longest_is_forgotten_first() -> None:
    store, keys = Store(), Keys(most=4, of_one=3)
    store.add([a_task(1)])
    for by, key in (("bob", "b1"), ("ann", "a1"), ("ann", "a2"), ("ann", "a3"), ("ann", "a4")):
        keys.remember(by, key, b"f", "id-1")
    assert len(keys) == 4
    known = {(by, key) for by, key in (("bob", "b1"), *(("ann", f"a{n}") for n in range(1, 5))) if keys.find(by, key, b"f", store)}
    assert known == {("bob", "b1"), ("ann", "a2"), ("ann", "a3"), ("ann", "a4")}  # of her own the oldest
    keys.remember("eve", "e1", b"f", "id-1")
    assert keys.find("bob", "b1", b"f", store) is None
    assert len(keys) == 4


def test_the_same_key_once_more_takes_no_more_room() -> None:
    keys = Keys(most=4)
    for _ in range(10):
        keys.remember("", "k", b"f", "id")
    assert len(keys) == 1


def test_keys_take_as_much_room_however_many_and_however_long_they_are() -> None:
    keys = Keys(most=500)
    tracemalloc.start()
    try:
        for number in range(1_000):
            keys.remember("", f"{number}", b"f" * 16, "id")
        before = tracemalloc.get_traced_memory()[0]
        for number in range(5_000):
            keys.remember(f"person {number % 50}", f"{number}" * 40, b"f" * 16, "id")
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert len(keys) == 500
    assert grown < 100_000


def test_keys_that_an_earlier_process_left_with_its_tasks_are_bound_again_the_newest_within_the_bounds() -> None:
    keys, store = Keys(most=2), Store()
    tasks = [a_task(number, by="ann", key=asked(f"k{number}").mark()) for number in (1, 2, 3)] + [a_task(4, by="ann")]
    store.restore(tasks, next_number=5, serials={})
    keys.restore(tasks)
    found = [keys.find("ann", f"k{number}", asked(f"k{number}").fingerprint(), store) for number in (1, 2, 3)]
    assert [task and task.number for task in found] == [None, 2, 3]
    with pytest.raises(IdempotencyConflict):
        keys.find("ann", "k3", asked("k3", name="another").fingerprint(), store)
