"""The hub: one a web loop. The engine's thread marks what changed; a tick renders it once and offers it to every viewer."""

from __future__ import annotations

import asyncio
import logging
import time
import weakref
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from itertools import count
from threading import Lock

from tasks_app.engine.events import Change, Return
from tasks_app.engine.sentences import Sentence, joined, say
from tasks_app.live.seats import Seats
from tasks_app.live.showing import Showing
from tasks_app.live.viewer import INTERNAL, Viewer
from tasks_app.live.window import Window
from tasks_app.logs.lines import about
from tasks_app.runtime import Runtime

logger = logging.getLogger("iotask.live")
TICK = 0.25  # seconds from one frame of a viewer to the next
STEPS = 4  # in which viewers are served at most, each with a look of its own: the last of many would get what was true long before
A_STEP = 200  # viewers for whom a look more is worth what it costs
REST = 0.2  # of a step, at least, between two of them, however long they take
FEW = 200  # tasks whose reports are written for the tick itself
TURN_SECONDS = 0.01  # the loop gets a turn once windows and viewers have been served for so long
LOOK_AT_CLOCK = 20  # viewers served between two looks at the clock


class Marks:
    """What changed since the last tick, among what is visible. Written under the store's lock, on whatever thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._visible: Counter[int] = Counter()
        self._dirty: set[int] = set()
        self._reshaped = False
        self._version = 0

    def listen(self, changes: Sequence[Change]) -> None:
        """Mark what is visible. Nothing else is done for a change, whoever made it."""
        with self._lock:
            self._version = changes[-1].version
            for change in changes:
                before, after = change.before, change.after
                if before is None or after is None or before.status is not after.status or isinstance(change, Return):
                    self._reshaped = True
                if after is not None and after.number in self._visible:
                    self._dirty.add(after.number)

    def watch(self, before: frozenset[int], after: frozenset[int]) -> None:
        """A window shows other tasks than it did. What it began to show counts as changed: it may have, meanwhile."""
        with self._lock:
            for number in before - after:
                self._visible[number] -= 1
                if not self._visible[number]:
                    del self._visible[number]
            for number in after - before:
                self._visible[number] += 1
                self._dirty.add(number)

    def swap(self) -> tuple[int, frozenset[int], bool]:
        """The version reached, what is dirty, whether the shape changed; and begin anew. One step: no mark is lost."""
        with self._lock:
            found = self._version, frozenset(self._dirty), self._reshaped
            self._dirty, self._reshaped = set(), False
            return found


class Hub:
    """Windows by key, each with its viewers."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.seats = runtime.sockets = Seats(runtime.config.max_sockets, runtime.config.max_sockets_per_user)
        self._marks = Marks()
        self._showings: dict[Hashable, Showing] = {}
        self._places = count()
        self._ticking: asyncio.Task[None] | None = None
        self._ticks = self._step = 0
        self._steps = 1

    def join(self, viewer: Viewer, key: Hashable, make: Callable[[], Window]) -> None:
        """Show a window to a viewer, in place of what it saw before; the first viewer of a window makes it."""
        showing = self._showings.get(key)
        if showing is not None and viewer in showing.viewers:
            return
        self._listen()  # before anything is looked at: other threads go on while a window is made
        if showing is None:
            try:
                showing = self._showings[key] = Showing(make())
            finally:
                self._rest_unless_seen()
            self._marks.watch(frozenset(), showing.window.numbers)
        self._forget(viewer)
        showing.viewers[viewer] = next(self._places)
        viewer.key = key
        viewer.moved()

    def shows(self, key: Hashable) -> bool:
        """Whether there is such a window already."""
        return key in self._showings

    def leave(self, viewer: Viewer) -> None:
        """A viewer is gone. With the last one, the tick ends."""
        self._forget(viewer)
        self._rest_unless_seen()

    @property
    def viewers(self) -> int:
        """How many sockets are open."""
        return sum(len(showing.viewers) for showing in self._showings.values())

    def _listen(self) -> None:
        if self._ticking is None:
            self._runtime.store.listen(self._marks.listen)
            self._ticking = asyncio.create_task(self._tick_forever(), name="live hub")

    def _rest_unless_seen(self) -> None:
        if not self._showings and self._ticking is not None:
            self._ticking.cancel()
            self._ticking = None
            self._runtime.store.unlisten(self._marks.listen)

    def _forget(self, viewer: Viewer) -> None:
        showing = self._showings.get(viewer.key)
        if showing is None or showing.viewers.pop(viewer, None) is None:
            return
        if not showing.viewers:
            del self._showings[viewer.key]
            self._marks.watch(showing.window.numbers, frozenset())

    def _drop(self, showing: Showing) -> None:
        for viewer in list(showing.viewers):
            viewer.give_up(INTERNAL)
            self.leave(viewer)

    def _offer(self, viewer: Viewer, window: Window) -> None:
        """What goes wrong for one viewer is his affair: others of his window get their frames."""
        try:
            viewer.offer(window)
        except Exception:
            logger.exception("A viewer cannot be shown its window; it is disconnected", extra=about("viewer_failed"))
            viewer.give_up(INTERNAL)
            self.leave(viewer)

    async def _tick_forever(self) -> None:
        rest = TICK
        while True:
            await asyncio.sleep(rest)
            began = time.monotonic()
            try:
                await self.tick()
            except Exception:  # no memory, say: the next tick looks again
                logger.exception("A look at what changed failed", extra=about("window_failed"))
            step = TICK / self._steps
            rest = max(step - (time.monotonic() - began), step * REST)

    async def tick(self) -> None:
        """One step of a tick: look, render what changed for whoever is due, offer it. A tick of few viewers has one step."""
        self._step = (self._step + 1) % self._steps
        if self._step == 0:
            self._ticks += 1
            self._steps = min(STEPS, self.viewers // A_STEP + 1)
        due = [(showing, viewers) for showing in self._showings.values() if (viewers := showing.due(self._step, self._steps))]
        self._flush([showing.window for showing, _ in due])
        version, dirty, reshaped = self._marks.swap()
        for showing in self._showings.values():
            showing.owe(dirty, reshaped)
        notice = self._notice()
        turn = time.monotonic()
        for showing, viewers in due:
            if not showing.viewers:  # all have gone while others were served
                continue
            try:
                self._render(showing, version, notice)
                for served, viewer in enumerate(viewers, 1):
                    if viewer in showing.viewers:
                        self._offer(viewer, showing.window)
                    if served % LOOK_AT_CLOCK == 0 and time.monotonic() - turn > TURN_SECONDS:
                        await asyncio.sleep(0)
                        turn = time.monotonic()
            except Exception:
                logger.exception("A live window failed; its viewers are disconnected", extra=about("window_failed"))
                self._drop(showing)
            if time.monotonic() - turn > TURN_SECONDS:  # many windows, or some that search
                await asyncio.sleep(0)
                turn = time.monotonic()

    def _render(self, showing: Showing, version: int, notice: Sentence) -> None:
        before = showing.window.numbers
        try:
            showing.tick(self._ticks, version, notice)
        finally:
            self._marks.watch(before, showing.window.numbers)  # also of one that fails half-way

    def _flush(self, windows: Sequence[Window]) -> None:
        """What is about to be seen of all that was reported, and once a tick all of it, where that is little: each word to the store costs,
        and the engine sees to those that nobody sees."""
        engine = self._runtime.engine
        if self._step == 0 and engine.reports.waiting <= FEW:
            engine.flush_progress()
        else:
            engine.flush_progress(frozenset[int]().union(*(window.numbers for window in windows)))

    def _notice(self) -> Sentence:
        watchdog = self._runtime.host.watchdog
        block = watchdog.block if watchdog else None
        if block is None:
            return joined(" ", self._runtime.notices())
        if block.number:
            return say(
                "Task {number} ({type}) blocks the engine's loop: no other task goes on until it returns. {place}",
                number=block.number,
                type=block.type,
                place=block.place,
            )
        return say("A piece of code blocks the engine's loop: no other task goes on until it returns. {place}", place=block.place)


_hubs: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[Runtime, Hub]] = weakref.WeakKeyDictionary()


def current(runtime: Runtime) -> Hub:
    """The hub of the running loop."""
    loop = asyncio.get_running_loop()
    found = _hubs.get(loop)
    if found is None or found[0] is not runtime:
        found = _hubs[loop] = (runtime, Hub(runtime))
    return found[1]
