"""Reads the topic: each message becomes a job; its offset is committed after the job is stored, so that a crash repeats and never loses."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from threading import Event, Thread
from typing import Any

from tasks_app.engine.errors import Unavailable
from tasks_app.engine.sentences import kept
from tasks_app.kafka.broker import GROUP, TOPIC, connection, library
from tasks_app.kafka.link import INTERVAL_MS, Link
from tasks_app.logs.lines import about

logger = logging.getLogger("iotask.kafka")
WAIT = 0.25  # seconds for a first message, and from try to try where one cannot be accepted yet
_NOT_TAKEN = kept("A message from Kafka at {address} cannot be taken in; it is tried again, and those after it wait.")
BATCH = 100  # messages between two commits
SHOWN = 200  # bytes of a bad message in the log
ANEW = 1.0  # seconds before a consumer that failed is replaced
Place = tuple[str, int]  # topic, partition


class BadMessage(Exception):
    """A message that is no job; the text says why."""


class Reader:
    """One member of the consumer group, in a thread of its own.

    `accept` makes a job of a message; it raises BadMessage for what is none and Unavailable where it has to wait. `stored` returns when all
    that was accepted will outlive this process, as far as anything does; it may raise Unavailable.
    """

    def __init__(self, address: str, accept: Callable[[bytes], object], stored: Callable[[], object]) -> None:
        self.counts = {"taken": 0, "bad": 0}
        self._address = address
        self._accept = accept
        self._stored = stored
        self._link = Link(address)
        self._library = library()
        self._held: deque[Any] = deque()  # read and not accepted yet, in order
        self._done: dict[Place, int] = {}  # accepted and not committed yet: the offset to go on from
        self._assigned: frozenset[Place] = frozenset()
        self._paused = self._puzzled = self._missing = False
        self._stop = Event()
        self._thread = Thread(target=self._run, name="kafka reader", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Take no further message. Does not wait."""
        self._stop.set()

    def join(self, seconds: float) -> bool:
        """Wait for the last commit and the goodbye to the group; whether they were made."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    @property
    def trouble(self) -> str:
        """What keeps messages from becoming jobs, as a sentence; empty while all is well."""
        if self._puzzled:
            return str(_NOT_TAKEN(address=self._address))
        return self._link.trouble

    # -- the thread

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._read()
            except Exception:
                logger.exception("The consumer failed; a new one begins", extra=about("kafka_consumer_failed", broker=self._address))
                self._stop.wait(ANEW)

    def _read(self) -> None:
        self._link.renew()
        consumer = self._library.Consumer(
            {
                **connection(self._address),
                "group.id": GROUP,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "session.timeout.ms": 6_000,  # what a process that was killed had, another one gets that soon
                "heartbeat.interval.ms": 2_000,
                "statistics.interval.ms": INTERVAL_MS,
                "stats_cb": self._link.figures,
                "error_cb": self._link.error,
                "on_commit": self._committed,
            }
        )
        try:
            consumer.subscribe([TOPIC], on_assign=self._given, on_revoke=self._revoked, on_lost=self._revoked)
            while not self._stop.is_set():
                self._turn(consumer)
        finally:
            self._forget()
            consumer.close()

    def _turn(self, consumer: Any) -> None:
        first = consumer.poll(WAIT)  # while paused nothing comes, and the group sees that we live
        if first is not None:
            self._held.extend([first, *consumer.consume(BATCH - 1, 0)])
        self._take_held()
        self._commit(consumer)
        self._pause(consumer, bool(self._held))

    def _take_held(self) -> None:
        """Accept what can be accepted; what follows a message that has to wait, waits with it."""
        while self._held and not self._stop.is_set():
            try:
                self._take(self._held[0])
            except Unavailable:
                return
            except Exception as error:
                self._puzzled = True
                fields = about("kafka_message_held", broker=self._address, error=type(error).__name__)
                logger.exception("A message could not be taken in and is tried again", extra=fields)
                return
            self._held.popleft()
            self._puzzled = False

    def _take(self, message: Any) -> None:
        if message.error() is not None:
            self._heard(message.error())
            return
        self._missing = False
        try:
            self._accept(message.value() or b"")
            self.counts["taken"] += 1
        except BadMessage as problem:
            self.counts["bad"] += 1
            _tell_bad(message, problem)
        self._done[message.topic(), message.partition()] = message.offset() + 1

    def _heard(self, error: Any) -> None:
        """What the library says in place of a message."""
        if error.fatal():
            raise self._library.KafkaException(error)
        if error.code() == self._library.KafkaError.UNKNOWN_TOPIC_OR_PART:
            if not self._missing:
                logger.warning("Kafka at %s has no topic %s yet", self._address, TOPIC, extra=about("kafka_no_topic", broker=self._address))
            self._missing = True
        else:
            logger.warning("Kafka says: %s", error.str(), extra=about("kafka_said", broker=self._address))

    # -- offsets

    def _commit(self, consumer: Any) -> None:
        if not self._done:
            return
        try:
            self._stored()
        except Unavailable:
            return  # the next turn asks again
        partition = self._library.TopicPartition
        consumer.commit(offsets=[partition(*place, offset) for place, offset in self._done.items()], asynchronous=True)
        self._done.clear()

    def _committed(self, error: Any, partitions: Sequence[Any]) -> None:
        """What could not be committed is committed again, unless it went to another member, or later messages are done by now."""
        for part in partitions:
            place = (part.topic, part.partition)
            if (error or part.error) and place in self._assigned:
                self._done.setdefault(place, part.offset)

    # -- partitions come and go, and stand still while nothing can be accepted

    def _given(self, consumer: Any, partitions: Sequence[Any]) -> None:
        self._assigned = frozenset((part.topic, part.partition) for part in partitions)

    def _revoked(self, consumer: Any, partitions: Sequence[Any]) -> None:
        if self._paused:
            consumer.resume(partitions)  # else they would stand still when they come back to us
        self._forget()

    def _forget(self) -> None:
        """What was read and not committed comes again, to us or to another member."""
        self._held.clear()
        self._done.clear()
        self._assigned = frozenset()
        self._paused = self._puzzled = False

    def _pause(self, consumer: Any, wanted: bool) -> None:
        if wanted != self._paused:
            (consumer.pause if wanted else consumer.resume)(consumer.assignment())
            self._paused = wanted


def _tell_bad(message: Any, problem: BadMessage) -> None:
    value = message.value() or b""
    fields = about(
        "kafka_message_bad",
        partition=message.partition(),
        offset=message.offset(),
        size=len(value),
        value=value[:SHOWN].decode("utf-8", "backslashreplace"),
    )
    logger.warning("A message is no job and is left out: %s", problem, extra=fields)
