"""A viewer: one open socket. It holds at most one frame that is not sent, and never a queue."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable

from msgspec.structs import replace

from tasks_app.live.window import Seen, Window
from tasks_app.pushed import Push, pushed

CREDIT = 8  # frames a browser may have that it did not acknowledge
HEARTBEAT = 2.0  # seconds without a frame
DEAF_SECONDS = 60.0  # since frames had left, without a word that they came
INTERNAL, TRY_LATER = 1011, 1013  # why a viewer is given up


class Viewer:
    """Takes what a window offers when it can; when it cannot, it needs no more memory than the stamp it has seen. What `push` does not take
    waits for `send`."""

    def __init__(self, send: Callable[[str], Awaitable[object]], heartbeat: Callable[[int], str], push: Push | None = None) -> None:
        self.key: Hashable = None
        self.broken = asyncio.Event()  # set when nothing can be shown to it any more; `code` says why
        self.code = INTERNAL
        self.seen = Seen()
        self._send = send
        self._push = push
        self._heartbeat = heartbeat
        self._wants_snapshot = True
        self._sent_versions: list[int] = []
        self._text: str | None = None
        self._sending = False
        self._ready = asyncio.Event()
        self._last = self._heard = time.monotonic()

    def give_up(self, code: int) -> None:
        """Show it nothing more."""
        self.code = code
        self.broken.set()

    def want_snapshot(self) -> None:
        """The browser cannot go on from what it has."""
        self._heard = time.monotonic()
        self._wants_snapshot = True
        self._sent_versions.clear()

    def moved(self) -> None:
        """It looks through another window now, whose stamps are its own: all slots are sent again."""
        self.seen = replace(self.seen, stamp=-1)

    def acknowledge(self, version: int) -> None:
        """The browser has handled every frame up to this version."""
        self._heard = time.monotonic()
        while self._sent_versions and self._sent_versions[0] <= version:
            self._sent_versions.pop(0)

    def offer(self, window: Window) -> None:
        """A tick has passed. Makes at most one frame: a snapshot, what changed since the last one, or a heartbeat."""
        if self._text is not None or self._sending:
            return
        if len(self._sent_versions) >= CREDIT:
            if time.monotonic() - self._heard >= DEAF_SECONDS:
                self.give_up(TRY_LATER)
            return
        before, now = self.seen, window.seen
        if self._wants_snapshot:
            self._put_frame(window.snapshot(), now)
        elif before is not now and (before.stamp != now.stamp or before.order != now.order):
            self._put_frame(window.delta(before), now)
        elif time.monotonic() - self._last >= HEARTBEAT:
            self._put(self._heartbeat(self.seen.version))

    async def send_forever(self) -> None:
        """Send what is put here, one after the other; the socket's own back-pressure sets the pace."""
        while True:
            await self._ready.wait()
            self._ready.clear()
            text, self._text = self._text, None
            if text is not None:
                self._sending = True
                await self._send(text)
                pushed.add(text)
                self._sending = False
                self._heard = time.monotonic()  # until here it had not got all of it

    def _put_frame(self, text: str, now: Seen) -> None:
        self._wants_snapshot = False
        self.seen = now
        self._sent_versions.append(now.version)
        self._put(text)

    def _put(self, text: str) -> None:
        self._last = time.monotonic()
        if self._push is not None and self._push(text):
            self._heard = self._last
            pushed.add(text)
        else:
            self._text = text
            self._ready.set()
