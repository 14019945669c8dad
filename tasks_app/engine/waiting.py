"""Why a task waits: its place in line, what it waits for, and about how long."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from msgspec import Struct

from tasks_app.engine.query import Query
from tasks_app.engine.queues import Queues
from tasks_app.engine.registry import Registry
from tasks_app.engine.stats import Stats
from tasks_app.engine.store import Store
from tasks_app.engine.task import LATER, RUNNING, Task

MOST = 200  # slots that are looked at one by one, and places in line that are counted through, for a guess


class Waiting(Struct, frozen=True):
    """`reason` is scheduled, retrying, paused, type_full, all_full, share_full, starting or no_type; `position` the place in the type's
    line, 1 for the next; `slots` how many are all busy; `eta_seconds` until it starts, for a full type a guess from what holds
    its slots and how long its runs take."""

    reason: str
    position: int | None = None
    slots: int | None = None
    eta_seconds: float | None = None


def why_waiting(
    task: Task, store: Store, registry: Registry, queues: Queues, stats: Stats, *, now: float, monotonic: float
) -> Waiting | None:
    """None when the task does not wait. `now` is wall-clock time, `monotonic` the other clock."""
    if task.status in LATER:
        left = None if task.scheduled_for is None else max(0.0, task.scheduled_for - now)
        return Waiting(task.status.value, eta_seconds=left)
    position = store.position(task)
    if position is None:
        return None
    queue = queues.get(task.type)
    task_type = registry.find(task.type)
    if task_type is None:
        return Waiting("no_type", position)
    if queue.paused:
        return Waiting("paused", position)
    slots = queue.slots(task.line)
    if slots is not None and queue.busy(task.line):
        return Waiting("type_full", position, slots, _guess(task.type, position, slots, store, stats, monotonic))
    if queues.running >= queues.max_running:
        return Waiting("all_full", position, queues.max_running)
    if task_type.launchable and queues.has_share(task.by):
        return Waiting("share_full", position, queues.each)
    return Waiting("starting", position)


def _guess(type_name: str, position: int, slots: int, store: Store, stats: Stats, now: float) -> float | None:
    """Seconds until a slot comes to the place in line, when those that run end at their present rate, or else after the usual time, and
    those that wait before it take the usual time. None where there is no usual time, or too many would have to be looked at."""
    typical = stats.typical(type_name)
    if typical is None or max(position, slots) > MOST:
        return None
    running = store.page(Query(types=frozenset({type_name}), statuses=RUNNING), slots).items
    return _place_comes(_lefts(running, typical, now), position, typical)


def _lefts(running: Iterable[Task], typical: float, now: float) -> list[float]:
    """Seconds that each of these will go on. One past its usual time is as good as at its end."""
    found = []
    for task in running:
        progress, attempt = task.progress, task.attempts[-1]
        at_rate = progress.eta_seconds if progress else None
        left = typical - (now - attempt.began) if progress is None or at_rate is None else at_rate - (now - progress.at)
        found.append(max(0.0, left))
    return found


def _place_comes(lefts: list[float], position: int, typical: float) -> float | None:
    """When the n-th slot comes free, if each that does is taken for the usual time."""
    if not lefts:
        return None
    heapq.heapify(lefts)
    for _ in range(position - 1):
        heapq.heapreplace(lefts, lefts[0] + typical)
    return lefts[0]
