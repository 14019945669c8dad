"""Sessions, kept here and nowhere else: a cookie names one, and means nothing once that has ended. They go with the process."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Iterable
from threading import RLock

from msgspec import Struct

from tasks_app.auth.users import User

IDLE_SECONDS = 30 * 60.0
LONGEST_SECONDS = 12 * 3600.0
MOST = 5_000
MOST_OF_ONE = 50
COOKIE_BYTES = 32


class Session(Struct):
    """Somebody who logged in. `handle` names it in public, `csrf` proves that a form is from one of its pages; `began` and `seen` are
    monotonic, `at` is wall clock time (seconds)."""

    handle: str
    user: User
    csrf: str
    address: str
    agent: str
    began: float
    seen: float
    at: float


class Sessions:
    """All that are open. `ended` is called after some were ended by somebody."""

    def __init__(
        self, ended: Callable[[], object], clock: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time
    ) -> None:
        self._ended = ended
        self._clock = clock
        self._wall = wall
        self._lock = RLock()
        self._open: dict[bytes, Session] = {}  # by the hash of the cookie, the one that was seen last at the end
        self._keys: dict[str, bytes] = {}  # by handle

    def begin(self, user: User, csrf: str, address: str, agent: str) -> tuple[str, Session]:
        """A new session and the text of its cookie. Past a bound the one that was idle for longest makes room."""
        cookie, handle, now = secrets.token_urlsafe(COOKIE_BYTES), secrets.token_hex(8), self._clock()
        session = Session(handle, user, csrf, address, agent, began=now, seen=now, at=self._wall())
        with self._lock:
            self._make_room(user.name)
            self._open[_key(cookie)] = session
            self._keys[handle] = _key(cookie)
        return cookie, session

    def find(self, cookie: str, *, active: bool) -> Session | None:
        """The session of a cookie. With `active` somebody did something, and its idle time begins anew."""
        key = _key(cookie)
        with self._lock:
            session = self._living(key)
            if session is not None and active:
                session.seen = self._clock()
                self._open[key] = self._open.pop(key)
            return session

    def get(self, handle: str) -> Session | None:
        """The session of a handle."""
        with self._lock:
            key = self._keys.get(handle)
            return None if key is None else self._living(key)

    def all(self) -> list[Session]:
        """All that are open, the one seen last first."""
        with self._lock:
            return [session for key in reversed(list(self._open)) if (session := self._living(key))]

    def end(self, *sessions: Session) -> None:
        """End them, at once for their sockets as well."""
        with self._lock:
            self._drop(session.handle for session in sessions)
        self._ended()

    def seconds_left(self, session: Session) -> float:
        """Until it ends by itself, if nothing is done meanwhile."""
        now = self._clock()
        return min(session.began + LONGEST_SECONDS, session.seen + IDLE_SECONDS) - now

    def idle(self, session: Session) -> float:
        """Seconds since something was done."""
        return self._clock() - session.seen

    def _living(self, key: bytes) -> Session | None:
        session = self._open.get(key)
        if session is not None and self.seconds_left(session) <= 0:
            self._drop([session.handle])
            return None
        return session

    def _make_room(self, name: str) -> None:
        own = [session.handle for session in self._open.values() if session.user.name == name]
        self._drop(own[: max(0, len(own) - MOST_OF_ONE + 1)])
        self._drop([session.handle for session in list(self._open.values())[: max(0, len(self._open) - MOST + 1)]])

    def _drop(self, handles: Iterable[str]) -> None:
        for handle in handles:
            key = self._keys.pop(handle, None)
            if key is not None:
                self._open.pop(key, None)


def _key(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode("utf-8", "replace")).digest()
