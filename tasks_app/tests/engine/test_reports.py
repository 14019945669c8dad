"""Progress on its way to the store: coalesced, and the last word is never lost."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from tasks_app.engine import task as t
from tasks_app.engine.ports import SystemClock
from tasks_app.engine.reports import Reports, written
from tasks_app.engine.store import Store
from tasks_app.engine.task import Task
from tasks_app.tests.engine.records import DONE, a_task, begun


class SlowStore(Store):
    """Begins to write when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.writing, self.go_on = Event(), Event()
        self.go_on.set()

    def update_many(self, changes: Iterable[tuple[int, Callable[[Task], Task | None]]]) -> list[Task]:
        self.writing.set()
        assert self.go_on.wait(10)
        return super().update_many(changes)


@pytest.fixture
def store() -> SlowStore:
    """One task, running its first attempt."""
    made = SlowStore()
    made.add([a_task(made.next_number())])
    made.update(1, begun)
    return made


@pytest.fixture
def reports(store: SlowStore) -> Reports:
    """Nothing reported yet."""
    return Reports(store, SystemClock())


def current(store: Store) -> float | None:
    """How far the task is, in the store."""
    task = store.by_number(1)
    return task.progress.current if task is not None and task.progress is not None else None


def test_they_can_be_written_bit_by_bit(store: SlowStore, reports: Reports) -> None:
    for number in range(2, 6):
        store.add([a_task(store.next_number())])
        store.update(number, begun)
    for number in range(1, 6):
        reports.take(number, 1, (number, 10, ""))

    def told() -> list[float | None]:
        return [task.progress.current if task.progress else None for n in range(1, 6) if (task := store.by_number(n)) is not None]

    assert reports.flush(among={4, 77})
    assert told() == [None, None, None, 4, None]
    assert not reports.flush(most=2)
    assert told() == [1, 2, None, 4, None]
    assert not reports.flush(most=2), "whether there are more is not known before they are asked for"
    assert reports.flush(most=2)
    assert told() == [1, 2, 3, 4, 5]


def test_a_reader_gets_the_newest_of_what_he_shows_and_waits_for_no_other(store: SlowStore, reports: Reports) -> None:
    store.add([a_task(store.next_number()) for _ in range(3)])
    store.update(2, begun)
    for number in (1, 2):
        reports.take(number, 1, (number, 10, ""))
    first, third = store.many([1, 3])
    [fresh, waits] = reports.fresh([first, third])
    assert fresh.progress is not None
    assert fresh.progress.current == 1
    assert waits is third
    assert reports.waiting == 1, "nobody shows the second"


def test_a_record_that_ended_while_it_was_read_stays_what_was_looked_for(store: SlowStore, reports: Reports) -> None:
    running = store.many([1])
    store.update(1, lambda task: t.finished(task, DONE, monotonic=20.0))
    assert reports.fresh(running) == running


def test_who_shows_nothing_that_runs_waits_for_nobody_who_writes(store: SlowStore, reports: Reports) -> None:
    store.add([a_task(store.next_number())])
    waiting = store.many([2])
    with ThreadPoolExecutor(1) as pool, reports.flushing:
        assert pool.submit(reports.fresh, waiting).result(10) == waiting


def test_of_many_words_the_newest_is_written_once(store: SlowStore, reports: Reports) -> None:
    version = store.version
    for step in range(1000):
        reports.take(1, 1, (step, 1000, ""))
    reports.flush()
    reports.flush()
    assert (current(store), store.version) == (999, version + 1)


def end_it(store: Store, reports: Reports) -> None:
    """As the runner does, with what was reported last."""
    said = reports.last_word(1)
    store.update(1, lambda task: t.finished((written(task, said) if said else None) or task, DONE, monotonic=20.0))


def test_an_attempt_that_ends_takes_its_last_word_along(store: SlowStore, reports: Reports) -> None:
    reports.take(1, 1, (5, 5, "done"))
    end_it(store, reports)
    assert current(store) == 5


def test_an_attempt_that_ends_while_its_word_is_being_written_waits_for_it(store: SlowStore, reports: Reports) -> None:
    reports.take(1, 1, (5, 5, "done"))
    store.go_on.clear()

    def end() -> None:
        end_it(store, reports)

    with ThreadPoolExecutor(2) as pool:
        flushing = pool.submit(reports.flush)
        assert store.writing.wait(10)
        ending = pool.submit(end)
        with pytest.raises(TimeoutError):
            ending.result(0.2)
        store.go_on.set()
        flushing.result(10)
        ending.result(10)
    assert current(store) == 5


def test_nobody_who_reports_waits_for_a_slow_store(store: SlowStore, reports: Reports) -> None:
    reports.take(1, 1, (1, 5, ""))
    store.go_on.clear()
    with ThreadPoolExecutor(2) as pool:
        flushing = pool.submit(reports.flush)
        assert store.writing.wait(10)
        pool.submit(reports.take, 1, 1, (2, 5, "")).result(5)
        store.go_on.set()
        flushing.result(10)
    reports.flush()
    assert current(store) == 2


def test_a_late_word_of_another_attempt_is_not_written(store: SlowStore, reports: Reports) -> None:
    reports.take(1, 0, (3, 5, ""))
    reports.take(2, 1, (3, 5, ""))
    reports.flush()
    assert current(store) is None
    store.update(1, lambda task: t.finished(task, DONE, monotonic=20.0))
    reports.take(1, 1, (4, 5, ""))
    reports.flush()
    assert current(store) is None


def test_nobody_waits_for_one_who_reports_in_the_midst_of_his_report(store: SlowStore, reports: Reports) -> None:
    """Garbage may have last words just then, for a log: whoever writes them waits for the store, and who has that must get on."""
    reporting, go_on = Event(), Event()

    class Held(int):
        def __hash__(self) -> int:
            reporting.set()
            assert go_on.wait(10)
            return int(self)

    with ThreadPoolExecutor(2) as pool:
        taking = pool.submit(reports.take, Held(1), 1, (1, 5, ""))
        assert reporting.wait(10)
        pool.submit(reports.last_word, 1).result(10)
        pool.submit(reports.flush).result(10)
        go_on.set()
        taking.result(10)
    reports.flush()
    assert current(store) == 1


def test_a_word_that_could_not_be_written_is_written_later_unless_there_is_a_newer_one(store: SlowStore, reports: Reports) -> None:
    def fail(changes: Iterable[tuple[int, Callable[[Task], Task | None]]]) -> list[Task]:
        reports.take(1, 1, (2, 5, ""))
        raise MemoryError

    reports.take(1, 1, (1, 5, ""))
    write, store.update_many = store.update_many, fail  # type: ignore[method-assign]
    with pytest.raises(MemoryError):
        reports.flush()
    store.update_many = write  # type: ignore[method-assign]
    reports.flush()
    assert current(store) == 2
