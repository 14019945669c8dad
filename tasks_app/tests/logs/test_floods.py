"""A sentence that is logged again and again is counted, not written."""

from __future__ import annotations

import logging

import pytest

from tasks_app.logs.floods import MAX_KINDS, MOST, SECONDS, Repeats


class Lines(logging.Handler):
    """Keeps what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage() + getattr(record, "note", ""))


class World:
    """A handler with the filter, and a clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.handler = Lines()
        self.handler.addFilter(Repeats(free=("free",), clock=lambda: self.now))

    def say(self, text: str, *values: object, name: str = "noisy") -> None:
        self.handler.handle(logging.makeLogRecord({"name": name, "msg": text, "args": values}))


@pytest.fixture
def world() -> World:
    return World()


def test_a_flood_is_cut_and_says_so(world):
    for number in range(1000):
        world.say("Forbidden: /%d", number)
    assert len(world.handler.said) == MOST
    assert world.handler.said[0] == "Forbidden: /0"
    assert world.handler.said[-1] == f"Forbidden: /{MOST - 1} (more like this within {SECONDS:g} s are counted, not written)"


def test_what_was_not_written_is_told_as_a_number_afterwards(world):
    for _ in range(MOST + 7):
        world.say("again")
    world.now = SECONDS
    world.say("again")
    world.say("again")
    assert world.handler.said[-2:] == ["again (7 more like this were not written)", "again"]


def test_a_flood_of_one_kind_hides_no_other(world):
    for _ in range(100):
        world.say("again")
    world.say("something else")
    world.say("again", name="another")
    assert world.handler.said[-2:] == ["something else", "again"]


def test_a_logger_that_is_free_is_heard_in_full(world):
    for _ in range(100):
        world.say("task ended", name="free")
    assert len(world.handler.said) == 100


def test_two_handlers_are_of_one_mind_and_a_sentence_counts_once(world):
    second = Lines()
    second.addFilter(Repeats(clock=lambda: world.now))
    for number in range(MOST * 2):
        record = logging.makeLogRecord({"name": "noisy", "msg": "Forbidden: /%d", "args": (number,)})
        world.handler.handle(record)
        second.handle(record)
    assert second.said == world.handler.said
    assert len(second.said) == MOST


def test_ten_thousand_kinds_need_no_more_memory_than_a_thousand(world):
    flood = world.handler.filters[0]
    for number in range(10_000):
        world.say(f"kind {number}")
    assert len(world.handler.said) == 10_000
    assert len(flood._kinds) <= MAX_KINDS + 1
