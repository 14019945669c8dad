"""The store: pages, counters, retention, the change feed, and several threads at once."""

from __future__ import annotations

import itertools
import json
import logging
import random
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tasks_app.engine import feed, retention, search
from tasks_app.engine import task as t
from tasks_app.engine.errors import IllegalTransition, NotFound
from tasks_app.engine.events import Change
from tasks_app.engine.indexes import Indexes
from tasks_app.engine.query import NEWEST, OLDEST, Query, parse_query
from tasks_app.engine.store import Store
from tasks_app.engine.task import TERMINAL, WAITING, Status, Task
from tasks_app.tests.engine.naive import assert_indexes_are_right, page_naively, replayed
from tasks_app.tests.engine.records import CANCELLED, DONE, FAILED, IN_STATUS, a_task, begun, cancelling


def filled(count: int, **fields: Any) -> Store:
    store = Store()
    store.add([a_task(store.next_number(), **fields) for _ in range(count)])
    return store


def ended(store: Store, number: int, at: float = 0.0) -> None:
    """Let a task run and end at a wall-clock time."""
    store.update(number, lambda task: t.started(task, at=at, monotonic=0.0))
    store.update(number, lambda task: t.finished(task, FAILED, monotonic=0.0))


MIXED = st.builds(
    lambda **fields: fields,
    type=st.sampled_from(["ping", "count"]),
    status=st.sampled_from([Status.PENDING, Status.PENDING, Status.SCHEDULED]),
    by=st.sampled_from(["", "ann", "bob"]),
    via=st.sampled_from(["api", "web"]),
    priority=st.sampled_from([0, 0, 5]),
    created_at=st.sampled_from([50.0, 60.0, 7200.0]),
    tags=st.sampled_from([(), ("a",), ("a", "b")]),
    retry_slots=st.booleans(),
)


@given(st.lists(MIXED, max_size=20), st.booleans())
def test_many_at_once_are_indexed_like_one_after_the_other(wanted: list[dict[str, Any]], divided: bool) -> None:
    at_once, one_by_one = Store(), Store()
    for store in (at_once, one_by_one):
        store._indexes.divided = divided
    tasks = [a_task(number, **fields) for number, fields in enumerate(wanted, 1)]
    at_once.add(replace(task) for task in tasks)
    for task in tasks:
        one_by_one.add([task])
    assert_indexes_are_right(at_once)
    for name in ("people", "doors", "elsewhere", "due", "counts", "type_counts", "waiting_of", "waiting_elsewhere", "tag_names", "hours"):
        assert getattr(at_once._indexes, name) == getattr(one_by_one._indexes, name)
    for line in ("ping", "count"):
        assert at_once.first_in_line(line) == one_by_one.first_in_line(line)
    waiting = [task for task in tasks if task.status is Status.PENDING]
    assert [at_once.position(task) for task in waiting] == [one_by_one.position(task) for task in waiting]


# -- writing


def test_each_change_bumps_the_version_and_is_announced_in_order() -> None:
    store, seen = Store(), list[Change]()
    store.listen(seen.extend)
    task = a_task(store.next_number())
    store.add([task])
    store.update(1, begun)
    store.delete(1)
    assert [(change.version, change.before is None, change.after is None) for change in seen] == [
        (1, True, False),
        (2, False, False),
        (3, False, True),
    ]
    assert [change.task.version for change in seen] == [1, 2, 2]
    assert store.version == 3


def test_listeners_hear_in_the_order_in_which_they_came_and_not_after_they_left() -> None:
    store, heard = Store(), list[str]()

    def first(changes: Sequence[Change]) -> None:
        heard.append("first")

    def second(changes: Sequence[Change]) -> None:
        heard.append("second")

    store.listen(first)
    store.listen(second)
    store.add([a_task(store.next_number())])
    store.unlisten(first)
    store.update(1, begun)
    assert heard == ["first", "second", "second"]


def test_nothing_is_announced_when_nothing_changed() -> None:
    store, seen = filled(1), list[Change]()
    store.listen(seen.extend)
    assert store.update(1, lambda task: None) is None
    assert store.update(99, begun) is None
    assert store.delete(99) is None
    store.add([])
    assert (seen, store.version) == ([], 1)


def test_tasks_are_taken_in_all_or_none() -> None:
    store = Store()

    def refuse() -> None:
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        store.add([a_task(1), a_task(2)], admit=refuse)
    assert (len(store), store.version) == (0, 0)


def test_a_change_that_is_refused_leaves_the_task_as_it_was() -> None:
    store = filled(1)
    with pytest.raises(IllegalTransition):
        store.update(1, lambda task: t.finished(task, DONE, monotonic=1.0))
    assert store.by_number(1) == a_task(1, version=1)
    assert_indexes_are_right(store)


def test_what_was_changed_before_a_refusal_is_announced() -> None:
    store, seen = filled(2), list[Change]()
    store.listen(seen.extend)
    with pytest.raises(IllegalTransition):
        store.update_many([(1, begun), (2, lambda task: t.finished(task, DONE, monotonic=1.0))])
    assert [change.task.number for change in seen] == [1]


def test_a_late_write_to_a_deleted_task_is_not_heard() -> None:
    store = filled(1)
    store.trail(1).log(at=0.0, seconds=0.0, attempt=1, level="info", text="x")
    gone = store.delete(1)
    assert gone is not None
    assert store.update(1, begun) is None
    store.update_many([(1, begun)])
    assert store.find(gone.id) is None
    assert store.find_trail(1) is None
    store.trail(1).log(at=0.0, seconds=0.0, attempt=1, level="info", text="late")
    assert store.find_trail(1) is None
    with pytest.raises(NotFound):
        store.get(gone.id)


def test_numbers_are_never_used_again() -> None:
    store = filled(3)
    store.delete(3)
    assert store.next_number() == 4


# -- restoring


def test_restored_tasks_are_there_and_numbers_go_on_behind_them() -> None:
    store, seen = Store(), list[Change]()
    store.listen(seen.extend)
    store.restore(_numbered(make(), number) for number, make in enumerate(IN_STATUS.values(), 1))
    assert len(store) == len(Status)
    assert store.next_number() == len(Status) + 1
    assert seen == []
    assert_indexes_are_right(store)


def test_a_reader_from_before_the_restore_is_told_to_begin_anew() -> None:
    store = Store()
    store.restore([a_task(1), a_task(2)])
    assert store.changed_since(0) is None
    assert store.changed_since(2) == []


def _numbered(task: Task, number: int) -> Task:
    return replace(task, id=f"id-{number}", number=number)


# -- pages


def spread(count: int, seed: int) -> Store:
    """Tasks of several types, tags, priorities and statuses, some of them deleted."""
    store, chance = Store(), random.Random(seed)
    for _ in range(count):
        number = store.next_number()
        status = chance.choice([Status.PENDING, Status.SCHEDULED])
        tags = tuple(chance.sample(["x", "y", "z"], chance.randint(0, 2)))
        store.add(
            [
                a_task(
                    number,
                    status,
                    type=chance.choice("abc"),
                    tags=tags,
                    priority=chance.randint(-2, 2),
                    name=chance.choice(["red", "blue"]),
                    by=chance.choice(["", "ann", "bob"]),
                    via=chance.choice(["api", "dashboard"]),
                )
            ]
        )
        change = chance.choice([None, begun, cancelling, lambda task: t.finished(begun(task), FAILED, monotonic=1.0)])
        if change is not None and (status is Status.PENDING) and change is not cancelling:
            store.update(number, change)
        elif change is cancelling:
            store.update(number, cancelling)
        if chance.random() < 0.1:
            store.delete(number)
    return store


TEXTS = ["", "red", "red a", "-red", "status:failed,pending", "-status:pending", "-type:a", "-tag:x", "tag:x tag:y", "number:5..40"]
TEXTS += ["number:>20 number:<30,7", "-number:12", "created:<1970-01-02", "created:>1971-01-01", "created:1970-01-01 red", "error:told"]
TEXTS += ["by:=ann", "by:=ann,bob red", "by:=ann by:=bob", "by:=ann by:b", "-by:=ann", "by:=an", "by:a", "by:=ann,bo"]


def asked(text: str, **fields: Any) -> Query:
    """A query that was typed, and one that was built, in one."""
    return replace(parse_query(text=text), **fields)


queries = st.builds(
    lambda text, **fields: asked(text, **{name: value for name, value in fields.items() if value}),
    text=st.sampled_from(TEXTS),
    statuses=st.frozensets(st.sampled_from(Status), max_size=3),
    types=st.frozensets(st.sampled_from(["a", "b", "none"]), max_size=2),
    tags=st.frozensets(st.sampled_from(["x", "y", "none"]), max_size=2),
    sort=st.sampled_from([NEWEST, OLDEST]),
    cursor=st.one_of(st.none(), st.integers(0, 70)),
)


@given(query=queries, limit=st.integers(1, 30), seed=st.integers(0, 5))
def test_a_page_is_what_a_naive_reader_would_find(query: Query, limit: int, seed: int) -> None:
    store = spread(60, seed)
    page = store.page(query, limit)
    wanted, goes_on = page_naively(store, query, limit)
    assert list(page.items) == wanted
    assert (page.next is not None) == goes_on
    if page.next is not None:
        assert page.next == page.items[-1].number
    if not query.searches:
        assert page.total == store.count(query)


@given(query=queries, limit=st.integers(1, 20), seed=st.integers(0, 5))
def test_following_the_cursor_shows_each_task_once(query: Query, limit: int, seed: int) -> None:
    store = spread(60, seed)
    query = replace(query, cursor=None)
    seen: list[int] = []
    cursor: int | None = None
    for _ in range(100):
        page = store.page(replace(query, cursor=cursor), limit)
        seen += [task.number for task in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert seen == store.numbers(query) == [task.number for task in page_naively(store, query, 1000)[0]]


@given(query=queries, number=st.integers(0, 70), seed=st.integers(0, 5))
def test_newer_ones_are_counted(query: Query, number: int, seed: int) -> None:
    store = spread(60, seed)
    query = query.indexed
    assert store.count_newer(query, number) == len([n for n in store.numbers(query) if n > number])


def test_a_page_goes_on_behind_a_task_that_was_deleted() -> None:
    store = filled(10)
    page = store.page(Query(), 3)
    store.delete(8)
    assert page.next == 8
    assert [task.number for task in store.page(Query(cursor=page.next), 3).items] == [7, 6, 5]


def test_of_all_the_tasks_of_others_none_is_looked_at_for_those_of_one_person() -> None:
    store = filled(3, by="ann")
    store.add([a_task(store.next_number(), by="annabel") for _ in range(300)])
    query = asked("by:=ann")
    assert not query.searches
    page = store.page(query, 2)
    assert (page.total, page.searched, [task.number for task in page.items]) == (3, None, [3, 2])
    assert (store.launched_by("ann"), store.launched_by("an")) == (3, 0)
    assert store.origins_like("by", "ANN", 5) == [("annabel", 300), ("ann", 3)]
    for number in (1, 2, 3):
        store.delete(number)
    assert store.page(query, 2).total == 0
    assert_indexes_are_right(store)


def test_a_search_looks_at_so_many_tasks_and_says_where_it_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MOST", 1_000)
    store = filled(2_600, name="blue")
    store.add([a_task(store.next_number(), name="red")])
    query = asked("red", sort=OLDEST)
    steps = []
    for _ in range(10):
        page = store.page(query, 10)
        steps.append((page.searched, len(page.items), page.next))
        if page.next is None:
            break
        query = replace(query, cursor=page.next)
    assert steps == [(1_000, 0, 1_000), (1_000, 0, 2_000), (601, 1, None)]


def test_a_search_that_looked_at_everything_knows_the_total() -> None:
    store = filled(1_200, name="red")
    assert store.page(asked("red"), 2_000).total == 1_200
    page = store.page(asked("red"), 10)
    assert (page.total, page.searched) == (None, 11)


def test_what_a_search_finds_is_counted_by_status_whichever_the_filter_names() -> None:
    store = filled(300, name="red")
    store.update(7, begun)
    store.update(250, begun)
    query = asked("red number:>100")
    for wanted in (query, replace(query, statuses=frozenset({Status.FAILED}), cursor=3)):
        counted = search.at_once(store.tallying(wanted))
        assert {status: count for status, count in counted.counts.items() if count} == {Status.PENDING: 199, Status.PROCESSING: 1}
        assert (counted.cut, counted.searched) == (frozenset(), 200)


def test_small_statuses_are_counted_whole_and_of_large_ones_the_newest() -> None:
    store = filled(5_000, name="red")
    for number in range(1, 31):
        store.update(number, begun)
    steps = store.tallying(asked("red"), 2_000)
    counted = search.at_once(steps)
    assert counted.counts[Status.PROCESSING] == 30
    assert counted.cut == {Status.PENDING}
    assert 1_900 <= counted.counts[Status.PENDING] < 5_000 - 30
    assert counted.searched == counted.counts[Status.PENDING] + 30


def test_a_count_looks_at_a_hundred_tasks_a_step() -> None:
    store = filled(1_000, name="red")
    looked: list[int] = []
    read = store.many

    def counted(numbers: Iterable[int]) -> list[Task]:
        looked.append(len(found := read(numbers)))
        return found

    store.many = counted  # type: ignore[method-assign]
    for _ in store.tallying(asked("red")):
        assert looked == [search.SLICE] * len(looked)
    assert sum(looked) == 1_000


# -- retention


def test_where_there_was_no_memory_to_let_them_leave_they_leave_the_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    store = filled(5)
    told: list[Change] = []
    for number in (1, 2, 3, 4):
        ended(store, number)
    store.listen(told.extend)
    remove, faults = Indexes.remove, [MemoryError()]

    def failing(self: Indexes, tasks: Sequence[Task]) -> None:
        if faults:
            raise faults.pop()
        remove(self, tasks)

    monkeypatch.setattr(Indexes, "remove", failing)
    with pytest.raises(MemoryError):
        store.retire(keep=1)
    assert (sorted(store.numbers(Query())), told) == ([1, 2, 3, 4, 5], [])
    assert store.retire(keep=1) == 3
    assert (sorted(store.numbers(Query())), [change.task.number for change in told]) == ([4, 5], [1, 2, 3])
    assert store.delete(4) is not None


def test_the_ones_that_ended_first_leave_first() -> None:
    store = filled(5)
    for number in (3, 1, 5, 2):
        ended(store, number, at=100.0)
    assert store.retire(keep=2) == 2
    assert sorted(store.numbers(Query())) == [2, 4, 5]


def test_those_that_ended_long_ago_leave_whatever_the_count_and_whatever_the_wall_clock_says() -> None:
    now = [0.0]
    store = Store(clock=lambda: now[0])
    store.add([a_task(number) for number in (1, 2, 3)])
    for number, wall in ((1, 9e9), (2, 20.0), (3, 0.0)):
        now[0] = number * 10.0
        ended(store, number, wall)
    now[0] = 45.0
    assert store.retire(keep=100, longest=30.0) == 1
    assert sorted(store.numbers(Query())) == [2, 3]


def test_what_ended_in_an_earlier_process_is_as_old_as_it_is() -> None:
    now = [1000.0]
    store, before = Store(clock=lambda: now[0]), filled(3)
    for number, at in ((1, 10.0), (2, 20.0), (3, 5_000.0)):
        ended(before, number, at)
    store.restore(before.many([1, 2, 3]), now=30.0)
    now[0] += 1.0
    assert store.retire(keep=100, longest=15.0) == 1
    assert sorted(store.numbers(Query())) == [2, 3], "one that ended in the future ended now"


def test_those_that_ended_first_leave_when_all_together_hold_too_much() -> None:
    store = Store()
    big = json.dumps("x" * 60_000).encode()
    store.add([a_task(number, params=big if number == 1 else b"{}") for number in range(1, 6)])
    store.trail(2).log(at=1.0, seconds=0.0, attempt=1, level="info", text="y" * 500)
    for number in range(1, 6):
        ended(store, number)
    assert store.retire(keep=100, keep_bytes=70_000) == 0
    assert store.retire(keep=100, keep_bytes=60_000) == 1
    assert store._ended.size < 10_000
    assert store.retire(keep=100, keep_bytes=3_500) == 1
    assert sorted(store.numbers(Query())) == [3, 4, 5]
    store.delete(4)
    store.update(5, lambda now: t.retried(now, at=1.0))
    assert store._ended.size < 2_000


def test_a_listener_that_fails_harms_nobody_and_hears_of_it_later() -> None:
    store, heard, others = Store(), list[Change](), list[Change]()
    failures = iter([MemoryError()])

    def listener(changes: Sequence[Change]) -> None:
        for error in failures:
            raise error
        heard.extend(changes)

    store.listen(listener)
    store.listen(others.extend)
    store.add([a_task(1)])
    assert (heard, len(others)) == ([], 1)
    assert store.catch_up()
    assert heard == others
    store.add([a_task(2)])
    assert [change.task.number for change in heard] == [1, 2]


def test_that_a_listener_failed_is_said_once_the_store_is_free(caplog: pytest.LogCaptureFixture) -> None:
    """A handler of logging may wait for somebody who waits for the store."""
    store, free = Store(), []

    class Asks(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            asking = threading.Thread(target=store.count, args=[Query()], daemon=True)
            asking.start()
            asking.join(10)
            free.append(not asking.is_alive())

    def listener(changes: Sequence[Change]) -> None:
        raise OSError("no room")

    asks, logger = Asks(), logging.getLogger("iotask.engine")
    store.listen(listener)
    logger.addHandler(asks)
    try:
        store.add([a_task(1)])
        assert not store.catch_up()
    finally:
        logger.removeHandler(asks)
    assert free == [True, True]
    assert "no room" in caplog.text


def test_whoever_writes_to_a_log_waits_for_nobody_who_has_the_store() -> None:
    """Garbage may have last words in the midst of anything: under a lock that somebody waits for who has the store."""
    store = filled(1)
    store.trail(1)
    with store.together(), ThreadPoolExecutor(1) as pool:
        asked = pool.submit(store.trail, 1)
        assert asked.result(10) is store.find_trail(1)


def test_active_tasks_are_never_retired() -> None:
    store = Store()
    for number, make in enumerate(IN_STATUS.values(), 1):
        store.add([_numbered(make(), number)])
    store.retire(keep=0, longest=0)
    assert {task.status for task in store.many(range(20))} == set(Status) - TERMINAL


def test_retiring_is_done_in_parts() -> None:
    store = filled(1_200)
    for number in range(1, 1_201):
        ended(store, number)
    assert [store.retire(keep=100) for _ in range(4)] == [500, 500, 100, 0]


@given(st.lists(st.tuples(st.sampled_from(["end", "touch", "retry", "delete", "retire"]), st.integers(1, 12)), max_size=60))
def test_the_order_of_leaving_holds_though_tasks_are_deleted_change_and_live_again(steps: list[tuple[str, int]]) -> None:
    with patch.object(retention, "BLOCK", 2):
        _lived(steps)


def _lived(steps: list[tuple[str, int]]) -> None:
    store = filled(12)
    order: list[int] = []
    for what, number in steps:
        task = store.by_number(number)
        if what == "end" and task is not None and task.status is Status.PENDING:
            ended(store, number)
            order.append(number)
        elif what == "touch" and number in order:
            store.update(number, replace)
        elif what == "retry" and task is not None and task.status is Status.FAILED:
            store.update(number, lambda now: t.retried(now, at=1.0))
            order.remove(number)
        elif what == "delete" and store.delete(number) is not None and number in order:
            order.remove(number)
        elif what == "retire":
            gone = order[: max(0, len(order) - 3)]
            assert store.retire(keep=3) == len(gone)
            assert all(store.by_number(number) is None for number in gone)
            order = order[len(gone) :]
    assert len(store._ended) == len(order)
    assert_indexes_are_right(store)
    for number in order:
        assert store.retire(keep=0, most=1) == 1
        assert store.by_number(number) is None
    assert (len(store._ended), store._ended.size, store._ended._ended_as) == (0, 0, {})


def test_tasks_that_begin_and_end_together_share_what_is_the_same() -> None:
    store = filled(3)
    for number in (1, 2, 3):
        store.update(number, lambda task: t.started(task, at=5.0, monotonic=1.0))
    for number, outcome in ((1, DONE), (2, DONE), (3, FAILED)):
        store.update(number, partial(t.finished, outcome=outcome, monotonic=2.5))
    one, two, three = store.many((1, 2, 3))
    assert one.attempts is two.attempts
    assert one.ended_at is two.ended_at
    assert (one.attempts[0].outcome, one.ended_at) == (t.OutcomeKind.COMPLETED, 6.5)
    assert (three.attempts[0].outcome, three.attempts[0].error, three.ended_at) == (t.OutcomeKind.FAILED, FAILED.error, 6.5)


def test_a_task_that_ends_and_lives_again_ten_thousand_times_costs_no_memory() -> None:
    store = filled(2)
    ended(store, 2)
    for _ in range(10_000):
        ended(store, 1)
        store.update(1, lambda now: t.retried(now, at=1.0))
    assert len(store._ended) == 1
    assert [len(block.numbers) for block in store._ended._blocks] == [1]


# -- the feed


def test_the_feed_names_each_task_once_by_its_newest_change() -> None:
    store = filled(3)
    store.update(1, begun)
    store.delete(3)
    store.update(1, cancelling_now)
    assert store.changed_since(3) == [(5, "id-3"), (6, "id-1")]
    assert store.changed_since(0) == [(2, "id-2"), (5, "id-3"), (6, "id-1")]
    assert store.changed_since(6) == []
    assert store.changed_since(7) is None, "no version of ours"


def cancelling_now(task: Task) -> Task:
    return t.cancel_requested(task, by="", reason="", at=0.0, monotonic=0.0)


def test_what_is_too_long_ago_cannot_be_told() -> None:
    store = filled(1)
    store.update(1, begun)
    for _ in range(feed.LENGTH):
        store.update(1, lambda task: t.progressed(task, current=1, total=None, message="", monotonic=11.0))
    assert store.version == feed.LENGTH + 2
    assert store.changed_since(1) is None
    assert store.changed_since(2) == [(store.version, "id-1")]


# -- several threads


def test_threads_that_hammer_the_store_leave_it_in_order() -> None:
    store, seen = Store(), list[Change]()
    store.listen(seen.extend)
    stop = threading.Event()

    def write(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(400):
            number = store.next_number()
            store.add([a_task(number, type=chance.choice("ab"), priority=chance.randint(0, 3))])
            other = chance.randint(1, number)
            store.update(other, lambda task: begun(task) if task.status is Status.PENDING else None)
            store.update(other, lambda task: t.finished(task, CANCELLED, monotonic=1.0) if task.status is Status.PROCESSING else None)
            if chance.random() < 0.2:
                store.delete(chance.randint(1, number))
            if chance.random() < 0.1:
                store.retire(keep=50)

    def read() -> None:
        while not stop.is_set():
            counts = store.counts
            assert min(counts.values()) >= 0
            page = store.page(Query(statuses=frozenset({Status.PENDING})), 50)
            assert page.total is not None
            assert len(page.items) <= page.total
            store.changed_since(max(0, store.version - 10))
            store.page(asked("a"), 5)
            for task in page.items[:5]:
                store.position(task)
            assert sum(store.type_counts.get("a", {}).values()) >= 0

    with ThreadPoolExecutor(6) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        writers = [pool.submit(write, seed) for seed in range(4)]
        for writer in writers:
            writer.result()
        stop.set()
        for reader in readers:
            reader.result()
    assert [change.version for change in seen] == list(range(1, store.version + 1))
    assert replayed(seen) == {task.number: task for task in store.many(store.numbers(Query()))}
    assert_indexes_are_right(store)


def test_waiting_counts_all_that_wait() -> None:
    store = Store()
    for number, make in enumerate(IN_STATUS.values(), 1):
        store.add([_numbered(make(), number)])
    assert store.waiting == len(WAITING)
    assert store.count_of("scripted", Status.PENDING) == 1
    assert store.count_of("none", Status.PENDING) == 0


def test_the_line_is_by_priority_and_then_by_age() -> None:
    store = Store()
    for priority in (0, 5, -5, 5, 0):
        store.add([a_task(store.next_number(), priority=priority)])
    places = {task.number: store.position(task) for task in store.many(range(1, 6))}
    assert places == {2: 1, 4: 2, 1: 3, 5: 4, 3: 5}
    assert store.first_in_line("scripted") == (-5, 2)
    store.update(2, begun)
    assert store.first_in_line("scripted") == (-5, 4)
    assert store.position(a_task(2)) is None
    assert store.first_in_line("none") is None
    assert list(itertools.islice(store.lines(), 2)) == ["scripted"]


def test_what_is_due_comes_in_the_order_of_its_time() -> None:
    store = Store()
    for when in (30.0, 10.0, 20.0):
        store.add([a_task(store.next_number(), Status.SCHEDULED, scheduled_for=when)])
    assert store.next_due() == 10.0
    assert store.all_due(20.0) == [2, 3]
    assert store.all_due(9.9) == []
    store.update(2, cancelling_now)
    assert store.next_due() == 20.0
