"""The WebSocket protocol itself, of `websockets`, and what the other side takes of what it is sent."""

from __future__ import annotations

import asyncio
import codecs
import socket
import struct
import sys
from http import HTTPStatus
from typing import Any

from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.server import ServerProtocol

from tasks_app.middleware import bare_headers

if sys.platform == "linux":
    import fcntl
    import termios

SMALL, LARGE = 4096, 16_384  # bytes that are given at once, to a reader who is slow or not known yet, and to a quick one
AT_ONCE, LATE = 1.0, 2.0  # seconds in which who is quick answers a ping, and after which who is slow does
PINGS_APART = 1.0  # seconds, where little is sent at once
MAX_FRAMES, FRAMES_SECONDS = 100, 10.0  # of all kinds, within so many seconds
_UNSENT: int | None = getattr(socket, "TCP_NOTSENT_LOWAT", 25 if sys.platform == "linux" else None)


class Conversation(ServerProtocol):
    """The protocol itself. Counts the bytes that were `given` to the transport."""

    given = 0

    def recv_frame(self, frame: Frame) -> None:
        """Whoever says goodbye in the middle of a message has said goodbye: the code he gives is the one he hears."""
        if frame.opcode is Opcode.CLOSE:
            self.current_size = None
        super().recv_frame(frame)

    def send_response(self, response: Response) -> None:
        """A handshake that is refused is told so with the headers that every answer has."""
        if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            response.headers.update(bare_headers())
        super().send_response(response)

    def data_to_send(self) -> list[bytes]:
        """What is to be written now."""
        found = super().data_to_send()
        self.given += sum(map(len, found))
        return found

    def let_go(self) -> None:
        """The connection is gone. Its parser holds what it belongs to, and so do the errors that it met: what goes round in circles would
        wait for the garbage collector."""
        self.parser.close()
        self.parser_exc = self.handshake_exc = None


class Parts:
    """A message that comes in any number of parts. Empty ones take no room."""

    def __init__(self) -> None:
        self.kind = ""
        self._parts: list[Any] = []
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def begin(self, kind: str) -> None:
        """One begins: `text` or `bytes`."""
        self.kind = kind
        self._parts = []
        self._decoder.reset()

    def add(self, data: Any, last: bool) -> None:
        """A part. Raises UnicodeDecodeError where it is no text."""
        if self.kind == "text":
            data = self._decoder.decode(data, last)
        if data:
            self._parts.append(data)

    def joined(self) -> Any:
        """All of it; nothing is kept."""
        parts, self._parts = self._parts, []
        return ("" if self.kind == "text" else b"").join(parts)


class Pace:
    """How many frames somebody sends."""

    def __init__(self) -> None:
        self._frames, self._counted_from = 0, 0.0

    def too_fast(self, frames: int, now: float) -> bool:
        """So many came. Whether that is more than one may send."""
        if now - self._counted_from >= FRAMES_SECONDS:
            self._frames, self._counted_from = 0, now
        self._frames += frames
        return self._frames > MAX_FRAMES


class Taken:
    """How far the other side is with what it was sent: what its machine has confirmed, and whether a ping that stands between our words was
    answered. A ping is answered when it is read, so even the slowest reader shows that he reads. Who answers at once is given more at
    a time: `piece` bytes in a fragment, and so many before he has to show again how far he is."""

    def __init__(self, transport: asyncio.Transport, conversation: Conversation, now: float) -> None:
        self._transport = transport
        self._conversation = conversation
        self._ping = b""  # one that was not answered yet
        self._pinged = (0, now)  # what was given when the last one was sent, and when that was
        self._number = 0
        self.ahead = SMALL  # bytes he may be behind
        self._confirmed = -1
        self._since = now
        self.room = asyncio.Event()  # there is room for more
        self.room.set()

    @property
    def piece(self) -> int:
        """Bytes that may be given at once."""
        return min(self.ahead, LARGE)

    def mark(self, now: float, *, more: bool) -> bytes:
        """A ping to be sent behind what was given last, empty where none is due; `more` follows at once."""
        given, at = self._pinged
        due = not self._ping and self._conversation.given - given >= SMALL and (more or now - at >= PINGS_APART)
        if due:
            self._number += 1
            self._ping = b"%d" % self._number
            self._pinged = self._conversation.given, now
        elif self._ping and self._conversation.given - given >= self.ahead:
            self.room.clear()
        return self._ping if due else b""

    def answered(self, ping: bytes, now: float) -> None:
        """The other side has read so far."""
        if not self._ping or ping != self._ping:
            return
        took = now - self._pinged[1]
        if took < AT_ONCE:
            self.ahead = min(2 * self.ahead, 2 * LARGE)
        elif took > LATE:
            self.ahead = max(self.ahead // 2, SMALL)
        self._ping = b""
        self._since = now
        self.room.set()

    def idle(self, now: float, *, unread: bool = False) -> float:
        """Seconds for which something has waited without a sign that any of it was taken; call it now and then. Where something of what
        the other side said is `unread`, the sign may be in it."""
        waiting = self._transport.get_write_buffer_size() + in_the_kernel(self._transport)
        confirmed = self._conversation.given - waiting
        if confirmed > self._confirmed or unread or not (waiting or self._ping):
            self._confirmed, self._since = confirmed, now
        return now - self._since


def keep_little(transport: Any, size: int) -> None:
    """Let no more than so many bytes wait for a reader in our memory, and as many unsent in the kernel: what waits grows old."""
    transport.set_write_buffer_limits(high=size)
    found = transport.get_extra_info("socket")
    if found is not None and _UNSENT is not None:
        found.setsockopt(socket.IPPROTO_TCP, _UNSENT, size)


def in_the_kernel(transport: asyncio.Transport) -> int:
    """Bytes that the other side's machine has not confirmed; 0 where the system does not tell."""
    found = transport.get_extra_info("socket")
    if sys.platform != "linux" or found is None or found.fileno() < 0:
        return 0
    return int.from_bytes(fcntl.ioctl(found.fileno(), termios.TIOCOUTQ, bytes(4)), sys.byteorder)


def let_go(transport: asyncio.Transport) -> None:
    """End a connection at once, with what the kernel keeps for it."""
    found = transport.get_extra_info("socket")
    if found is not None and found.fileno() >= 0:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
