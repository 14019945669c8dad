"""The reader by itself: what it does with a message that cannot be accepted yet, and how two members share a topic."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from threading import Event

import pytest

from tasks_app.engine.errors import JournalFailed, WaitingFull
from tasks_app.kafka.broker import address_of
from tasks_app.kafka.link import GRACE, Link
from tasks_app.kafka.reader import Reader
from tasks_app.tests.engine.leaks import nothing_left
from tasks_app.tests.kafka.broker import Broker, until

Read = Callable[..., Reader]


@pytest.fixture
def read(broker: Broker) -> Iterator[Read]:
    """Starts readers of the broker's topic; they must end when they are told to."""
    readers: list[Reader] = []

    def begin(accept: Callable[[bytes], object], stored: Callable[[], object] = lambda: None) -> Reader:
        readers.append(Reader(broker.address, accept, stored))
        readers[-1].start()
        return readers[-1]

    with nothing_left():
        yield begin
        for reader in readers:
            reader.stop()
        assert all(reader.join(60) for reader in readers)


class Door:
    """Accepts messages while it is open."""

    def __init__(self, error: Exception) -> None:
        self.open = Event()
        self.accepted: list[bytes] = []
        self.tried = 0
        self._error = error

    def accept(self, message: bytes) -> None:
        self.tried += 1
        if not self.open.is_set():
            raise self._error
        self.accepted.append(message)


def test_what_cannot_be_accepted_yet_is_tried_again_and_no_trouble_of_the_broker(broker: Broker, read: Read) -> None:
    broker.put(b"a", b"b", b"c")
    door = Door(WaitingFull())
    reader = read(door.accept)
    until(lambda: door.tried > 3)
    assert (reader.trouble, reader.counts, broker.committed()) == ("", {"taken": 0, "bad": 0}, 0)
    door.open.set()
    broker.put(b"d")
    until(lambda: broker.committed() == 4)
    assert door.accepted == [b"a", b"b", b"c", b"d"]


def test_a_message_that_nobody_foresaw_is_kept_told_of_and_tried_again(broker: Broker, read: Read, caplog) -> None:
    broker.put(b"a", b"b")
    door = Door(ZeroDivisionError("a fault of ours"))
    with caplog.at_level(logging.ERROR):
        reader = read(door.accept)
        until(lambda: door.tried > 2)
    assert reader.trouble.startswith(f"A message from Kafka at {broker.address} cannot be taken in")
    assert {record.getMessage() for record in caplog.records} == {"A message could not be taken in and is tried again"}
    door.open.set()
    until(lambda: broker.committed() == 2)
    assert (reader.trouble, door.accepted) == ("", [b"a", b"b"])


def test_nothing_is_committed_while_the_journal_cannot_be_written(broker: Broker, read: Read) -> None:
    broker.put(b"a", b"b")
    accepted: list[bytes] = []
    written, asked = Event(), []

    def stored() -> None:
        asked.append(len(accepted))
        if not written.is_set():
            raise JournalFailed

    reader = read(accepted.append, stored)
    until(lambda: len(asked) > 2)
    assert (broker.committed(), reader.counts["taken"]) == (0, 2)
    written.set()
    until(lambda: broker.committed() == 2)
    assert accepted == [b"a", b"b"], "a message is not accepted twice for that"


def test_what_a_member_holds_while_another_comes_is_taken_once_by_either(broker: Broker, read: Read) -> None:
    """The partitions are dealt out anew: what was held is read again, also where it stood still before."""
    wanted = [str(number).encode() for number in range(20)]
    broker.put(*wanted)
    shut, wide = Door(WaitingFull()), Door(WaitingFull())
    wide.open.set()
    read(shut.accept)
    until(lambda: shut.tried > 0)
    second = read(wide.accept)
    until(lambda: second._assigned)
    shut.open.set()
    until(lambda: broker.committed() == 20)
    assert sorted([shut.accepted, wide.accepted]) == [[], wanted], "all are of one partition"


# -- whether it can be reached


class Clock:
    """Time that stands still until it is set."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def figures(state: str) -> str:
    return json.dumps({"name": "x", "brokers": {"b:1/1": {"state": "UP"}, "GroupCoordinator": {"state": state, "rtt": {}}}, "topics": {}})


def test_a_link_is_cut_when_it_was_down_for_a_while_and_says_why_once(caplog) -> None:
    caplog.set_level(logging.INFO)
    clock = Clock()
    link = Link("b:1", clock)
    link.error(Fault("_TRANSPORT", "b:1: Connection refused"))
    link.error(Fault("_ALL_BROKERS_DOWN", "1/1 brokers are down"))
    for later in (0.5, GRACE, GRACE + 0.1, GRACE + 5):
        clock.now = 100.0 + later
        link.figures(figures("TRY_CONNECT"))
        assert bool(link.trouble) == (later > GRACE)
    assert link.trouble == "Kafka at b:1 cannot be reached: jobs from there wait."
    link.figures(figures("UP"))
    assert link.trouble == ""
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        "Kafka at b:1 cannot be reached: jobs from there wait. b:1: Connection refused",
        "Kafka at b:1 can be reached again",
    ]


def test_a_moment_without_a_coordinator_is_no_trouble(caplog) -> None:
    clock = Clock()
    link = Link("b:1", clock)
    for state in ("UP", "INIT", "TRY_CONNECT", "UP", "INIT", "UP"):
        clock.now += GRACE * 0.9
        link.figures(figures(state)) if state == "UP" else link.figures('{"brokers":{}}')
        assert link.trouble == "" or state == "TRY_CONNECT"
    assert link.trouble == ""


class Fault:
    """An error as the library gives it."""

    def __init__(self, name: str, text: str) -> None:
        self.name = lambda: name
        self.str = lambda: text


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("localhost", "localhost:9092"),
        ("kafka-1.example.org:19092", "kafka-1.example.org:19092"),
        ("10.0.0.7", "10.0.0.7:9092"),
        ("[::1]", "[::1]:9092"),
        ("[2001:db8::1]:1", "[2001:db8::1]:1"),
    ],
)
def test_the_port_is_9092_unless_it_is_given(given: str, address: str) -> None:
    assert address_of(given) == address


@pytest.mark.parametrize(
    "given", ["", ":9092", "a b", "host:", "host:0", "host:65536", "host:1:2", "host:x", "a,b", "::1", "http://a", "é"]
)
def test_what_is_no_broker_is_refused_in_a_sentence(given: str) -> None:
    with pytest.raises(ValueError, match=r"is no broker: allowed is HOST or HOST:PORT, such as localhost:9092\.$"):
        address_of(given)
