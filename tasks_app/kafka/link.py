"""Whether the broker can be reached: told by the client library's figures, kept as a sentence for people."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import msgspec

from tasks_app.engine.sentences import kept
from tasks_app.logs.lines import about

logger = logging.getLogger("iotask.kafka")
_CUT = kept("Kafka at {address} cannot be reached: jobs from there wait.")
GRACE = 2.0  # seconds without a connection before anybody is told: at the start, and when a coordinator moves
INTERVAL_MS = 500  # from figure to figure
_COORDINATOR = "GroupCoordinator"  # the broker that gives out the messages; it is connected to as long as the group is read


class _Broker(msgspec.Struct):
    state: str


class _Figures(msgspec.Struct):
    brokers: dict[str, _Broker] = {}


_figures = msgspec.json.Decoder(_Figures)


class Link:
    """The connection to the broker that a consumer needs. `figures` and `error` are its callbacks, called on the reader's thread."""

    def __init__(self, address: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._address = address
        self._clock = clock
        self._reason = ""
        self._cut = False
        self.renew()

    def renew(self) -> None:
        """A new consumer begins to connect."""
        self._up_at = self._clock()

    @property
    def trouble(self) -> str:
        """A sentence while there is no connection, else nothing."""
        return str(_CUT(address=self._address)) if self._cut else ""

    def figures(self, text: str) -> None:
        """The library's figures, as JSON."""
        coordinator = _figures.decode(text).brokers.get(_COORDINATOR)
        now = self._clock()
        if coordinator is not None and coordinator.state == "UP":
            self._up_at = now
        cut = now - self._up_at > GRACE
        if cut != self._cut:
            self._cut = cut
            self._tell()

    def error(self, error: Any) -> None:
        """Why a connection failed; that none is left says nothing more."""
        if error.name() != "_ALL_BROKERS_DOWN":
            self._reason = error.str()

    def _tell(self) -> None:
        if self._cut:
            logger.warning("%s %s", self.trouble, self._reason, extra=about("kafka_lost", broker=self._address))
        else:
            logger.info("Kafka at %s can be reached again", self._address, extra=about("kafka_found", broker=self._address))
