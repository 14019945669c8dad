"""What servers and workers keep of an attempt at the broker, in a real Valkey; and what one process keeps where there is none."""

from __future__ import annotations

import pytest

from tasks_app.engine.task import OutcomeKind
from tasks_app.executors.ledger import Ledger, OwnLedger, RedisLedger, Taken
from tasks_app.executors.wire import Settled
from tasks_app.tests.celery.site import Broker

ENDED = Settled(run="a", kind=OutcomeKind.COMPLETED, result="1")


@pytest.fixture(params=["redis", "own"])
def ledger(request: pytest.FixtureRequest, broker: Broker) -> Ledger:
    """Empty."""
    broker.client.flushall()
    return RedisLedger(broker.client) if request.param == "redis" else OwnLedger()


def test_one_process_at_a_time_takes_a_call_up(ledger: Ledger) -> None:
    assert ledger.take("t.1", "a") == Taken(count=1)
    assert ledger.take("t.1", "b") == Taken(runs="a")
    ledger.let_go("t.1", "b")  # another one's word changes nothing
    assert ledger.take("t.1", "b") == Taken(runs="a")


def test_whoever_asks_again_because_the_answer_was_lost_has_taken_it_up_once(ledger: Ledger) -> None:
    assert [ledger.take("t.1", "a") for _ in range(3)] == [Taken(count=1)] * 3


def test_what_was_let_go_is_taken_up_by_the_next(ledger: Ledger) -> None:
    ledger.take("t.1", "a")
    ledger.let_go("t.1", "a")
    assert ledger.take("t.1", "b").count >= 1


def test_the_first_end_stays_and_nobody_takes_it_up_after_that(ledger: Ledger) -> None:
    ledger.take("t.1", "a")
    assert ledger.end("t.1", ENDED) == ENDED
    assert ledger.end("t.1", Settled(run="b", kind=OutcomeKind.FAILED)) == ENDED
    assert ledger.take("t.1", "b") == Taken(ended=ENDED)


def test_a_call_that_was_lost_is_counted_each_time_it_is_taken_up(broker: Broker) -> None:
    broker.client.flushall()
    ledger = RedisLedger(broker.client)
    for count, token in enumerate("abc", 1):
        assert ledger.take("t.1", token) == Taken(count=count)
        ledger.let_go("t.1", token)


def test_a_process_keeps_nothing_of_what_it_no_longer_runs() -> None:
    own = OwnLedger()
    for number in range(5_000):
        call = f"{number}.1"
        own.take(call, "a")
        if number % 2:
            own.end(call, ENDED)
        else:
            own.let_go(call, "a")
    assert own._runs == {}
    assert len(own._ended) <= 1_000
