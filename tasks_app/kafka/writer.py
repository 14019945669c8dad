"""Writes to the topic: one message at a time, and an answer when the broker has it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from threading import Event, Thread
from typing import Any

from tasks_app.kafka.broker import TOPIC, connection, library

PATIENCE_MS = 3_000  # for the broker to take a message
WAIT = 0.1  # seconds from look to look when nothing happens
LAST = 1.0  # seconds that messages under way get at the end


class NotTaken(Exception):
    """The broker did not take a message; the text says why."""


class Writer:
    """A producer, and the thread on which it tells what became of its messages."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._library = library()
        self._producer = self._library.Producer(
            {**connection(address), "enable.idempotence": True, "message.timeout.ms": PATIENCE_MS, "linger.ms": 0}
        )
        self._stop = Event()
        self._thread = Thread(target=self._run, name="kafka writer", daemon=True)

    def start(self) -> None:
        """Begin to hear of messages."""
        self._thread.start()

    def stop(self) -> None:
        """Messages under way get a last moment. Does not wait."""
        self._stop.set()

    def join(self, seconds: float) -> bool:
        """Wait for that; whether it came about."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    async def send(self, message: bytes) -> None:
        """Return when the broker has the message. Raises NotTaken, after a few seconds at the latest."""
        loop = asyncio.get_running_loop()
        taken: asyncio.Future[None] = loop.create_future()

        def told(error: Any, _: Any) -> None:
            with suppress(RuntimeError):  # the loop has closed: nobody waits any more
                loop.call_soon_threadsafe(_settle, taken, error.str() if error else "")

        try:
            if self._stop.is_set():
                raise BufferError("the server is stopping")
            self._producer.produce(TOPIC, message, on_delivery=told)
            await taken
        except (BufferError, NotTaken, self._library.KafkaException) as error:
            raise NotTaken(f"Kafka at {self._address} did not take the message: {error}") from None

    def _run(self) -> None:
        while not self._stop.is_set():
            self._producer.poll(WAIT)
        if self._producer.flush(LAST):
            self._producer.purge()
            self._producer.poll(0)


def _settle(taken: asyncio.Future[None], problem: str) -> None:
    if taken.done():  # whoever asked has gone
        return
    if problem:
        taken.set_exception(NotTaken(problem))
    else:
        taken.set_result(None)
