"""What one worker process does with an order, without a broker."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tasks_app.engine.registry import Registry
from tasks_app.engine.task import OutcomeKind
from tasks_app.executors import crew as room
from tasks_app.executors import wire
from tasks_app.executors.crew import Crew
from tasks_app.executors.ledger import OwnLedger
from tasks_app.tests import scripted


class Voice:
    """Keeps what it is to tell."""

    def __init__(self, *given: Any) -> None:
        self.told: list[tuple[str, Any]] = []
        self._ledger = OwnLedger()

    def begin(self, call: str, token: str, tag: str) -> None:
        """It is under way."""

    def listen_to(self, told: Any) -> None:
        """Its handler may speak."""

    def end(self, call: str) -> None:
        """It is over."""

    def tell(self, kind: str, call: str, word: Any) -> None:
        """Have an event sent."""
        self.told.append((kind, word))

    def ledger(self) -> OwnLedger:
        """Of this process."""
        return self._ledger

    def drop_ledger(self, failed: Any) -> None:
        """It is asked again."""


def run_once(loop: asyncio.AbstractEventLoop) -> None:
    """A worker's loop runs as long as its process; this one ends with its test."""
    loop.run_forever()
    loop.close()


@pytest.fixture
def crew(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(room, "Voice", Voice)
    monkeypatch.setattr(room, "_run_for_ever", run_once)
    registry = Registry()
    registry.register(scripted.scripted)
    made = Crew(None, registry, "w@h")  # type: ignore[arg-type]
    yield made
    made._loop.call_soon_threadsafe(made._loop.stop)


def order(**record: Any) -> wire.Order:
    of_all = {"origin": "o", "task_id": "t", "type": "scripted", "params": "{}", "attempt": 1, "created_at": 0.0}
    return wire.Order(record=wire.Record(**{**of_all, **record}))


@pytest.mark.parametrize("params", ['{"mode": "\udc80"}', "{", '{"mode": 1}'])
def test_an_order_that_cannot_be_read_fails_and_holds_up_nobody(crew: Any, params: str) -> None:
    crew.carry_out("t.1", order(params=params), "", "threads")
    kinds = [(kind, word.kind) for kind, word in crew.voice.told if isinstance(word, wire.Settled)]
    assert kinds == [(wire.SETTLED, OutcomeKind.FAILED)]
    assert not crew._runs


def test_an_attempt_that_celery_breaks_off_is_let_go_and_may_be_taken_up_again(crew: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken_off(*given: Any) -> Any:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(crew, "_outcome", broken_off)
        with pytest.raises(SystemExit):
            crew.carry_out("t.1", order(), "", "threads")
    assert crew.voice.ledger()._runs == {}
    crew.carry_out("t.1", order(), "", "threads")
    assert [word.kind for kind, word in crew.voice.told if kind == wire.SETTLED] == [OutcomeKind.COMPLETED]
    assert crew.voice.ledger()._runs == {}
