"""Failures that are alike: what the groups say is what the store holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks_app.engine import failures as f
from tasks_app.engine import task as t
from tasks_app.engine.failures import Failures, Group, group_of
from tasks_app.engine.query import parse_query
from tasks_app.engine.store import Store
from tasks_app.engine.task import Outcome, OutcomeKind, Status, Task, TaskError
from tasks_app.tests.engine.records import DONE, a_task, begun


class Kept:
    """A store whose failures are put together."""

    def __init__(self) -> None:
        self.store = Store()
        self.failures = Failures()
        self.store.listen(self.failures.listen)

    def fail(self, message: str, *, type: str = "ping", kind: str = "Unreachable", at: float = 60.0) -> Task:
        task = a_task(self.store.next_number(), type=type)
        self.store.add([task])
        outcome = Outcome(kind=OutcomeKind.FAILED, error=TaskError(kind, message))
        self.store.update(task.number, lambda now: t.started(now, at=at, monotonic=0.0))
        ended = self.store.update(task.number, lambda now: t.finished(now, outcome, monotonic=1.0))
        assert ended is not None
        return ended

    def only(self) -> Group:
        (group,) = self.failures.groups()
        return group


def test_failures_that_differ_in_what_varies_are_one_group() -> None:
    kept = Kept()
    tasks = [kept.fail(f"192.0.2.{place}:443 answered none of {place} probes", at=100.0 * place) for place in range(1, 6)]
    group = kept.only()
    assert (group.count, group.type, group.error, group.alike) == (5, "ping", "Unreachable", False)
    assert group.shape == "… answered none of … probes"
    assert group.message == "192.0.2.5:443 answered none of 5 probes"
    assert group.examples == tuple(task.number for task in tasks[:-4:-1])
    assert (group.first, group.last) == (101.0, 501.0)


def test_another_type_kind_or_message_is_another_group() -> None:
    kept = Kept()
    kept.fail("gone")
    kept.fail("gone", type="http_check")
    kept.fail("gone", kind="Refused")
    kept.fail("lost")
    assert len(kept.failures.groups()) == 4
    assert [group.type for group in kept.failures.groups("http_check")] == ["http_check"]
    assert kept.failures.groups("nothing") == []


def test_a_retried_or_deleted_task_leaves_its_group() -> None:
    kept = Kept()
    first, second, third = (kept.fail("gone") for _ in range(3))
    kept.store.update(first.number, lambda now: t.retried(now, at=1.0))
    kept.store.delete(second.number)
    assert (kept.only().count, kept.only().examples) == (1, (third.number,))
    kept.store.update(first.number, begun)
    kept.store.update(first.number, lambda now: t.finished(now, DONE, monotonic=12.0))
    kept.store.delete(third.number)
    assert kept.failures.groups() == []


def test_the_group_of_a_task_is_said_of_failed_ones_alone() -> None:
    kept = Kept()
    failed = kept.fail("gone")
    assert group_of(failed) == kept.only().id
    assert group_of(t.retried(failed, at=1.0)) == ""


def test_a_search_finds_exactly_the_group() -> None:
    kept = Kept()
    tasks = [kept.fail(f"{way} after {place} s") for place in range(3) for way in ("gone", "lost")]
    for group in kept.failures.groups():
        page = kept.store.page(parse_query(statuses=["failed"], types=["ping"], text=f"failure:{group.id}"), 50)
        assert [task.number for task in page.items] == list(group.examples)
        assert {task.error.message.split()[0] for task in page.items if task.error} == {group.message.split()[0]}
    assert len(tasks) == 6


def test_a_failure_that_says_nothing_has_a_group() -> None:
    kept = Kept()
    kept.fail("")
    assert kept.only().shape == "…"


def test_the_groups_of_an_earlier_process_are_there_again() -> None:
    kept = Kept()
    for place in range(4):
        kept.fail(f"no answer from {place}", at=10.0 * place)
    again = Failures()
    again.restore([*kept.store.many(range(1, 5)), a_task(9)])
    assert again.groups() == kept.failures.groups()


def test_no_more_groups_than_the_bound_and_the_rest_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f, "MOST_GROUPS", 2)
    kept = Kept()
    tasks = [kept.fail(f"way {name}") for name in ("one", "two", "three", "three", "one")]
    assert {group.shape: group.count for group in kept.failures.groups()} == {"way one": 2, "way two": 1}
    assert (kept.failures.others(), kept.failures.others("ping"), kept.failures.others("count")) == (2, 2, 0)
    kept.store.delete(tasks[1].number)
    kept.fail("way three")  # a place is free, but a new group would not hold all that belong to it
    assert kept.failures.others() == 3
    for task in kept.store.many(range(1, 100)):
        kept.store.delete(task.number)
    assert (kept.failures.groups(), kept.failures.others()) == ([], 0)
    kept.fail("way four")
    assert kept.only().shape == "way four"


@given(
    st.lists(st.tuples(st.sampled_from(["fail", "retry", "delete"]), st.integers(0, 3), st.integers(0, 9)), max_size=60), st.integers(1, 5)
)
def test_counts_are_those_of_the_store_whatever_happens(steps: list[tuple[str, int, int]], most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f, "MOST_GROUPS", most)
        kept = Kept()
        for what, way, which in steps:
            there = kept.store.many(range(1, 100))
            if what == "fail":
                kept.fail(f"way {'abcd'[way]} after {which} s")
            elif there and what == "delete":
                kept.store.delete(there[which % len(there)].number)
            elif there:
                number = there[which % len(there)].number
                kept.store.update(number, lambda now: t.retried(now, at=1.0) if now.status is Status.FAILED else None)
        failed = [task for task in kept.store.many(range(1, 100)) if task.status is Status.FAILED]
        groups = kept.failures.groups()
        for group in groups:
            members = sorted((task.number for task in failed if group_of(task) == group.id), reverse=True)
            assert (group.count, group.examples) == (len(members), tuple(members[: f.EXAMPLES]))
        assert sum(group.count for group in groups) + kept.failures.others() == kept.failures.count() == len(failed)
        assert kept.failures.groups("ping", 2) == groups[:2]
        assert len(groups) <= most
