"""Words of a worker that wait for its broker: that attempts began and ended is kept, of all else the oldest leaves."""

from __future__ import annotations

from collections import deque
from itertools import count

from msgspec import Struct

from tasks_app.executors import wire

LASTING = frozenset({wire.BEGUN, wire.SETTLED})  # as many as there are attempts, and nobody else may know of them
MOST_PASSING = 10_000  # other words


class Unsaid(Struct):
    """An event that is to be told, with its place in the order of all; `breaks` counts the links that broke over it."""

    place: int
    kind: str
    call: str
    word: wire.Word
    breaks: int = 0


class Waiting:
    """What is to be told, in order. For one thread at a time. `dropped` counts words that had to leave since somebody asked."""

    def __init__(self, most: int = MOST_PASSING) -> None:
        self._lasting: deque[Unsaid] = deque()
        self._passing: deque[Unsaid] = deque(maxlen=most)
        self._places = count()
        self._dropped = 0

    def __len__(self) -> int:
        return len(self._lasting) + len(self._passing)

    def add(self, kind: str, call: str, word: wire.Word) -> None:
        """One more, behind all others."""
        words = self._lasting if kind in LASTING else self._passing
        self._dropped += len(words) == words.maxlen
        words.append(Unsaid(next(self._places), kind, call, word))

    def first(self) -> Unsaid | None:
        """What is to be told next."""
        heads = [words[0] for words in (self._lasting, self._passing) if words]
        return min(heads, key=lambda one: one.place, default=None)

    def done(self, one: Unsaid) -> None:
        """It was told. While that was done it may have left, to make room."""
        words = self._lasting if one.kind in LASTING else self._passing
        if words and words[0] is one:
            words.popleft()

    def dropped(self) -> int:
        """How many words left untold since this was asked last."""
        found, self._dropped = self._dropped, 0
        return found
