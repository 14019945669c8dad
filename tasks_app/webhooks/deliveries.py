"""Hears of tasks that end and sees that it is told: once it is safe in the journal, signed, again after a while where that failed."""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
from collections import Counter, deque
from collections.abc import Callable, Sequence
from functools import partial
from threading import Lock

from msgspec import Struct

from tasks_app.engine.engine import Engine
from tasks_app.engine.errors import NotFound
from tasks_app.engine.events import Change, Return, steps_alone
from tasks_app.engine.ports import Clock, Journal
from tasks_app.engine.registry import Backoff, Registry
from tasks_app.engine.sentences import say
from tasks_app.engine.task import TERMINAL, Task
from tasks_app.logs.lines import about
from tasks_app.webhooks.delivery import FULL, Delivery, Reply, State, answered, asked_again, delivery_of, restored, shifted
from tasks_app.webhooks.hooks import Hooks
from tasks_app.webhooks.line import Line
from tasks_app.webhooks.post import TIMEOUT, post
from tasks_app.webhooks.shelf import Shelf

logger = logging.getLogger("iotask.webhooks")
_SET = 1.0  # seconds by which the wall clock moves against the other one before it counts as set
_LOOK = 0.02  # seconds between two looks at the end
_MOST_SAID = 1_000  # lines on webhooks that were dropped, a turn


class Pace(Struct, frozen=True):
    """How long a try may take, how far apart tries are, and for how long there are any; seconds."""

    timeout: float = TIMEOUT
    backoff: Backoff = Backoff(base=5.0, factor=4.0, limit=4 * 3600.0, jitter=0.2)
    patience: float = 24 * 3600.0


class Deliveries:
    """All webhooks of a server. `listen` is called under the store's lock, before the journal hears of the same changes; tries are made on
    the engine's loop; the other methods may be called from any thread."""

    def __init__(self, hooks: Hooks, journal: Journal, registry: Registry, clock: Clock, pace: Pace = Pace()) -> None:  # noqa: B008 - frozen
        self._hooks, self._journal, self._registry, self._clock, self.pace = hooks, journal, registry, clock, pace
        self._everybody = bool(hooks.by_type) or any(kind.webhook for kind in registry)
        self.shelf = Shelf(journal)
        self.line = Line()
        self._new: deque[tuple[str, int]] = deque()  # ids, and the versions that have to be safe first
        self._unsafe: set[str] = set()  # those whose version the journal still writes
        self._safe: deque[str] = deque()
        self._is_here: Callable[[str], bool] = bool
        self._dropped: deque[Delivery] = deque(maxlen=_MOST_SAID)  # of which nobody has said so yet
        self._going: dict[str, asyncio.Task[None]] = {}
        self._closing = False
        self._setting = Lock()
        self._ahead = clock.time() - clock.monotonic()  # of the clock that nobody sets, when this was looked at last
        self.ended: Counter[str] = Counter()  # delivered, failed, dropped; since the start
        self.tries: Counter[str] = Counter()  # by answer: 2xx, 4xx …, or none
        self.seconds = 0.0  # that all tries took

    # -- hearing of ends

    def listen(self, changes: Sequence[Change]) -> None:
        """A task has ended, or is gone."""
        known = steps_alone(changes)
        if known is not None and not any(after.status in TERMINAL for _, after, _ in known):
            return
        for change in changes:
            before, after = change.before, change.after
            if after is None:
                if before is not None and self.shelf:
                    self.shelf.forget_task(before.id)
            elif after.status in TERMINAL and (after.webhook is not None or self._everybody) and _is_news(change):
                self.tell(after, change.version)

    def tell(self, task: Task, version: int = 0) -> None:
        """Its end is to be told, once this version is safe."""
        self._set_clock()
        for hook in self._hooks.of(task, self._registry):
            made = delivery_of(task, hook, id=f"msg_{secrets.token_hex(16)}", at=self._clock.time(), patience=self.pace.patience)
            if self.shelf.has_room(made):
                self.shelf.put(made)
                self._new.append((made.id, version))
            else:
                self.ended["dropped"] += 1
                self._dropped.append(made)  # said in a turn: a handler of logging may wait for the store, whose lock is held here

    def begin(self, engine: Engine) -> None:
        """Go on with what an earlier process left, and tell what ended with it."""
        now = self._clock.time()
        for delivery in self.shelf.restore(engine.recovered):
            if _is_true(delivery, engine.store.find(delivery.task.id)):
                self.shelf.put(restored(delivery, now=now, patience=self.pace.patience))
                if delivery.state is State.PENDING:
                    self._safe.append(delivery.id)
            else:
                self.shelf.forget(delivery)
        for task in engine.ended_with_the_last:
            self.tell(task, task.version)
        self._is_here = lambda task_id: engine.store.find(task_id) is not None
        engine.each_tick(self.turn)
        engine.at_end = self.drain

    # -- asking

    def of(self, task_id: str) -> tuple[Delivery, ...]:
        """The deliveries of a task, the oldest first; the same object as before while nothing has changed."""
        return self.shelf.of(task_id)

    def redeliver(self, task_id: str, delivery_id: str) -> Delivery:
        """Send one now, whatever became of it; it keeps its id. Raises NotFound."""
        found = self.shelf.get(delivery_id)
        self._set_clock()
        wanted = partial(asked_again, at=self._clock.time(), patience=self.pace.patience)
        again = self.shelf.change(delivery_id, wanted) if found is not None and found.task.id == task_id else None
        if again is None:
            raise NotFound(say("There is no delivery with this id."))
        self._safe.append(again.id)
        return again

    # -- trying; on the engine's loop

    def turn(self) -> None:
        """Begin what is due. Called on every tick."""
        self._set_clock()
        while self._dropped:
            _say(self._dropped.popleft(), str(FULL()))
        while self._new:
            delivery_id, version = self._new.popleft()
            self._unsafe.add(delivery_id)
            self._journal.when_settled(version, partial(self._is_safe, delivery_id), patient=True)
        while self._safe:
            delivery = self.shelf.get(self._safe.popleft())
            if delivery is not None:
                self._stand(delivery)
        while not self._closing and (found := self.line.next(self._clock.monotonic())) is not None:
            self._try(*found)

    async def drain(self, seconds: float) -> None:
        """Make the tries that are due, for so long; what is left then is told after the next start, if there is a journal."""
        until = self._clock.monotonic() + seconds
        self.turn()
        while (self._going or self._unsafe or self._safe or self.line.is_ready) and self._clock.monotonic() < until:
            await asyncio.sleep(_LOOK)
            self.turn()
        self._closing = True
        cut = list(self._going.values())
        for task in cut:
            task.cancel()
        await asyncio.gather(*cut, return_exceptions=True)
        if self.shelf.pending:
            later = "they are tried again after the next start" if self._journal.durable else "nobody will hear of them: no journal is kept"
            extra = about("webhooks_left", deliveries=self.shelf.pending)
            logger.log(
                logging.INFO if self._journal.durable else logging.WARNING, "Webhooks are left to be delivered; %s", later, extra=extra
            )

    def _is_safe(self, delivery_id: str, _: Exception | None) -> None:
        self._safe.append(delivery_id)
        self._unsafe.discard(delivery_id)

    def _set_clock(self) -> None:
        """Times in records are of the wall clock. Where somebody sets it, nothing is due sooner or later for that."""
        with self._setting:
            ahead = self._clock.time() - self._clock.monotonic()
            if abs(ahead - self._ahead) > _SET:
                self.shelf.change_waiting(partial(shifted, seconds=ahead - self._ahead))
                self._ahead = ahead

    def _stand(self, delivery: Delivery) -> None:
        """In line, until its time has come."""
        if delivery.next_at is not None:
            left = max(0.0, delivery.next_at - self._clock.time())
            self.line.add(delivery.id, delivery.hook.url, self._clock.monotonic() + left)

    def _try(self, delivery_id: str, host: str) -> None:
        delivery = self.shelf.get(delivery_id)
        if delivery is None or delivery.next_at is None or delivery_id in self._going:
            self.line.left(host)
            return
        going = asyncio.get_running_loop().create_task(self._tried(delivery), name=f"webhook {delivery.id}")
        self._going[delivery_id] = going
        going.add_done_callback(partial(self._over, delivery_id, host))

    async def _tried(self, delivery: Delivery) -> None:
        reply = await post(delivery, delivery.hook.secret or self._hooks.secret, patience=self.pace.timeout, clock=self._clock.time)
        self.tries["none" if reply.tried.status is None else f"{reply.tried.status // 100}xx"] += 1
        self.seconds += reply.tried.seconds
        self._set_clock()
        after = self.shelf.change(delivery.id, partial(self._answered, reply))
        if after is None:
            return
        if after.state is State.PENDING:
            self._stand(after)
            return
        self._ended(after, after.state.value, after.why)
        if not self._is_here(after.task.id):
            self.shelf.forget_task(after.task.id)

    def _answered(self, reply: Reply, now: Delivery) -> Delivery:
        return answered(now, reply, now=self._clock.time(), wait=self.pace.backoff.seconds(now.since + 1, random.random()))

    def _over(self, delivery_id: str, host: str, task: asyncio.Task[None]) -> None:
        """Also when somebody has cancelled all that is on this loop: then it is due again."""
        self._going.pop(delivery_id, None)
        self.line.left(host)
        if task.cancelled() and not self._closing:
            self._safe.append(delivery_id)
        elif not task.cancelled() and (error := task.exception()) is not None:
            logger.error("A webhook could not be tried", exc_info=error, extra=about("webhook_failed", delivery=delivery_id))
            self._again(delivery_id)

    def _again(self, delivery_id: str) -> None:
        """What came of a try could not be kept, for want of memory: it is made once more, after a while."""
        delivery = self.shelf.get(delivery_id)
        if delivery is not None:
            self.line.add(delivery_id, delivery.hook.url, self._clock.monotonic() + self.pace.backoff.seconds(1, random.random()))

    def _ended(self, delivery: Delivery, outcome: str, why: str) -> None:
        self.ended[outcome] += 1
        if outcome != State.DELIVERED:
            _say(delivery, why)


def _say(delivery: Delivery, why: str) -> None:
    told = delivery.task
    fields = about("webhook_failed", task=told.id, number=told.number, type=told.type, delivery=delivery.id)
    logger.warning("%s: %s", delivery.hook.shown, why, extra=fields)


def _is_news(change: Change) -> bool:
    return (change.before is None or change.before.status is not change.task.status) and not isinstance(change, Return)


def _is_true(delivery: Delivery, task: Task | None) -> bool:
    """Whether the journal knows of this end as well: it may have lost it with the last moments of an earlier process. A task that is gone,
    or was tried again since, has ended; and what was sent once was safe."""
    if delivery.tried or delivery.state is not State.PENDING or task is None:
        return True
    again = 0 < delivery.task.attempt_number <= task.attempts_before
    return again or (task.status, task.ended_at) == (delivery.task.status, delivery.task.ended_at)
