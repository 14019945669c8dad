"""Receives Celery's events in a thread of its own, as long as the broker lets it, and again as soon as it does."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from threading import Event, Thread
from typing import Any

from celery import Celery
from celery.events.receiver import EventReceiver
from kombu import Consumer

from tasks_app.executors.hearing import Hearing
from tasks_app.executors.link import let_go
from tasks_app.logs.lines import about

logger = logging.getLogger("iotask.cluster")
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0  # seconds between two tries
TURN = 0.1  # seconds that an empty wire is listened to, before what came is written
BURST = 500  # messages that are taken in before that
HEARTBEAT = 5.0  # seconds between two looks at whether the broker still answers
JITTER = 0.3  # of a pause, by chance: many dashboards do not come back in one moment


class Receiver:
    """`take` is called with each event, `each_turn` after each handful, `connected` after each connect: all on its thread, all quick."""

    def __init__(
        self,
        app: Celery,
        take: Callable[[dict[str, Any]], object],
        each_turn: Callable[[], object] = lambda: None,
        connected: Callable[[], object] = lambda: None,
    ) -> None:
        self._app = app
        self._take = take
        self._each_turn = each_turn
        self._connected = connected
        self._stop = Event()
        self._told = False
        self.reason = "not connected yet"  # why there is no connection; empty while there is one
        self.since = time.monotonic()  # the present state
        self.events = 0
        self.unread = 0  # events that could not be read
        self._messages = 0
        self.connects = 0
        self._thread = Thread(target=self._run, name="celery events", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Listen no more. Does not wait."""
        self._stop.set()

    def join(self, seconds: float) -> bool:
        """Wait for its end; whether it came."""
        if self._thread.ident is not None:
            self._thread.join(seconds)
        return not self._thread.is_alive()

    @property
    def is_connected(self) -> bool:
        """Whether events can come."""
        return not self.reason

    # -- the thread

    def _run(self) -> None:
        pause = FIRST_PAUSE
        while not self._stop.is_set():
            try:
                self._listen()
                pause = FIRST_PAUSE
            except Exception as error:  # whatever a client library raises: there is no connection, and there will be another
                pause = FIRST_PAUSE if self.is_connected else min(2 * pause, LONGEST_PAUSE)
                self._lost(f"{type(error).__name__}: {error}"[:300])
            self._stop.wait(pause * (1 + JITTER * random.random()))

    def _listen(self) -> None:
        connection = self._app.connection_for_read()
        try:
            connection.connect()
            channel = connection.channel()
            events: Any = EventReceiver(channel, app=self._app)
            taking: dict[str, Any] = {"callbacks": [self._received], "on_decode_error": self._sealed, "accept": events.accept}
            with Consumer(channel, [events.queue], no_ack=True, **taking):
                events.wakeup_workers(channel=channel)
                self._found()
                self._drain(connection, Hearing(connection, channel))
        finally:
            try:
                let_go(connection)
            except Exception:  # it may be in any state
                logger.debug("A connection could not be let go", exc_info=True)

    def _drain(self, connection: Any, hearing: Hearing) -> None:
        checked = time.monotonic()
        while not self._stop.is_set():
            until, taken = time.monotonic() + TURN, 0
            try:
                while taken < BURST and time.monotonic() < until:
                    connection.drain_events(timeout=TURN)
                    taken += 1
            except TimeoutError:
                pass
            self._each_turn()
            if time.monotonic() - checked > HEARTBEAT:
                checked = time.monotonic()
                hearing.check(self._messages)

    def _received(self, body: Any, message: Any) -> None:
        """Times stay as they were sent: Celery's own receiver shifts them by the time zone of whoever sent them."""
        self._messages += 1
        for event in body if isinstance(body, list) else (body,):
            if isinstance(event, dict) and isinstance(event.get("type"), str):
                self.events += 1
                self._take_one(event)

    def _sealed(self, message: Any, error: Exception) -> None:
        """Of a kind that is not read here, such as pickle."""
        self._messages += 1
        self._pass_over(message.content_type, error)

    def _take_one(self, event: dict[str, Any]) -> None:
        """One that nobody foresaw is passed over, and the first is told of: the connection, and what comes after, is not lost with it."""
        try:
            self._take(event)
        except Exception as error:
            self._pass_over(event["type"], error)

    def _pass_over(self, kind: object, error: Exception) -> None:
        self.unread += 1
        if self.unread == 1:
            logger.error("An event of type %.60r could not be read", kind, exc_info=error, extra=about("celery_event_unread"))

    # -- who is told

    def _found(self) -> None:
        self.reason, self.since = "", time.monotonic()
        self.connects += 1
        if self._told or self.connects == 1:
            logger.info("The Celery broker sends its events", extra=about("celery_events_found"))
        self._told = False
        self._connected()

    def _lost(self, reason: str) -> None:
        if self.is_connected:
            self.since = time.monotonic()
        self.reason = reason
        if not self._told:
            self._told = True
            logger.warning("The Celery broker sends no events: %s", reason, extra=about("celery_events_lost"))
