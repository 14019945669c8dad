"""Rates: so many, then a wait that is told; a table that does not grow; clocks that are set change nothing."""

from __future__ import annotations

import threading
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from tasks_app.rates import Rate


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_ten_seconds_worth_may_be_done_at_once_and_then_one_waits():
    clock = Clock()
    rate = Rate(30, 10, clock=clock)
    assert [rate.wait("ann") for _ in range(30)] == [0.0] * 30
    clock.now += 4
    assert rate.wait("ann") == 6.0
    assert rate.wait("bob") == 0.0
    clock.now += 6
    assert rate.wait("ann") == 0.0


def test_what_costs_more_than_is_left_uses_nothing_up():
    rate = Rate(10, 10, clock=Clock())
    assert rate.wait("ann", 8) == 0.0
    assert rate.wait("ann", 3) == 10.0
    assert rate.wait("ann", 2) == 0.0
    assert rate.wait("ann") == 10.0


def test_the_end_of_one_stretch_and_the_begin_of_the_next_are_counted_together():
    clock = Clock()
    rate = Rate(30, 10, clock=clock)
    rate.wait("ann")
    clock.now += 9
    assert [rate.wait("ann") for _ in range(29)] == [0.0] * 29
    clock.now += 1
    assert rate.wait("ann") == 0.0
    assert rate.wait("ann") == 9.0
    assert rate.left("ann") == 0


def test_what_was_spread_comes_back_little_by_little():
    clock = Clock()
    rate = Rate(10, 10, clock=clock)
    for _ in range(10):
        assert rate.wait("ann") == 0.0
        clock.now += 1
    assert [rate.left("ann"), rate.wait("ann"), rate.wait("ann")] == [1, 0.0, 1.0]
    assert rate.wait("ann", 4) == 4.0


Steps = st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 6), st.floats(0, 4)), max_size=60)


@given(Steps)
def test_never_more_than_the_bound_in_any_ten_seconds(steps: list[tuple[str, int, float]]):
    clock = Clock()
    rate = Rate(10, 10, clock=clock)
    done: list[tuple[float, str, int]] = []
    for key, cost, pause in steps:
        clock.now += pause
        if not rate.wait(key, cost):
            done.append((clock.now, key, cost))
    for at, key, _ in done:
        assert sum(cost for when, who, cost in done if who == key and at <= when < at + 10) <= 10


@given(Steps, st.integers(1, 10))
def test_whoever_waits_as_long_as_he_was_told_gets_in_and_never_waits_longer_than_the_stretch(
    steps: list[tuple[str, int, float]], cost: int
):
    clock = Clock()
    rate = Rate(10, 10, clock=clock)
    for key, each, pause in steps:
        clock.now += pause
        rate.wait(key, each)
    told = rate.wait("a", cost)
    assert told <= 10 + 1e-6
    clock.now += told + 1e-6
    assert not told or rate.wait("a", cost) == 0.0


@given(Steps)
def test_what_is_refused_would_have_been_too_much_but_for_a_sixteenth_of_the_stretch(steps: list[tuple[str, int, float]]):
    clock = Clock()
    rate = Rate(10, 10, clock=clock)
    done: list[tuple[float, int]] = []
    for _, cost, pause in steps:
        clock.now += pause
        if not rate.wait("ann", cost):
            done.append((clock.now, cost))
        else:
            assert sum(each for at, each in done if at > clock.now - 10 * 17 / 16 - 1e-6) + cost > 10


def test_one_that_is_given_back_is_free_again_and_more_than_there_were_are_not():
    clock = Clock()
    rate = Rate(3, 10, clock=clock)
    rate.give_back("ann")
    rate.wait("ann", 2)
    clock.now += 5
    rate.wait("ann")
    rate.give_back("ann")
    assert rate.wait("ann", 1) == 0.0
    assert rate.wait("ann", 1) == 5.0
    for _ in range(5):
        rate.give_back("ann")
    assert (rate.left("ann"), rate.wait("ann", 3), rate.wait("ann")) == (3, 0.0, 10.0)


def test_what_was_counted_in_a_long_time_takes_no_more_memory_than_in_a_moment():
    clock = Clock()
    rate = Rate(100_000, 10, clock=clock)
    for _ in range(5_000):
        rate.wait("ann")
        clock.now += 0.01
    assert rate.left("ann") <= 100_000 - 1_000
    assert len(rate.windows._windows["LIMITER/ann/100000/10/second"]) < 45


def test_the_table_holds_so_many_keys_and_forgets_the_one_that_was_counted_longest_ago():
    clock = Clock()
    rate = Rate(10, 10, most_keys=3, clock=clock)
    for key in ("a", "b", "c"):
        rate.wait(key, 10)
    rate.wait("d", 10)
    assert len(rate.windows) == 3
    assert rate.wait("b") > 0
    assert rate.wait("a") == 0.0


def test_any_number_of_keys_takes_as_much_memory_and_no_thread():
    rate = Rate(50, 10, most_keys=200)
    threads = threading.active_count()
    tracemalloc.start()
    try:
        for number in range(1_000):
            rate.wait(f"key {number}")
        before = tracemalloc.get_traced_memory()[0]
        for number in range(5_000):
            rate.wait(f"another key {number}")
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert (len(rate.windows), threading.active_count()) == (200, threads)
    assert grown < 50_000


def test_counts_can_be_forgotten():
    rate = Rate(10, 10, clock=Clock())
    rate.wait("ann", 10)
    rate.wait("bob", 10)
    assert (rate.left("ann"), rate.left("eve")) == (0, 10)
    rate.forget("ann")
    assert rate.wait("ann") == 0.0
    assert rate.wait("bob") > 0
    assert rate.windows.reset() == 2
    assert rate.wait("bob") == 0.0
    assert rate.windows.check()
