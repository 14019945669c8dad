"""Whose code is running: the attempt that log lines and spans belong to, and the trace that a launch belongs to.

Both are context variables: coroutines that a handler starts, and what it hands to `asyncio.to_thread`, inherit them. A thread that it
starts itself does not.
"""

from __future__ import annotations

import contextvars
import re
import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tasks_app.engine.context import Context

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")  # of W3C Trace Context, level 1
running: ContextVar[Context | None] = ContextVar("running", default=None)
launched_in: ContextVar[str] = ContextVar("launched_in", default="")  # the traceparent of what launches now


class _Nobodys(threading.local):
    # A copy of a context for each callback would be kept. Two threads cannot be in one at once: the second's callback would be lost.
    def __init__(self) -> None:
        self.context = contextvars.Context()


nobodys = _Nobodys()  # its `context` is for what belongs to nobody


def traceparent(text: str) -> str:
    """A header of W3C Trace Context, empty where it is none: what cannot be read is left out, as the standard wants it."""
    return text if _TRACEPARENT.fullmatch(text) else ""
