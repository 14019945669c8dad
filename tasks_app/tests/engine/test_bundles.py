"""Changes that are announced together: whoever hears them all at once knows what he would know had he heard them one by one."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from tasks_app.engine.events import Change, News, Return, steps_alone
from tasks_app.engine.failures import Failures
from tasks_app.engine.settling import settled
from tasks_app.engine.task import Outcome, OutcomeKind, Task, TaskError, cancel_requested, finished, progressed, retried, started
from tasks_app.logs.task_lines import TaskLines
from tasks_app.tests.engine.records import DONE, a_task
from tasks_app.tests.logs.said import kept

FAILED = Outcome(kind=OutcomeKind.FAILED, error=TaskError("Refused", "no"))
DEEDS = ("add", "begin", "progress", "complete", "fail", "cancel", "retry", "delete", "return")


class Told:
    """Tasks that go through a life, and the changes that tell of it."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self._now: dict[int, Task] = {}
        self._gone: dict[int, Task] = {}

    def do(self, deed: str, number: int) -> None:
        """Do this with a task; nothing where it cannot be done."""
        before = self._now.get(number)
        try:
            after = self._done(deed, number, before)
        except Exception:  # it is somewhere else in its life
            return
        version = len(self.changes) + 1
        if deed == "return":
            assert after is not None
            self._now[number] = replace(after, version=version)
            self.changes.append(Return(version, self._gone.pop(number), self._now[number]))
            return
        if after is None:
            self._gone[number] = self._now.pop(number)
        else:
            self._now[number] = after = replace(after, version=version)
        self.changes.append(Change(version, before, after))

    def _done(self, deed: str, number: int, before: Task | None) -> Task | None:
        if deed == "return":
            return self._gone[number]
        if deed == "add":
            assert before is None
            return a_task(number, type="ping" if number % 2 else "wait")
        assert before is not None
        if deed == "begin":
            return started(before, at=60.0, monotonic=1.0)
        if deed == "progress":
            assert before.attempts
            return progressed(before, current=1, total=2, message="", monotonic=2.0)
        if deed in ("complete", "fail"):
            return finished(before, DONE if deed == "complete" else FAILED, monotonic=3.0)
        if deed == "cancel":
            return cancel_requested(before, by="", reason="", at=61.0, monotonic=4.0)
        return retried(before, at=62.0) if deed == "retry" else None


lives = st.lists(st.tuples(st.sampled_from(DEEDS), st.integers(1, 4)), max_size=40)


def told_of(deeds: list[tuple[str, int]]) -> list[Change]:
    told = Told()
    for deed, number in deeds:
        told.do(deed, number)
    return told.changes


@pytest.fixture(scope="module", autouse=True)
def nothing_is_dropped() -> Iterator[None]:
    """However many lines there are."""
    patch = pytest.MonkeyPatch()
    patch.setattr("tasks_app.logs.task_lines.BURST", 100_000)
    yield
    patch.undo()


@example([("add", 1), ("begin", 1), ("fail", 1), ("retry", 1)], 1, logging.DEBUG)
@given(lives, st.integers(1, 9), st.sampled_from([logging.DEBUG, logging.INFO, logging.WARNING]))
def test_who_hears_of_many_at_once_knows_what_he_would_know_one_by_one(deeds: list[tuple[str, int]], size: int, level: int) -> None:
    changes = told_of(deeds)
    found = []
    for bundles in ([News(changes[at : at + size]) for at in range(0, len(changes), size)], [[change] for change in changes]):
        failures = Failures()
        with kept("iotask.tasks") as heard:
            logging.getLogger("iotask.tasks").setLevel(level)
            lines = TaskLines()
            for bundle in bundles:
                failures.listen(bundle)
                lines.listen(bundle)
            lines.close()
            found.append((failures.groups(), failures.count(), heard.told))
    assert found[0] == found[1]


@given(lives)
def test_steps_stand_for_a_bundle_only_where_there_is_nothing_else_in_it(deeds: list[tuple[str, int]]) -> None:
    changes = told_of(deeds)
    only = all(change.after and (change.before is None or change.before.status is not change.after.status) for change in changes)
    found = steps_alone(News(changes))
    assert (found is not None) is only
    assert found is None or sum(times for _, _, times in found) == len(changes)
    assert steps_alone(changes) is None  # nobody has worked them out


def test_an_end_keeps_what_was_reported_last() -> None:
    running = started(a_task(), at=60.0, monotonic=1.0)
    given: object = None
    ended = settled((1, 2.0, (3.0, 4.0, "three")), DONE, given, 5.0, given, given, False, running)  # type: ignore[arg-type]
    assert ended is not None
    assert ended.progress is not None
    assert ended.progress.current == 3.0
    late = settled((2, 2.0, (3.0, 4.0, "of another attempt")), DONE, given, 5.0, given, given, False, running)  # type: ignore[arg-type]
    assert late is not None
    assert late.progress is None
