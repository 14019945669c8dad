"""What a server has to say to its broker, in order, from a thread of its own: nobody who has something to say ever waits for the broker."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from threading import Condition, Thread

from celery import Celery
from msgspec import Struct

from tasks_app.executors.link import Link
from tasks_app.executors.poison import MOST_BREAKS

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0  # seconds between two tries while the broker is away
LOOK = 1.0  # seconds between two looks at what is under way, while nothing is to be said
_LAST = 2.0  # seconds that what is left has at the end


class Item(Struct):
    """Something to do over a link, and whom it is about. `failed` hears why it can never be done; `breaks` counts links that it broke."""

    call: str
    do: Callable[[Link], object]
    failed: Callable[[BaseException], object]
    tries: int = 0
    breaks: int = 0
    taken_back: bool = False


class Outbox:
    """Items are done one after the other; one that meets a broken link is tried again when there is another. One over which link after link
    breaks, while the broker takes other messages, lets others go first, and is set aside in the end. `look` is called, with the link, when
    there is nothing to do; `told` hears of each change: why there is no link, or an empty text; `refused` of what was set aside."""

    def __init__(
        self,
        app: Celery,
        name: str,
        look: Callable[[Link], object],
        told: Callable[[str], object],
        refused: Callable[[str, BaseException], object] = lambda call, error: None,
    ) -> None:
        self._app = app
        self._name = name
        self._look = look
        self._told = told
        self._refused = refused
        self._items: deque[Item] = deque()
        self._of_call: dict[str, list[Item]] = {}
        self._changed = Condition()
        self._stopping = False
        self._looked = 0.0
        self.set_aside = 0  # items since the start
        self.trouble = "not connected yet"  # why there is no link; empty while there is one
        self._thread = Thread(target=self._run, name="celery outbox", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def put(self, call: str, do: Callable[[Link], object], failed: Callable[[BaseException], object] = lambda error: None) -> None:
        """Have something done, after all that was asked before. Returns at once."""
        with self._changed:
            item = Item(call, do, failed)
            self._items.append(item)
            self._of_call.setdefault(call, []).append(item)
            self._changed.notify()

    def take_back(self, call: str) -> bool:
        """Whether nothing about this call has been tried yet; then nothing will be."""
        with self._changed:
            mine = self._of_call.get(call, [])
            if not mine or any(item.tries for item in mine):
                return False
            del self._of_call[call]
            for item in mine:
                item.taken_back = True  # it leaves when it is its turn
            return True

    def stop(self) -> None:
        """What is left gets a last moment, if there is a link; then the thread ends."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(_LAST)

    def __len__(self) -> int:
        """How many items wait."""
        with self._changed:
            return sum(map(len, self._of_call.values()))

    def _run(self) -> None:
        pause = FIRST_PAUSE
        while not self._stopping:
            try:
                self._serve(Link(self._app, self._name))
                pause = FIRST_PAUSE
            except Exception as error:  # whatever a client library raises: there is no link, and there will be another
                linked = not self.trouble
                self._say(f"{type(error).__name__}: {error}"[:300])
                pause = FIRST_PAUSE if linked else min(pause * 2, LONGEST_PAUSE)
                self._wait(pause)

    def _serve(self, link: Link) -> None:
        try:
            if not self._is_stuck():
                self._say("")
            while True:
                item = self._next()
                if item is not None:
                    self._do(item, link)
                    self._say("")
                elif self._stopping:
                    return
                else:
                    self._looked = time.monotonic()
                    self._look(link)
        finally:
            link.close()

    def _is_stuck(self) -> bool:
        """Whether the next item failed before: a broker may take connections and no messages."""
        with self._changed:
            return bool(self._items and self._items[0].tries)

    def _next(self) -> Item | None:
        """The next item; None when it is time to look, or to stop."""
        with self._changed:
            while self._items and self._items[0].taken_back:
                self._items.popleft()
            due = self._looked + LOOK - time.monotonic()
            if not self._items and not self._stopping and due > 0:
                self._changed.wait(due)
            if not self._items or self._items[0].taken_back:
                return None
            if not self._stopping and self._looked + 4 * LOOK < time.monotonic():
                return None  # however much there is to do, there is a look now and then
            self._items[0].tries += 1
            return self._items[0]

    def _do(self, item: Item, link: Link) -> None:
        if item.breaks:
            link.try_out()  # raises where the broker takes nothing from anybody: then this item waits, like all others
        try:
            item.do(link)
        except link.errors as error:
            item.breaks += 1
            if item.breaks == MOST_BREAKS:
                self._set_aside(item, error)
            elif item.breaks > 1:
                self._step_back(item.call)
            raise
        except Exception as error:
            self._drop(item, error)
        else:
            self._drop(item, None)

    def _set_aside(self, item: Item, error: BaseException) -> None:
        self.set_aside += 1
        self._refused(item.call, error)
        self._drop(item, error)

    def _step_back(self, call: str) -> None:
        """Others go first; what is about one call stays in order."""
        with self._changed:
            mine = [item for item in self._items if item.call == call]
            self._items = deque([*(item for item in self._items if item.call != call), *mine])

    def _drop(self, item: Item, error: BaseException | None) -> None:
        with self._changed:
            self._items.popleft()
            left = self._of_call[item.call]
            left.remove(item)
            if not left:
                del self._of_call[item.call]
        if error is not None:
            item.failed(error)

    def _say(self, trouble: str) -> None:
        if trouble != self.trouble:
            self.trouble = trouble
            self._told(trouble)

    def _wait(self, seconds: float) -> None:
        with self._changed:
            if not self._stopping:
                self._changed.wait_for(lambda: self._stopping, seconds)
