"""Looks after those who stay: open sockets and streams end when whoever opened them is not let in any more."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable

from tasks_app.auth.principal import Principal, Via

LOOK_EVERY = 2.0  # seconds
HOST_SECONDS = 60.0  # the same for the project around us, whose sessions end unseen
PROXY_SECONDS = 900.0  # a proxy says who it is when a connection opens, and never again: after that time it is asked anew

_ASKED_ANEW = {Via.PROXY: PROXY_SECONDS, Via.HOST: HOST_SECONDS}


class Watch:
    """One connection. `ended` is called once, on the loop it was opened on: with True when it may come back by itself."""

    def __init__(self, principal: Principal, ended: Callable[[bool], object]) -> None:
        self.principal = principal
        self.ended = ended
        self.since = time.monotonic()


class Watches:
    """All connections of the running loop; `holds` says whether somebody is still let in."""

    def __init__(self, holds: Callable[[Principal], bool]) -> None:
        self._holds = holds
        self._open: set[Watch] = set()
        self._looking: asyncio.Task[None] | None = None

    def add(self, principal: Principal, ended: Callable[[bool], object]) -> Watch:
        """Look after one more."""
        watch = Watch(principal, ended)
        self._open.add(watch)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_on(), name="watches")
        return watch

    def remove(self, watch: Watch) -> None:
        """It is gone."""
        self._open.discard(watch)
        if not self._open and self._looking is not None:
            self._looking.cancel()
            self._looking = None

    def look(self) -> None:
        """End those who are not let in any more."""
        for watch in list(self._open):
            if not self._holds(watch.principal):
                self._end(watch, again=False)
            elif time.monotonic() - watch.since > _ASKED_ANEW.get(watch.principal.via, math.inf):
                self._end(watch, again=True)

    def _end(self, watch: Watch, *, again: bool) -> None:
        if watch in self._open:  # whoever looked whether it holds may have ended it
            self._open.discard(watch)
            watch.ended(again)

    async def _look_on(self) -> None:
        while self._open:
            await asyncio.sleep(LOOK_EVERY)
            self.look()
