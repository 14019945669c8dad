"""What one client may do with a WebSocket of `serve`: bounds on frames, messages, memory and time that uvicorn leaves open."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from typing import Any

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.protocol import State

from tasks_app.api.problems import Problem
from tasks_app.crowds import crowd
from tasks_app.pushed import PUSH, Shortcuts, encoded, framed
from tasks_app.serving.conversation import Conversation, Pace, Parts, Taken, keep_little, let_go
from tasks_app.serving.handshakes import BACK_AFTER, FORBIDDEN, NO_PAGE, REFUSALS, UNAVAILABLE, bare_answer, said_by_the_protocol
from tasks_app.serving.inbox import MAX_MESSAGE, Inbox
from tasks_app.turnstile import turnstile

SLICE = 1024  # bytes that are looked at before others have their turn
LEFT = 16_384  # bytes that may be left in memory, and as many in the kernel unsent, when the next one follows
LOOK_EVERY = 1.0  # seconds
STALLED_SECONDS = 10.0  # without a byte being taken of what waits to be
CLOSING_SECONDS = 5.0  # for the other side to say goodbye too
LISTEN_ON_SECONDS = 1.0  # to who sends too much: cut off at once he would never read why
PING_SECONDS = 10.0  # between two pings
PONG_SECONDS = 60.0 if sys.platform == "linux" else 15.0  # for the answer; on Linux the kernel tells much sooner that nobody is there
NOT_UTF8, TOO_MUCH, RESTART = 1007, 1008, 1012


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket, with an end to everything that it lets grow. It goes on where BoundedHttp handed over."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.conn: Conversation = Conversation(max_size=MAX_MESSAGE, logger=self.logger)
        self._one_at_a_time = asyncio.Lock()
        self._message, self._inbox = Parts(), Inbox(self.queue)
        self._shortcuts = Shortcuts()
        self._unread = bytearray()
        self._in_line = self._inside = self._deaf = self._held = False
        self._pace = Pace()
        self._looking: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """From here on somebody looks whether the other side takes what it is sent."""
        super().connection_made(transport)
        keep_little(transport, LEFT)
        self._taken = Taken(transport, self.conn, self.loop.time())
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection was counted when it was made."""
        crowd().leave(self.client[0] if self.client else "")
        if self._looking is not None:
            self._looking.cancel()
        self._taken.room.set()
        self._shortcuts.push = self._shortcuts.hear = None  # what goes round in circles would wait for the garbage collector
        super().connection_lost(exc)
        self.conn.let_go()

    # -- what comes in

    def data_received(self, data: bytes) -> None:
        """The handshake waits for its turn, and so does what is more than a little: many who talk at once do not hold up the others."""
        if self._deaf:
            return
        self._unread += data
        if self._in_line:
            return
        if self._inside:
            self._read_some()
        else:
            self._queue_up()

    def _queue_up(self) -> None:
        self._in_line = True
        self.transport.pause_reading()
        turnstile().enter(self._read_some)

    def _read_some(self) -> None:
        self._in_line, self._inside = False, True
        if self.transport.is_closing():
            return
        piece = bytes(self._unread[:SLICE])
        del self._unread[:SLICE]
        super().data_received(piece)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            self._answer(said_by_the_protocol(b"".join(self.conn.data_to_send())))  # uvicorn would leave it without an answer
        elif self._unread:
            self._queue_up()
        elif not self.read_paused:
            self.transport.resume_reading()

    async def receive(self) -> Any:
        """The next message. When the application has all of them, more is read."""
        message = await self._inbox.next()
        if self.queue.empty():
            self._listen_again()
        return message

    def handle_events(self) -> None:
        """Frames cost time, whatever is in them."""
        if self._pace.too_fast(len(self.conn.events), self.loop.time()):
            self.conn.events.clear()
            self._refuse(TOO_MUCH, "too many frames")
        else:
            super().handle_events()

    def handle_connect(self, event: Any) -> None:
        """An address is ASCII; uvicorn takes that for granted."""
        if event.path.isascii():
            super().handle_connect(event)
            if self.handshake_initiated and not self.handshake_complete:
                self._shortcuts.push = self.push
                extensions: Any = self.scope["extensions"]
                extensions[PUSH] = self._shortcuts
        else:
            self._answer(NO_PAGE)

    def handle_text(self, event: Frame) -> None:
        """A text, or the first part of one."""
        self._message.begin("text")
        self.handle_cont(event)

    def handle_bytes(self, event: Frame) -> None:
        """The same, of bytes."""
        self._message.begin("bytes")
        self.handle_cont(event)

    def handle_cont(self, event: Frame) -> None:
        """A further part."""
        try:
            self._message.add(event.data, event.fin)
        except UnicodeDecodeError:
            self._refuse(NOT_UTF8, "not UTF-8")
        else:
            if event.fin:
                self._deliver()

    def handle_ping(self) -> None:
        """Answer who takes answers; for others the answer is dropped."""
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.writes.clear()

    def handle_pong(self, event: Frame) -> None:
        """So far he has read."""
        self._taken.answered(bytes(event.data), self.loop.time())
        super().handle_pong(event)

    def _deliver(self) -> None:
        kind, data = self._message.kind, self._message.joined()
        hear = self._shortcuts.hear
        if self.close_sent or (hear is not None and kind == "text" and self.queue.empty() and hear(data)):
            return
        if not self._inbox.put(kind, data, held=self._held):
            self._refuse(TOO_MUCH, "too many messages at once")
        elif self._inbox.is_full and not (self.read_paused or self._held):
            self.read_paused = True
            self.transport.pause_reading()

    def _refuse(self, code: int, reason: str) -> None:
        """Say why, and hear nothing more. What still comes is read and thrown away for a moment, or he would never get to read it."""
        self._deaf = True
        self._unread.clear()
        if self.conn.state is State.OPEN:
            self.conn.send_close(code, reason)
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        if not self.close_sent and self.transport.can_write_eof():
            self.transport.write_eof()  # whoever reads it may go at once
        self.close_sent = True
        self._listen_again()
        self._end_after(LISTEN_ON_SECONDS, self.transport.close)

    def handle_parser_exception(self) -> None:
        """What cannot be read as frames. uvicorn would close at once, and what still comes would cut off its word of farewell."""
        said = self.conn.close_sent
        assert said is not None
        self._refuse(said.code, said.reason)

    # -- what goes out

    async def send(self, message: Any) -> None:
        """Messages go in pieces, each when the one before is mostly taken; a goodbye waits for nobody."""
        if not self.handshake_complete and message["type"] == "websocket.close":
            self.queue.put_nowait({"type": "websocket.disconnect", "code": 1006})
            self._answer(REFUSALS.get(message.get("code", 1000), FORBIDDEN))
        elif not self.handshake_complete and self.transport.is_closing():
            raise ClientDisconnected  # nobody was told yet: uvicorn would pass over an accept, and stumble over what follows
        elif not self.handshake_complete or message["type"].startswith("websocket.http"):
            await super().send(message)
        elif message["type"] == "websocket.send":
            await self._send(message)
        elif message["type"] == "websocket.close":
            self._say_goodbye(message.get("code") or 1000, message.get("reason") or "")
        elif self.disconnected or self.close_sent:
            raise ClientDisconnected  # whoever wanted a socket hung up, or was told something else, before it was accepted
        else:
            raise RuntimeError(f"Not to be said in an open socket: {message['type']}.")

    async def _send(self, message: Mapping[str, Any]) -> None:
        text = message.get("text")
        data = message["bytes"] if text is None else encoded(text)
        begin = self.conn.send_binary if text is None else self.conn.send_text
        async with self._one_at_a_time:
            start, last = 0, False
            while not last:
                await self._room()
                if self.disconnected or self.close_sent or self.conn.state is not State.OPEN:
                    raise ClientDisconnected
                end = start + self._taken.piece
                last = end >= len(data)
                (begin if start == 0 else self.conn.send_continuation)(data[start:end], last)
                self.transport.write(b"".join(self.conn.data_to_send()) + self._mark(more=not last))
                start = end

    def push(self, text: str) -> bool:
        """Send a text at once, in one piece, where nothing is in its way; whether it was. See PUSH."""
        data, taken = framed(text), self._taken
        in_the_way = self._one_at_a_time.locked() or not self.writable.is_set() or not taken.room.is_set() or len(data) > taken.ahead
        if in_the_way or not self.handshake_complete or self.disconnected or self.close_sent or self.conn.state is not State.OPEN:
            return False
        self.conn.given += len(data)
        self.transport.write(data + self._mark(more=False))
        return True

    async def _room(self) -> None:
        """Until more may be sent. The sign that it may, stands behind all that the other side has said by then: that is read meanwhile."""
        if self.writable.is_set() and self._taken.room.is_set():
            return
        self._held = True
        self._listen_again()
        try:
            await self.writable.wait()
            await self._taken.room.wait()
        finally:
            self._held = False

    def _mark(self, *, more: bool) -> bytes:
        if ping := self._taken.mark(self.loop.time(), more=more):
            self.conn.send_ping(ping)
        return b"".join(self.conn.data_to_send())

    def _say_goodbye(self, code: int, reason: str) -> None:
        if self.transport.is_closing() or self.close_sent or self.conn.state is not State.OPEN:
            return  # that has been said
        self.conn.send_close(code, reason)
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self._listen_again()
        self._end_after(CLOSING_SECONDS, lambda: let_go(self.transport))

    def shutdown(self) -> None:
        """The server stops. Browsers read no headers here: the reason says when to come back, as Retry-After would."""
        if self.handshake_complete and not self.close_sent and self.conn.state is State.OPEN:
            self.stop_keepalive()
            self.conn.send_close(RESTART, f"Retry-After: {BACK_AFTER}")
            self.queue.put_nowait({"type": "websocket.disconnect", "code": RESTART})
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()
        else:
            super().shutdown()

    def send_500_response(self) -> None:
        """A handshake that cannot be answered, since we are about to go or failed."""
        if not self.initial_response and not self.handshake_complete:
            self._answer(UNAVAILABLE)

    # -- handshakes that are none

    def _answer(self, problem: Problem) -> None:
        self.handshake_complete = self.close_sent = True
        self.transport.write(bare_answer(problem))
        self.transport.close()

    def _look(self) -> None:
        if self._taken.idle(self.loop.time(), unread=self._in_line) >= STALLED_SECONDS:
            let_go(self.transport)
        else:
            self._looking = self.loop.call_later(LOOK_EVERY, self._look)

    def _listen_again(self) -> None:
        if self.read_paused:
            self.read_paused = False
            if not self._in_line:
                self.transport.resume_reading()

    def _end_after(self, seconds: float, end: Callable[[], object]) -> None:
        if self.close_timer is not None:
            self.close_timer.cancel()
        self.close_timer = self.loop.call_later(seconds, end)
