"""What a server has to say to its broker, and what becomes of a word that the broker does not take, with links that are made here."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import Any

import pytest

from tasks_app.executors import link as links
from tasks_app.executors import outbox as room
from tasks_app.executors import wire
from tasks_app.executors.cluster_app import app_of
from tasks_app.executors.outbox import Outbox
from tasks_app.executors.poison import MOST_BREAKS
from tasks_app.tests.celery.site import Broker
from tasks_app.tests.cluster.broker import until


class Void:
    """Takes what links bring; `full` takes nothing from anybody, `refused` breaks the link that brings it."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.tried: list[str] = []
        self.refused: set[str] = set()
        self.full = False
        self.trials = 0

    def say(self, word: str) -> Callable[[Any], None]:
        """As an item does it."""

        def do(link: Link) -> None:
            self.tried.append(word)
            if self.full or word in self.refused:
                raise ConnectionResetError(word)
            self.taken.append(word)

        return do


class Link:
    """One to the broker of its test."""

    broker: Void
    errors = (OSError,)

    def __init__(self, *given: Any) -> None:
        """Connects."""

    def try_out(self) -> None:
        """Raises while nothing is taken."""
        self.broker.trials += 1
        if self.broker.full:
            raise ConnectionResetError

    def close(self) -> None:
        """Let go."""


class Watched:
    """An outbox, and what it told."""

    def __init__(self) -> None:
        self.broker = Link.broker = Void()
        self.refused: list[str] = []
        self.failed: list[str] = []
        given: Any = None
        self.outbox = Outbox(given, "s", lambda link: None, lambda trouble: None, lambda call, error: self.refused.append(call))

    def put(self, call: str, word: str) -> None:
        """A word on a call."""
        self.outbox.put(call, self.broker.say(word), lambda error: self.failed.append(word))


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(room, "Link", Link)
    monkeypatch.setattr(room, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(room, "LONGEST_PAUSE", 0.002)
    made = Watched()
    yield made
    made.outbox.stop()


def test_a_word_that_breaks_every_link_is_set_aside_and_told_of_and_holds_up_nobody_for_long(watched: Watched) -> None:
    watched.broker.refused = {"poison"}
    for word in ("a", "poison", "b", "c"):
        watched.put(word, word)
    watched.outbox.start()
    until(lambda: len(watched.broker.taken) == 3 and watched.refused)
    assert watched.broker.taken == ["a", "b", "c"]
    assert watched.broker.tried.index("b") < len(watched.broker.tried) - 1 - watched.broker.tried[::-1].index("poison")
    assert watched.broker.tried.count("poison") == MOST_BREAKS
    assert (watched.refused, watched.failed, watched.outbox.set_aside) == (["poison"], ["poison"], 1)
    until(lambda: not watched.outbox.trouble)
    assert len(watched.outbox) == 0


def test_what_is_about_one_call_stays_in_order_when_it_lets_others_go_first(watched: Watched) -> None:
    watched.broker.refused = {"send"}
    for call, word in (("poison", "send"), ("poison", "stop"), ("other", "other")):
        watched.put(call, word)
    watched.outbox.start()
    until(lambda: len(watched.broker.taken) == 2)
    assert watched.broker.taken == ["other", "stop"]
    assert watched.failed == ["send"]


def test_while_the_broker_takes_nothing_from_anybody_nothing_is_set_aside_and_order_is_kept(watched: Watched) -> None:
    watched.broker.full = True
    for word in "abc":
        watched.put(word, word)
    watched.outbox.start()
    until(lambda: watched.broker.trials >= 4 * MOST_BREAKS)
    assert watched.outbox.trouble
    watched.broker.full = False
    until(lambda: len(watched.broker.taken) == 3)
    assert watched.broker.taken == ["a", "b", "c"]
    assert (watched.refused, watched.outbox.set_aside) == ([], 0)


def test_a_trial_leaves_nothing_at_the_broker(broker: Broker) -> None:
    broker.client.flushall()
    with app_of(broker.url) as app, closing(links.Link(app, "s")) as link:
        link.try_out()
        assert [key for key in broker.client.scan_iter() if b"trial" in key] == []
        assert link.queued() == 0


def test_a_message_that_is_too_large_for_the_broker_is_set_aside(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """It closes the connection of whoever sends more than this at once."""
    broker.client.config_set("client-query-buffer-limit", "1mb")
    for name in ("FIRST_PAUSE", "LONGEST_PAUSE"):
        monkeypatch.setattr(room, name, 0.01)
    done: list[str] = []

    def tell(call: str, size: int, link: links.Link) -> None:
        link.tell(wire.ALIVE, "", wire.Alive(calls=["x" * size]))
        done.append(call)

    with app_of(broker.url) as app:
        refused: list[str] = []
        outbox = Outbox(app, "s", lambda link: None, lambda trouble: None, lambda call, error: refused.append(call))
        for call, size in (("large", 3 * 2**20), ("small", 10)):
            outbox.put(call, partial(tell, call, size))
        outbox.start()
        try:
            until(lambda: done == ["small"] and refused == ["large"])
        finally:
            outbox.stop()
            broker.client.config_set("client-query-buffer-limit", "1gb")
