"""What was received on a connection and not read yet, cut into pieces that take about as long as one another, whatever is in them."""

from __future__ import annotations

PIECE = 4096  # bytes that are read at once
LINES = 64  # in so many bytes; each is a header, a part of a body or the beginning of a request, and takes a time of its own
SHORT = 512  # bytes that are read at once where there are more lines
OF_BODY = 32_768  # bytes that are read at once of a body whose length was announced: the parser hands them on as they are


def is_small(data: bytes) -> bool:
    """Whether this is one piece."""
    return len(data) <= PIECE and data.count(b"\n") <= LINES


class Unread:
    """Bytes in the order in which they came; true while there are any, which are `left`."""

    __slots__ = ("_at", "_bytes", "left")

    def __init__(self) -> None:
        self._bytes = b""
        self._at = 0  # where it goes on
        self.left = 0

    def __bool__(self) -> bool:
        return self.left > 0

    def add(self, data: bytes) -> None:
        """More has come."""
        self._bytes, self._at = self._bytes[self._at :] + data if self.left else data, 0
        self.left = len(self._bytes)

    def take(self, of_body: int) -> bytes:
        """The next piece, where so many bytes come that are a body's and nothing else."""
        begin, self._at = self._at, self._end(of_body)
        piece = self._bytes[begin : self._at]
        self.left -= len(piece)
        if not self.left:
            self.clear()
        return piece

    def take_all(self) -> bytes:
        """All there are."""
        piece = self._bytes[self._at :]
        self.clear()
        return piece

    def clear(self) -> None:
        """Nobody will read it."""
        self._bytes, self._at, self.left = b"", 0, 0

    def _end(self, of_body: int) -> int:
        if of_body > PIECE:
            return self._at + min(of_body, OF_BODY)
        many = self._bytes.count(b"\n", self._at, self._at + PIECE) > LINES
        return self._at + (SHORT if many else PIECE)
