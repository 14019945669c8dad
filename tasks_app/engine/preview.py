"""What a bulk action would do: counted beforehand, exactly, without doing it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from tasks_app.engine.bulk import ELIGIBLE, OWN, Action, BulkParams, why_not
from tasks_app.engine.query import Query
from tasks_app.engine.store import Store
from tasks_app.engine.task import RUNNING, Status, Task

SLICE = 500  # tasks looked at before others get their turn
KINDS = ("statuses", "own", "foreign", "bound")

Counts = dict[Status, int]
Counted = dict[str, Counter[Status]]


class Preview(Struct, frozen=True):
    """How many tasks are meant, by their present status; how many of these are actions on many tasks themselves (`own`), how many another
    program sees through (`foreign`), and how many of those it alone can stop (`bound`); of given ids, how many are `gone`."""

    action: Action
    statuses: Counts
    own: Counts = {}
    foreign: Counts = {}
    bound: Counts = {}
    gone: int = 0

    @property
    def matched(self) -> int:
        """How many there are."""
        return sum(self.statuses.values())

    @property
    def acts(self) -> int:
        """How many would be acted on."""
        return sum(self.acts_by_status.values())

    @property
    def acts_by_status(self) -> Counts:
        """The same by status."""
        spared = {Action.RETRY: (self.own, self.foreign), Action.CANCEL: (self.bound,)}.get(self.action, ())
        found = {
            status: count - sum(counts.get(status, 0) for counts in spared)
            for status, count in self.statuses.items()
            if status in ELIGIBLE[self.action]
        }
        return {status: count for status, count in found.items() if count}

    @property
    def elsewhere(self) -> int:
        """How many would be left as they are because another program sees them through."""
        counts = {Action.RETRY: self.foreign, Action.CANCEL: self.bound}.get(self.action, {})
        return sum(count for status, count in counts.items() if status in ELIGIBLE[self.action])

    @property
    def left(self) -> dict[Status, int]:
        """Those that would be left as they are, by status."""
        acts = self.acts_by_status
        found = {status: count - acts.get(status, 0) for status, count in self.statuses.items()}
        return {status: count for status, count in found.items() if count}

    def of(self, action: Action) -> Preview:
        """The same tasks, for another action."""
        return replace(self, action=action)


async def preview(store: Store, params: BulkParams) -> Preview:
    """The count for an action. Where tasks have to be looked at one by one, others get their turn after each slice."""
    if params.ids is not None:
        wanted = set(params.ids)
        found = [task for task_id in wanted if (task := store.find(task_id)) is not None]
        return _told(params.action, _counted(found), len(wanted) - len(found))
    assert params.filter is not None
    query = replace(params.filter.query(), cursor=None)
    return _told(params.action, await _looked_at(store, query) if query.searches else _known(store, query))


def _known(store: Store, query: Query) -> Counted:
    """From the indexes alone; only what runs elsewhere now is looked at."""
    own_types = query.types & OWN if query.types else OWN
    found: Counted = {kind: Counter() for kind in KINDS}
    for status in query.statuses or frozenset(Status):
        part = replace(query, statuses=frozenset({status}))
        found["statuses"][status] = store.count(part)
        found["foreign"][status] = store.count_elsewhere(part)
        if own_types:
            own = replace(part, types=own_types)
            found["own"][status] = store.count(own) - store.count_elsewhere(own)
    for status in (query.statuses or RUNNING) & RUNNING:
        found["bound"][status] = sum(map(_is_bound, store.elsewhere(replace(query, statuses=frozenset({status})))))
    return found


async def _looked_at(store: Store, query: Query) -> Counted:
    found: Counted = {kind: Counter() for kind in KINDS}
    for part in store.each(query, SLICE):
        for kind, more in _counted(part).items():
            found[kind].update(more)
        await asyncio.sleep(0)
    return found


def _counted(tasks: Sequence[Task]) -> Counted:
    return {
        "statuses": Counter(task.status for task in tasks),
        "own": Counter(task.status for task in tasks if task.type in OWN and task.foreign is None),
        "foreign": Counter(task.status for task in tasks if task.foreign is not None),
        "bound": Counter(task.status for task in tasks if _is_bound(task)),
    }


def _is_bound(task: Task) -> bool:
    return task.status in RUNNING and why_not(Action.CANCEL, task) is not None


def _told(action: Action, found: Counted, gone: int = 0) -> Preview:
    statuses, own, foreign, bound = ({status: found[kind][status] for status in Status if found[kind][status]} for kind in KINDS)
    return Preview(action, statuses, own, foreign, bound, gone)
