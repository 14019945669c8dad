"""Things of which each event loop has one of its own: nothing in them is shared between threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

One = TypeVar("One")


class EachLoop(Generic[One]):
    """One for each loop, made by `make` when it is first asked for, and gone with the loop."""

    def __init__(self, make: Callable[[], One]) -> None:
        self._make = make
        self._making = Lock()
        self._known: WeakKeyDictionary[asyncio.AbstractEventLoop, One] = WeakKeyDictionary()

    def __call__(self) -> One:
        """That of the running loop."""
        loop = asyncio.get_running_loop()
        found = self._known.get(loop)
        return self._made(loop) if found is None else found

    def _made(self, loop: asyncio.AbstractEventLoop) -> One:
        with self._making:  # loops of other threads may make theirs
            for other in [other for other in self._known if other.is_closed()]:
                del self._known[other]  # what is one's own may know its loop, and would keep it
            found = self._known[loop] = self._make()
        return found
