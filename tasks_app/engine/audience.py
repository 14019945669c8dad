"""Who hears of changes: each listener every change, in order, also one that could not take them in when they came."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence

from tasks_app.engine.events import Change, News, seen_through

Listener = Callable[[Sequence[Change]], object]
logger = logging.getLogger("iotask.engine")
MOST_UNSAID = 100  # errors of listeners that nobody has said yet


class Audience:
    """The listeners of a store. What the store has done is done: an error of a listener reaches no other, and nothing is lost."""

    def __init__(self) -> None:
        self._listeners: dict[Listener, bool] = {}  # in the order in which they hear, and whether only of tasks seen through here
        self._behind: dict[Listener, deque[Sequence[Change]]] = {}  # of those that could not take everything in
        self._unsaid: deque[tuple[str, Exception]] = deque(maxlen=MOST_UNSAID)

    def listen(self, listener: Listener, *, only_own: bool = False) -> None:
        """Announce every change from now on; with `only_own` those of tasks that this process sees through, not only watches."""
        self._listeners = {**self._listeners, listener: only_own}  # whoever is just being told of something may be in the midst of it

    def unlisten(self, listener: Listener) -> None:
        """Announce no more."""
        self._listeners = {other: only_own for other, only_own in self._listeners.items() if other != listener}
        self._behind.pop(listener, None)

    def tell(self, changes: News) -> None:
        """Announce changes to everybody; what cannot be taken in now is announced again with the next ones."""
        self.catch_up()
        own = seen_through(changes)
        for listener, only_own in self._listeners.items():
            heard = own if only_own else changes
            if listener in self._behind:
                self._behind[listener].append(heard)
                continue
            try:
                if heard:
                    listener(heard)
            except Exception as error:
                self._unsaid.append(("A listener of the store failed; it hears of these changes again", error))
                self._behind[listener] = deque([heard])

    def catch_up(self) -> bool:
        """Announce again what could not be taken in; whether everybody has heard everything."""
        if self._behind:
            for listener in list(self._behind):
                self._catch_up(listener, self._behind[listener])
        return not self._behind

    def say(self) -> None:
        """Say in the log who failed. Not under the store's lock: a handler of logging has a lock too, and may wait for the store's."""
        while self._unsaid:
            text, error = self._unsaid.popleft()
            logger.error(text, exc_info=error)

    def _catch_up(self, listener: Listener, behind: deque[Sequence[Change]]) -> None:
        try:
            while behind:
                listener(behind[0])
                behind.popleft()
        except Exception as error:
            self._unsaid.append(("A listener of the store failed again", error))
        else:
            del self._behind[listener]
