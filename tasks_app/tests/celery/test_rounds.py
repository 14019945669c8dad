"""Which attempts are sent again when nothing is heard of them: with a link that answers as it is told, and a clock that is set."""

from __future__ import annotations

from typing import Any

import pytest

from tasks_app.executors.ledger import Found
from tasks_app.executors.rounds import SILENT, Rounds
from tasks_app.executors.wire import Settled
from tasks_app.tests.celery.test_feed import Fed

ENDED = Settled(run="a", kind="completed", result="1")  # type: ignore[arg-type]


class Told:
    """A link and its ledger."""

    shared = True
    errors = (OSError,)

    def __init__(self) -> None:
        self.ledger = self
        self.found: dict[str, Found] = {}
        self.waiting = 0
        self.held: set[str] = set()
        self.sent: list[str] = []

    def find(self, calls: list[str]) -> list[Found]:
        return [self.found.get(call, Found()) for call in calls]

    def let_go(self, call: str, token: str) -> None:
        self.found.pop(call, None)

    def end(self, call: str, settled: Settled) -> Settled:
        return self.found.setdefault(call, Found(ended=settled)).ended or settled

    def queued(self) -> int:
        return self.waiting

    def held_by_workers(self, calls: list[str]) -> set[str]:
        return self.held & set(calls)

    def send(self, call: str, order: Any) -> None:
        self.sent.append(call)

    def revoke(self, call: str, *, by_force: bool = False) -> None: ...

    def tell(self, kind: str, call: str, word: Any) -> None: ...


class Watch:
    """An attempt, the rounds that look at it, and the time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fed, self.link, self.now = Fed(monkeypatch), Told(), 0.0
        self.call, self.outbox = self.fed.call, self.fed.executor.outbox
        self.outbox._drop(self.outbox._items[0], None)  # it was sent
        self.call._monotonic = lambda: self.now
        self.call.heard_at = self.call.sent_at = 0.0
        self.ended: list[str] = []
        self.calls = {self.call.id: self.call}
        self.rounds = Rounds(self.calls, lambda call, settled: self.ended.append(call.id), lambda: self.now)

    def later(self, seconds: float = SILENT + 1) -> list[str]:
        """What is sent in a round that much later."""
        self.now += seconds
        self.link.sent.clear()
        self.rounds.go(self.link)  # type: ignore[arg-type]
        while self.outbox._items:
            self.outbox._do(self.outbox._items[0], self.link)  # type: ignore[arg-type]
        return list(self.link.sent)


@pytest.fixture
async def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    """One."""
    return Watch(monkeypatch)


async def test_what_ran_and_has_no_lease_is_sent_again_until_it_was_lost_three_times(watch: Watch) -> None:
    for _ in range(2):
        watch.call.run = "a"
        assert watch.later() == [watch.call.id]
        assert watch.call.run == ""
    watch.call.run = "a"
    assert watch.later() == []
    assert watch.link.found[watch.call.id].ended is not None


async def test_what_waits_for_workers_that_are_not_there_is_not_lost(watch: Watch) -> None:
    watch.link.waiting = 7
    assert [watch.later() for _ in range(5)] == [[]] * 5
    assert watch.call.losses == 0


async def test_what_is_neither_at_the_broker_nor_with_a_worker_twice_in_a_row_is_sent_again(watch: Watch) -> None:
    watch.link.held = {watch.call.id}
    assert watch.later() == []
    watch.link.held = set()
    assert watch.later() == []
    assert watch.later(1) == [watch.call.id]


async def test_what_others_overtook_is_lost_however_many_wait(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    watch.link.waiting = 1000
    other = Fed(monkeypatch).call
    other.run, other.sent_at, other.heard_at = "b", 10.0, 1e9
    watch.calls[other.id] = other
    assert [watch.later(), watch.later(1)] == [[], [watch.call.id]]


async def test_what_may_never_have_been_sent_is_sent_however_many_wait(watch: Watch) -> None:
    watch.link.waiting, watch.call.unsure = 1000, True
    assert watch.later() == [watch.call.id]
    assert watch.later() == []


async def test_what_runs_or_has_ended_unheard_is_not_sent_again(watch: Watch) -> None:
    watch.link.found[watch.call.id] = Found(runs="w/1")
    assert watch.later() == []
    watch.link.found[watch.call.id] = Found(ended=ENDED)
    assert watch.later() == []
    assert watch.ended == [watch.call.id]


async def test_after_a_cut_everything_is_looked_at_at_once(watch: Watch) -> None:
    watch.link.found[watch.call.id] = Found(ended=ENDED)
    assert watch.later(1) == []
    assert watch.ended == []
    watch.rounds.doubt_all()
    watch.later(0)
    assert watch.ended == [watch.call.id]
