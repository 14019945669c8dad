"""What a worker process tells of its attempts, a few times a second, over a link of its own; and its ear for who is to stop."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Condition, Event, Lock, Thread
from typing import Any

from celery import Celery
from kombu import Consumer, Queue
from msgspec import Struct

from tasks_app.engine.context import Stop
from tasks_app.engine.task import OutcomeKind
from tasks_app.executors import wire
from tasks_app.executors.hearing import Hearing
from tasks_app.executors.ledger import Ledger
from tasks_app.executors.link import STOPS, Link, let_go
from tasks_app.executors.poison import MOST_BREAKS
from tasks_app.executors.told import Told
from tasks_app.executors.unsaid import Unsaid, Waiting

logger = logging.getLogger("iotask.worker")
FLUSH = 0.25  # seconds between two rounds of what handlers said
EACH_SECOND = 200  # words on progress of all attempts together, at most
SELDOM = 0.5  # seconds between two words on the progress of one attempt, at least
RENEW = 5.0  # seconds between two words that attempts are under way
LISTEN = 1.0  # seconds the ear waits for a word
ASK = 10.0  # seconds between two looks at whether the broker is still there to be heard
PAUSE = 1.0  # seconds between two tries while the broker is away
LAST = 3.0  # seconds to say what is left


class Under(Struct):
    """An attempt under way: who runs it, the tag of its message, and what its handler said."""

    token: str
    tag: str
    told: Told | None = None
    progress_at: float = 0.0


class Voice:
    """Thread-safe. `stop` hears who is asked to stop, `ended` of attempts that ended without us."""

    def __init__(self, app: Celery, hostname: str, stop: Callable[[str, Stop], object], ended: Callable[[str], object]) -> None:
        self._app = app
        self._hostname = hostname
        self._stop = stop
        self._ended = ended
        self._under: dict[str, Under] = {}
        self._words = Waiting()
        self._changed = Condition()  # and the lock of the words
        self._taking = Lock()
        self._ledger_lock = Lock()
        self._ledger_link: Link | None = None
        self._closing = False
        self._closed = Event()
        self._until = float("inf")
        self._renewed = 0.0
        self._words_heard = 0
        self._mouth = Thread(target=self._speak_on, name="voice", daemon=True)
        self._mouth.start()
        Thread(target=self._listen_on, name="ear", daemon=True).start()

    # -- the crew's side

    def begin(self, call: str, token: str, tag: str) -> None:
        """From now on this is told to be alive."""
        self._under[call] = Under(token, tag)

    def listen_to(self, told: Told) -> None:
        """What its handler says is to be told too."""
        self._under[told.call].told = told

    def end(self, call: str) -> None:
        """It is over: what its handler said last goes out before its end."""
        under = self._under.pop(call, None)
        if under is not None and under.told is not None:
            self._take(call, under.told, progress=True)

    def tell(self, kind: str, call: str, word: wire.Word) -> None:
        """Have an event sent, after those that were asked before. Returns at once."""
        with self._changed:
            self._words.add(kind, call, word)
            self._changed.notify()

    def ledger(self) -> Ledger:
        """The ledger, over a link that all threads of this process share. Raises what a link raises."""
        with self._ledger_lock:
            if self._ledger_link is None:
                self._ledger_link = Link(self._app, self._hostname)
            return self._ledger_link.ledger

    def drop_ledger(self, failed: Ledger | None) -> None:
        """This one did not answer: the next one is asked over a new link, unless another thread has made that already."""
        with self._ledger_lock:
            link = self._ledger_link
            if link is None or link.ledger is not failed:
                return
            self._ledger_link = None
        link.close()

    def close(self) -> None:
        """Say what is left, for a moment."""
        with self._changed:
            self._closing = True
            self._until = time.monotonic() + LAST
            self._changed.notify()
        self._closed.set()
        self._mouth.join(LAST)

    # -- the mouth

    def _speak_on(self) -> None:
        while not self._closing or (self._words and time.monotonic() < self._until):
            link = None
            try:
                link = Link(self._app, self._hostname)
                self._speak(link)
            except Exception as error:  # whatever a client library raises: there will be another link
                logger.warning("The broker cannot be told of attempts: %s", error)
                time.sleep(PAUSE)
            finally:
                if link is not None:
                    link.close()

    def _speak(self, link: Link) -> None:
        flushed = 0.0
        while True:
            with self._changed:
                if not self._words and not self._closing:
                    self._changed.wait(FLUSH)
            if time.monotonic() - flushed >= FLUSH:
                flushed = time.monotonic()
                self._gather()
                self._renew(link)
            while (one := self._first()) is not None:
                self._say(link, one)
            if self._closing:
                return

    def _first(self) -> Unsaid | None:
        with self._changed:
            dropped, first = self._words.dropped(), self._words.first()
        if dropped:
            logger.warning("Words on the progress of attempts that waited for the broker were dropped: %d", dropped)
        return first

    def _say(self, link: Link, one: Unsaid) -> None:
        """Have it told; what only it breaks is given up, as all others would wait behind it."""
        if one.breaks:
            link.try_out()
        try:
            link.tell(one.kind, one.call, one.word)
        except Exception as error:
            one.breaks += 1
            if isinstance(error, link.errors) and one.breaks < MOST_BREAKS:
                raise
            logger.exception("The broker does not take a word on %s (%s): it is left out", one.call or "attempts", one.kind)
            self._over(one)
            raise
        self._over(one)

    def _over(self, one: Unsaid) -> None:
        with self._changed:
            self._words.done(one)

    def _gather(self) -> None:
        """What handlers said since the last time; with many at once each is heard more seldom."""
        now, under = time.monotonic(), list(self._under.items())
        seldom = max(SELDOM, len(under) / EACH_SECOND)
        for call, one in under:
            if one.told is not None:
                due = now - one.progress_at >= seldom
                if self._take(call, one.told, progress=due):
                    one.progress_at = now

    def _take(self, call: str, told: Told, *, progress: bool) -> bool:
        """Taken and told in one go: whoever ends it tells of that after what others have taken."""
        with self._taking:
            said = told.progress() if progress else None
            for word in told.trail():
                self.tell(wire.LOG if isinstance(word, wire.Logged) else wire.MEASURE, call, word)
            if said is not None:
                self.tell(wire.PROGRESS, call, said)
            return said is not None

    def _renew(self, link: Link) -> None:
        now = time.monotonic()
        under = dict(self._under)
        if not under or now - self._renewed < RENEW:
            return
        self._renewed = now
        for call in link.ledger.renew({call: one.token for call, one in under.items()}):
            self._ended(call)
        link.hold([one.tag for one in under.values() if one.tag])
        calls = list(under)
        for part in (calls[i : i + wire.MOST_CALLS] for i in range(0, len(calls), wire.MOST_CALLS)):
            self.tell(wire.ALIVE, "", wire.Alive(calls=part))

    # -- the ear

    def _listen_on(self) -> None:
        while not self._closing:
            with suppress(Exception):  # the broker is away; words to stop are repeated
                self._listen()
            self._closed.wait(PAUSE)

    def _listen(self) -> None:
        connection = self._app.connection_for_read()
        try:
            queue = Queue("", exchange=STOPS, durable=False, exclusive=True, auto_delete=True)
            asked, channel = time.monotonic(), connection.channel()
            hearing = Hearing(connection, channel)
            taking: dict[str, Any] = {
                "callbacks": [self._heard],
                "on_decode_error": self._heard,
                "accept": ["json"],
            }  # what is no JSON is passed over
            with Consumer(channel, [queue], no_ack=True, **taking):
                while not self._closing:
                    with suppress(TimeoutError):
                        connection.drain_events(timeout=LISTEN)
                    if time.monotonic() - asked > ASK:
                        asked = time.monotonic()
                        hearing.check(self._words_heard)
        except BaseException:
            let_go(connection)
            raise
        let_go(connection, in_order=True)

    def _heard(self, body: Any, message: Any) -> None:
        self._words_heard += 1
        if isinstance(body, dict) and isinstance(body.get("call"), str) and body.get("kind") in list(OutcomeKind):
            self._stop(body["call"], Stop(OutcomeKind(body["kind"]), str(body.get("reason", ""))[:1000]))
