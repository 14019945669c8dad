"""A socket of any page: who may open it, what it takes, how it ends. It shows a window of the hub; subclasses say which."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Hashable
from typing import Any

from asgiref.typing import WebSocketDisconnectEvent
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer

from tasks_app import runtime
from tasks_app.auth import access
from tasks_app.auth.audit import audit
from tasks_app.auth.doors import LIVE
from tasks_app.auth.forwarded import client_of
from tasks_app.auth.principal import Principal, Via
from tasks_app.auth.watches import Watch
from tasks_app.engine.errors import EngineError
from tasks_app.language import of_socket
from tasks_app.live import hub
from tasks_app.live.entry import OUT, TurnedAway, let_in
from tasks_app.live.frames import Error, Frame
from tasks_app.live.messages import Said, Wrong, acknowledged, understood
from tasks_app.live.seats import Crowded, Full, Who
from tasks_app.live.spoken import Spoken
from tasks_app.live.viewer import TRY_LATER, Viewer
from tasks_app.live.window import Window
from tasks_app.logs.lines import about
from tasks_app.presenters import ledger
from tasks_app.pushed import PUSH, Shortcuts

logger = logging.getLogger("iotask.live")
MAX_BAD = 3  # messages in a row that were not understood
RATE = 30  # messages in RATE_SECONDS; a browser sends one for each four frames
RATE_SECONDS = 10.0
LONGEST_QUERY = 4_000  # bytes; a page with a longer address is none of ours
UNKNOWN, CROWDED, MISUSE, UNSUPPORTED, RESTART = 4404, 4429, 1008, 1003, 1012


class PlainConsumer(AsyncWebsocketConsumer):
    """As in Channels, without its looks after database connections: there are none, and each look would cost a thread."""

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Call the method that a message names."""
        await getattr(self, message["type"].replace(".", "_"))(message)

    async def websocket_disconnect(self, message: WebSocketDisconnectEvent) -> None:
        """The socket is closed. Raises StopConsumer, which ends the consumer."""
        await self.disconnect(message["code"])
        raise StopConsumer


class LiveConsumer(PlainConsumer):
    """Joins a window of the hub and says what the browser has. Subclasses say which window."""

    viewer: Viewer | None = None
    _watch: Watch | None = None
    _seat: Who | None = None
    _bad = 0
    _tasks: tuple[asyncio.Task[None], ...] = ()

    async def __call__(self, *asgi: Any) -> None:
        """One socket, from its handshake to its end, whatever that is."""
        try:
            await super().__call__(*asgi)
        finally:
            self._leave()

    def window(self) -> tuple[Hashable, Any]:
        """The key of the window and a function that makes it. Raises EngineError when there is none."""
        raise NotImplementedError

    async def prepare(self, key: Hashable) -> None:
        """What takes long before a window can be made."""

    async def connect(self) -> None:
        """Accept the socket if it comes from our own pages, there is room, and its window exists."""
        if len(self.scope["query_string"]) > LONGEST_QUERY:
            await self.close(UNKNOWN)
            return
        self.runtime = runtime.get()
        self.hub = hub.current(self.runtime)
        try:
            principal = let_in(self.scope)
            self._seat = self.hub.seats.take(principal, self._address)
        except TurnedAway as turned:
            await self._turn_away(turned.code)
        except Full:
            await self.close(TRY_LATER)  # the handshake is answered 503: what is refused because all is full has to cost least
        except Crowded:
            await self._turn_away(CROWDED)
        else:
            await self._show(principal)

    async def disconnect(self, code: int) -> None:
        """See `__call__`, which takes its leave in any case."""

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Take a message. Too much or too wrong closes the socket."""
        if self.viewer is None:
            return
        if text_data is None:
            await self._end(UNSUPPORTED, "text only")
        elif self._too_often():
            await self._say(Error(429, "too_many_messages", f"At most {RATE} messages in {RATE_SECONDS:g} seconds are taken."))
            await self._end(MISUSE, "too many messages")
        else:
            await self._take(text_data)

    def _hear(self, text: str) -> bool:
        """Frames that came are most of what pages say. Where nothing else has to be said of it, the word does not go through Channels."""
        version = acknowledged(text)
        if version is None or self.viewer is None or self._crowded():
            return False
        self._heard.append(time.monotonic())
        self.viewer.acknowledge(version)
        self._bad = 0
        return True

    async def _take(self, text: str) -> None:
        try:
            self._follow_word(understood(text))
        except Wrong as wrong:
            if wrong.effect:
                audit.refusal(self.principal, self._address, wrong.effect, self.scope["path"], wrong.code, LIVE)
            await self._say(Error(wrong.status, wrong.code, str(wrong), wrong.field))
            self._bad += 1
            if self._bad >= MAX_BAD:
                await self._end(MISUSE, "too many messages in a row that mean nothing")
        else:
            self._bad = 0

    async def _turn_away(self, code: int) -> None:
        """Most are accepted first: a page cannot read the code of a handshake that is refused."""
        if code in (OUT, CROWDED):
            await self.accept()
        await self.close(code)

    async def _show(self, principal: Principal) -> None:
        viewer = Viewer(lambda text: self.send(text_data=text), self._heartbeat, self._shortcuts.push)
        self.principal = principal
        try:
            key, make = self.window()
            await self.prepare(key)
            self._look_through(viewer, key, make)
        except EngineError:
            await self._nothing_here()
            return
        self.viewer = viewer
        await self.accept()
        if principal.via is not Via.OPEN:
            self._watch = access.get().watches.add(principal, self._let_out)
        self._heard: deque[float] = deque(maxlen=RATE)
        self._shortcuts.hear = self._hear
        self._tasks = (asyncio.create_task(self._follow(viewer)),)

    def _look_through(self, viewer: Viewer, key: Hashable, make: Callable[[], Window]) -> None:
        """Readers of one language share a window."""
        language = of_socket(self.scope)
        self.hub.join(viewer, (language, key), lambda: Spoken(language, make))

    def _leave(self) -> None:
        if self._watch is not None:
            access.get().watches.remove(self._watch)
        if self.viewer is not None:
            self.hub.leave(self.viewer)
        if self._seat is not None:
            self.hub.seats.give_back(self._seat)
        for task in self._tasks:
            task.cancel()
        self._shortcuts.hear = None
        self._tasks, self.viewer = (), None  # each knows of this: what goes round in circles would wait for the garbage collector

    @property
    def _address(self) -> str:
        return client_of(access.get().seen(dict(self.scope)))

    @property
    def _shortcuts(self) -> Shortcuts:
        """Of a server that has some; others look at none."""
        extensions: Any = self.scope.get("extensions") or {}
        found: Shortcuts = extensions.get(PUSH) or Shortcuts()
        return found

    def hold(self, held: bool) -> bool:
        """Keep the order of rows as it is, or let it go on; False where there is no order."""
        return False

    def _let_out(self, again: bool) -> None:
        """Whoever opened this is not let in any more; or may be, and is to come again, past whoever vouches for him."""
        self._tasks += (asyncio.create_task(self._end(RESTART if again else OUT)),)

    async def _end(self, code: int, reason: str = "") -> None:
        """Close once: what was on its way is not heard any more, and a socket cannot be closed twice."""
        if self.viewer is not None:
            self.hub.leave(self.viewer)
            self.viewer = None
            await self.close(code, reason)

    async def _say(self, error: Error) -> None:
        await self.send(error.text())

    async def _nothing_here(self) -> None:
        """What the page shows is not there any more. Which process says so tells the page whether a restart took it."""
        await self.accept()
        counters = ledger.counters(self.runtime)
        frame = Frame(epoch=self.runtime.epoch, version=self.runtime.store.version, snapshot=True, order=(), rows={}, counters=counters)
        await self.send(frame.text())
        await self.close(UNKNOWN)

    def _follow_word(self, said: Said) -> None:
        assert self.viewer is not None
        if said.word == "ack":
            self.viewer.acknowledge(said.value)
        elif said.word == "snapshot":
            self.viewer.want_snapshot()
        elif not self.hold(bool(said.value)):
            raise Wrong(422, "nothing_to_hold", "This page has no order to hold.", "hold")

    def _crowded(self) -> bool:
        return len(self._heard) == RATE and time.monotonic() - self._heard[0] < RATE_SECONDS

    def _too_often(self) -> bool:
        full = self._crowded()
        self._heard.append(time.monotonic())
        return full

    def _heartbeat(self, version: int) -> str:
        return Frame(epoch=self.runtime.epoch, version=version, base=version).text()

    async def _follow(self, viewer: Viewer) -> None:
        sending = asyncio.create_task(viewer.send_forever())
        broken = asyncio.create_task(viewer.broken.wait())
        try:
            await asyncio.wait({sending, broken}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done() and not isinstance(error := sending.exception(), OSError):  # else the socket is gone, which is no fault
                logger.error("A frame cannot be sent", exc_info=error, extra=about("viewer_failed"))
            await self._end(viewer.code)
        finally:
            sending.cancel()
            broken.cancel()
