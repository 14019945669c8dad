"""Which tasks hold the most memory: what the local variables of their handlers lead to, as far as a bounded look tells."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from types import CoroutineType, FrameType
from typing import Any

MOST_LOOKS = 20_000  # objects looked at for one handler; what lies beyond is counted by the mean of those before
SAMPLE = 1_000  # items looked at of a container; the others count as much as these
_CONTAINERS = (list, tuple, set, frozenset, dict)


def weight(frames: Iterable[FrameType]) -> int:
    """About so many bytes are held by the local variables of these frames. May be called from any thread."""
    seen: set[int] = set()
    return sum(_held(value, seen) for frame in frames for value in list(frame.f_locals.values()))


def frames_of(coroutine: Any) -> Iterator[FrameType]:
    """The frames of a coroutine that is suspended, from its own down to the one that waits."""
    while isinstance(coroutine, CoroutineType) and coroutine.cr_frame is not None:
        yield coroutine.cr_frame
        coroutine = coroutine.cr_await


def frames_of_thread(ident: int | None) -> Iterator[FrameType]:
    """The frames of a thread, innermost first."""
    frame = sys._current_frames().get(ident or 0)
    while frame is not None:
        yield frame
        frame = frame.f_back


def _held(value: object, seen: set[int]) -> int:
    waiting, size = [value], 0
    while waiting and len(seen) < MOST_LOOKS:
        found = waiting.pop()
        if id(found) in seen:
            continue
        seen.add(id(found))
        size += sys.getsizeof(found, 0)
        if isinstance(found, _CONTAINERS):
            items = _some_of(found)
            if len(found) > SAMPLE:
                size += sum(sys.getsizeof(item, 0) for item in items) * (len(found) - len(items)) // SAMPLE
            waiting += items
    return size + int(len(waiting) * size / max(1, len(seen)))


def _some_of(container: Any) -> list[object]:
    try:
        return list(islice(container.values() if isinstance(container, dict) else container, SAMPLE))
    except RuntimeError:  # its handler is changing it
        return []
