"""What goes down the live sockets of this process: how a frame gets there without a wait, what comes back so, how much has gone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from websockets.frames import Frame, Opcode

PUSH = "iotask.push"  # an extension of a WebSocket's scope: Shortcuts
Push = Callable[[str], bool]


@dataclass(slots=True)
class Shortcuts:
    """Ways past a socket's queues, for what is said most often; None where there is none, or no more.

    `push` is the server's: it sends a text at once if that needs no wait, and says whether it did. `hear` is put there by the application:
    it is asked about each text where that is read, if none waits before it, and says whether it has taken it in.
    """

    push: Push | None = None
    hear: Callable[[str], bool] | None = None


class Pushed:
    """Frames, and their bytes, since the start. Counted on the web loop alone."""

    def __init__(self) -> None:
        self.frames = 0
        self.bytes = 0

    def add(self, text: str) -> None:
        """A frame has gone."""
        self.frames += 1
        self.bytes += len(encoded(text))


@lru_cache(maxsize=8)
def encoded(text: str) -> bytes:
    """Viewers of one window are sent the same text: whoever is slow to take it keeps no copy of his own."""
    return text.encode()


@lru_cache(maxsize=8)
def framed(text: str) -> bytes:
    """The same as it travels, as one WebSocket frame: what a server sends is not masked, so it is alike for all."""
    return Frame(Opcode.TEXT, encoded(text)).serialize(mask=False)


pushed = Pushed()
