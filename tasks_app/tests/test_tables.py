"""Tables that grow by what clients send: each has a cap, so ten times as many keys take no more memory."""

from __future__ import annotations

import logging
import tracemalloc
from collections.abc import Callable

import pytest

from tasks_app.auth import audit, forwarded
from tasks_app.auth.principal import Principal, Role, Via
from tasks_app.auth.sessions import MOST_OF_ONE, Sessions
from tasks_app.auth.throttle import Throttle
from tasks_app.auth.users import User
from tasks_app.engine import feed
from tasks_app.engine.idempotency import Keys
from tasks_app.engine.store import Store
from tasks_app.engine.task import finished
from tasks_app.engine.trail import MAX_SERIES, Trail
from tasks_app.handlers import _lookups
from tasks_app.logs.floods import Repeats
from tasks_app.rates import Rate
from tasks_app.tests.engine.records import DONE as ENDED
from tasks_app.tests.engine.records import a_task, begun

FEW, MANY = 2_000, 10_000  # keys before the first look, and between that and the second
SLACK = 300_000  # bytes
Fill = Callable[[int], object]


def names(monkeypatch: pytest.MonkeyPatch) -> Fill:
    kept = Throttle(most_keys=500)
    return lambda n: kept.count(f"name {n}", f"10.0.{n >> 8}.{n & 255}")


def rate_keys(monkeypatch: pytest.MonkeyPatch) -> Fill:
    rate = Rate(50, 10, most_keys=500)
    return lambda n: rate.wait(f"key {n}")


def idempotency_keys(monkeypatch: pytest.MonkeyPatch) -> Fill:
    keys = Keys(most=500)
    return lambda n: keys.remember(f"person {n}", f"key {n}", b"f" * 16, f"id {n}")


def refusals(monkeypatch: pytest.MonkeyPatch) -> Fill:
    monkeypatch.setattr(audit, "MOST", 500)
    said = audit.Audit()
    return lambda n: said.refusal(f"name {n}", f"10.0.{n >> 8}.{n & 255}", "login", "x" * 20_000 + str(n), "wrong_password")


def effects(monkeypatch: pytest.MonkeyPatch) -> Fill:
    monkeypatch.setattr(audit, "MOST", 500)
    said, ann = audit.Audit(), Principal("ann", Role.OPERATOR, Via.TOKEN)
    return lambda n: said.effect(ann, "10.0.0.1", "launch", "x" * 20_000 + str(n))


def sessions(monkeypatch: pytest.MonkeyPatch) -> Fill:
    kept = Sessions(lambda: None)
    return lambda n: kept.begin(User(f"ann {n % 3}", Role.VIEWER, "hash"), "c" * 32, "10.0.0.1", f"agent {n}")


def forwarded_addresses(monkeypatch: pytest.MonkeyPatch) -> Fill:
    ours = forwarded.networks_of(["10.9.8.7"])
    scope = {"type": "http", "client": ("10.9.8.7", 1)}
    return lambda n: forwarded.seen_from({**scope, "headers": [(b"x-forwarded-for", b"x" * 20_000 + str(n).encode())]}, ours)


def tags_and_people(monkeypatch: pytest.MonkeyPatch) -> Fill:
    monkeypatch.setattr(feed, "LENGTH", 500)
    store = Store()
    store.shares.divide()

    def fill(n: int) -> None:
        task = a_task(store.next_number(), tags=(f"tag {n}",), by=f"person {n}")
        store.add([task])
        store.update(task.number, lambda found: finished(begun(found), ENDED, monotonic=15.0))
        store.retire(keep=100)

    return fill


def log_sentences(monkeypatch: pytest.MonkeyPatch) -> Fill:
    repeats = Repeats()
    return lambda n: repeats.filter(logging.LogRecord("a", 20, "", 0, f"sentence {n}", (), None))


def curves(monkeypatch: pytest.MonkeyPatch) -> Fill:
    trail = Trail()
    return lambda n: trail.measure(f"curve {n}", 1.0, seconds=1.0, unit="", attempt=1)


def silent_names(monkeypatch: pytest.MonkeyPatch) -> Fill:
    zone = _lookups._Zone()
    return lambda n: zone.fell_silent(f"name {n}.test", float(n))


TABLES = [
    *(names, rate_keys, idempotency_keys, refusals, effects, sessions, forwarded_addresses, tags_and_people, log_sentences, curves),
    silent_names,
]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__.replace("_", " "))
def test_any_number_of_distinct_keys_takes_as_much_memory_as_a_few(table: Callable[[pytest.MonkeyPatch], Fill], monkeypatch):
    fill = table(monkeypatch)
    tracemalloc.start()
    try:
        for number in range(FEW):
            fill(number)
        before = tracemalloc.get_traced_memory()[0]
        for number in range(FEW, FEW + MANY):
            fill(number)
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < SLACK, f"{grown:,} bytes more"


def test_one_persons_sessions_and_one_tasks_curves_are_few(monkeypatch):
    kept, trail = Sessions(lambda: None), Trail()
    for number in range(200):
        kept.begin(User("ann", Role.VIEWER, "hash"), "c" * 32, "10.0.0.1", "agent")
        trail.measure(f"curve {number}", 1.0, seconds=1.0, unit="", attempt=1)
    assert (len(kept.all()), len(trail.series)) == (MOST_OF_ONE, MAX_SERIES)
