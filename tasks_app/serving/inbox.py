"""What somebody said in a socket and the application has not heard yet. It does not grow without end."""

from __future__ import annotations

import asyncio
from typing import Any

MAX_MESSAGE = 65_536  # bytes, in however many fragments
MAX_INBOX = 64  # messages that wait for the application
INBOX_BYTES = MAX_MESSAGE  # when so many wait, or half as many messages, no more is read: until then pings and pongs are


class Inbox:
    """Messages of one socket in uvicorn's queue, and how many bytes they are."""

    def __init__(self, queue: asyncio.Queue[Any]) -> None:
        self._queue = queue
        self._bytes = 0

    def put(self, kind: str, data: Any, *, held: bool) -> bool:
        """A message, `text` or `bytes`; False where it is one too many. `held`: it was read although no more should be, for what may stand
        behind it."""
        if self._queue.qsize() >= MAX_INBOX or (held and self._bytes >= 2 * INBOX_BYTES):
            return False
        self._queue.put_nowait({"type": "websocket.receive", kind: data})
        self._bytes += len(data)
        return True

    async def next(self) -> Any:
        """The next one, once there is one."""
        message = await self._queue.get()
        self._bytes -= len(message.get("text") or message.get("bytes") or "")
        return message

    @property
    def is_full(self) -> bool:
        """Whether no more should be read for now."""
        return self._bytes >= INBOX_BYTES or self._queue.qsize() >= MAX_INBOX // 2
