"""The topic as a source of jobs: what is read from it and written to it, and whether it can be reached."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping

from tasks_app.kafka.broker import address_of
from tasks_app.kafka.reader import Reader
from tasks_app.kafka.writer import Writer
from tasks_app.logs.lines import about

logger = logging.getLogger("iotask.kafka")
GOODBYE = 5.0  # seconds for the last commit and the goodbye to the group


class Topic:
    """A reader and a writer of one broker's topic. Raises SetupError where the client library is not installed, ValueError for a name that
    is no broker's. `accept` and `stored` are the reader's."""

    def __init__(self, broker: str, accept: Callable[[bytes], object], stored: Callable[[], object]) -> None:
        self.address = address_of(broker)
        self._reader = Reader(self.address, accept, stored)
        self._writer = Writer(self.address)

    def start(self) -> None:
        """Begin, whether the broker can be reached or not."""
        self._reader.start()
        self._writer.start()

    def stop(self) -> None:
        """Read and write no more. Does not wait."""
        self._reader.stop()
        self._writer.stop()

    def close(self) -> None:
        """Stop, and wait a few seconds for what was read to be committed."""
        self.stop()
        end = time.monotonic() + GOODBYE
        read, written = (part.join(max(0.0, end - time.monotonic())) for part in (self._reader, self._writer))
        if not (read and written):
            logger.warning("Kafka at %s was left without a goodbye", self.address, extra=about("kafka_left", broker=self.address))

    @property
    def trouble(self) -> str:
        """What keeps jobs from coming, as a sentence; empty while all is well."""
        return self._reader.trouble

    @property
    def counts(self) -> Mapping[str, int]:
        """How many messages were taken, and how many were bad."""
        return self._reader.counts

    async def send(self, message: bytes) -> None:
        """Write a message; returns when the broker has it. Raises NotTaken."""
        await self._writer.send(message)
