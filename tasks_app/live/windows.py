"""The two kinds of windows: a page of the list, and the page of one task. Each is rendered once a tick, however many look at it."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType

from tasks_app.engine.query import Page, Query
from tasks_app.engine.search import Tally
from tasks_app.engine.task import Status, Task
from tasks_app.live.frames import Frame, Log, Notice
from tasks_app.live.searches import Search
from tasks_app.live.window import Seen, Shown, Tick
from tasks_app.presenters import details, ledger, paging, rows, views
from tasks_app.runtime import Runtime

PAGE = 50
REORDER_EVERY = 4  # ticks between two looks at the order: rows that move faster than that cannot be read
WAITS_EVERY = 8  # ticks between two looks at how long those that wait will wait
SEARCH_EVERY = 20  # the same where words are looked for, task by task
SEARCH_SECONDS = 0.005  # of a tick, for each search under way


class ListWindow:
    """A page of the task list. `held`: the order to keep; what is new is counted instead. `found` and `tally` are what a search has found
    already; `before` the ids that are shown until one has."""

    def __init__(
        self,
        runtime: Runtime,
        query: Query,
        held: tuple[str, ...] | None = None,
        *,
        found: Page | None = None,
        tally: Tally | None = None,
        before: tuple[str, ...] | None = None,
    ) -> None:
        self._runtime = runtime
        self._query = query
        self._held = held is not None
        self._shown = Shown()
        self._tasks: dict[str, Task] = {}
        self._notice = ""
        self._new_count = 0
        self._range: str | UnsetType = UNSET
        self._busy = runtime.engine.queues.running
        self._reorder_due = before is not None
        self._search = Search(runtime.store, query)
        self._every = SEARCH_EVERY if query.searches else REORDER_EVERY
        self._reordered_at = -self._every
        self._counts = self._counted(tally)
        self._totals = views.totals(runtime)
        self.order: tuple[str, ...] = ()
        self.numbers: frozenset[int] = frozenset()
        self.version = runtime.store.version
        self.stamp = 0
        if before is not None:
            self._arrange(self._held_tasks(before), 0)
        else:
            page = self._told(found or runtime.store.page(query, PAGE))  # also where the order is held: its sentence is what the list says
            self._arrange(page if held is None else self._held_tasks(held), 0)

    @property
    def seen(self) -> Seen:
        """See Window."""
        return Seen(self.version, self.stamp, self.order)

    def tick(self, tick: Tick) -> None:
        """See Window."""
        before = self._beside()
        stamp = self.stamp + 1
        changed = False
        self._reorder_due |= tick.reshaped
        if self._reorder_due and tick.number - self._reordered_at >= self._every:
            self._reorder_due, self._reordered_at = False, tick.number
            changed = self._look(stamp)
        changed |= not tick.again and self._search_on(stamp)
        for number in tick.dirty & self.numbers:
            task = self._runtime.store.by_number(number)
            if task is not None:
                changed |= self._render(task, stamp)
        if tick.each(WAITS_EVERY):
            for task in self._tasks.values():
                changed |= task.status is Status.PENDING and self._render(task, stamp)
        self._notice = tick.notice
        if tick.reshaped:
            self._busy = self._runtime.engine.queues.running
            self._counts = self._counts if self._query.searches else self._counted()
        if tick.each(REORDER_EVERY):
            self._totals = views.totals(self._runtime)
        if changed or before != self._beside():
            self.version, self.stamp = max(tick.version, self.version), stamp

    def snapshot(self) -> str:
        """See Window."""
        return self._frame(snapshot=True, order=self.order, rows={task_id: self._row(task_id) for task_id in self.order})

    def delta(self, seen: Seen) -> str:
        """See Window."""
        before = set(seen.order)
        moved = seen.order != self.order
        return self._frame(
            base=seen.version,
            rows={i: slots for i in self.order if i in before and (slots := self._shown.since(i, seen.stamp))},
            added={i: self._row(i) for i in self.order if i not in before} if moved else UNSET,
            removed=[i for i in seen.order if i not in self._tasks] if moved else UNSET,
            order=self.order if moved else UNSET,
        )

    def _frame(self, **shown: Any) -> str:
        counts = self._counts
        return Frame(
            epoch=self._runtime.epoch,
            version=self.version,
            counters=counts.numbers if counts else UNSET,
            more=counts.more if counts else UNSET,
            tally=counts.note if counts else UNSET,
            totals=self._totals,
            new_count=self._new_count,
            range=self._range,
            busy=self._busy,
            notice=Notice(self._notice),
            **shown,
        ).text()

    def _beside(self) -> tuple[object, ...]:
        return self.order, self._counts, self._totals, self._notice, self._new_count, self._range, self._busy

    def _row(self, task_id: str) -> str:
        return rows.row_html(self._runtime, self._tasks[task_id])

    def _counted(self, tally: Tally | None = None) -> ledger.Counts | None:
        """Counts of the present filter; None where tasks have to be looked at for them, and were not yet."""
        if not self._query.searches:
            return ledger.Counts(ledger.counters(self._runtime, self._query))
        return None if tally is None else ledger.tallied(tally)

    def _look(self, stamp: int) -> bool:
        """Look at the order anew; a search only begins here."""
        if self._query.searches:
            self._search.begin(None if self._held else PAGE)
            return self._held and self._arrange(self._held_tasks(self.order), stamp)
        found = self._told(self._runtime.store.page(self._query, PAGE))  # where the order stays, the sentence goes on all the same
        return self._arrange(self._held_tasks(self.order) if self._held else found, stamp)

    def _search_on(self, stamp: int) -> bool:
        """Some steps of a search under way, so that a tick is not held up; at its end the list is what it found."""
        found = self._search.go_on(SEARCH_SECONDS)
        if isinstance(found, Tally):
            self._counts = self._counted(found)
        return isinstance(found, Page) and self._arrange(self._told(found), stamp)

    def _told(self, page: Page) -> list[Task]:
        self._range = paging.said(self._runtime.store, self._query, page)
        return list(page.items)

    def _held_tasks(self, ids: tuple[str, ...]) -> list[Task]:
        store = self._runtime.store
        tasks = [task for task_id in ids if (task := store.find(task_id)) is not None]
        self._new_count = paging.newer(store, self._query, tasks)
        return tasks

    def _arrange(self, tasks: list[Task], stamp: int) -> bool:
        self._tasks = {task.id: task for task in tasks}
        self.order = tuple(self._tasks)
        self.numbers = frozenset(task.number for task in tasks)
        self._shown.keep(self.order)
        stale = [t for t in tasks if t.id not in self._shown or t.status is Status.PENDING]  # a place in line moves by itself
        changed = [self._render(task, stamp) for task in stale]
        return any(changed)

    def _render(self, task: Task, stamp: int) -> bool:
        self._tasks[task.id] = task
        return self._shown.put(task.id, rows.row_slots(self._runtime, task), stamp)


class TaskWindow:
    """The page of one task: its slots, and its log line by line."""

    def __init__(self, runtime: Runtime, task_id: str) -> None:
        self._runtime = runtime
        self._id = task_id
        self._number = runtime.store.get(task_id).number
        self._deliveries = runtime.webhooks.of(task_id)
        self._shown = Shown()
        self._trail_version = -1
        self._notice = ""
        self._counters = ledger.counters(runtime)
        self.order: tuple[str, ...] = (task_id,)
        self.numbers = frozenset({self._number})
        self.version = runtime.store.version
        self.stamp = 0
        self.log_seq = self._last_seq()
        self._render(0)

    @property
    def seen(self) -> Seen:
        """See Window."""
        return Seen(self.version, self.stamp, self.order, self.log_seq)

    def tick(self, tick: Tick) -> None:
        """See Window."""
        trail = self._runtime.store.find_trail(self._number)
        trail_version = trail.version if trail else -1
        moved = tick.dirty & self.numbers or tick.reshaped or tick.each(WAITS_EVERY)
        deliveries = self._runtime.webhooks.of(self._id)
        told = deliveries is not self._deliveries
        if not (moved or told or trail_version != self._trail_version or tick.notice != self._notice):
            return
        self._deliveries = deliveries
        before = (self.order, self.log_seq, self._notice, self._counters)
        stamp = self.stamp + 1
        self._trail_version, self._notice = trail_version, tick.notice
        self.log_seq, self._counters = self._last_seq(), ledger.counters(self._runtime)
        changed = self._render(stamp)
        if changed or before != (self.order, self.log_seq, self._notice, self._counters):
            self.version, self.stamp = max(tick.version, self.version), stamp

    def snapshot(self) -> str:
        """See Window."""
        return self._frame(None, self._log(0, reset=True))

    def delta(self, seen: Seen) -> str:
        """See Window."""
        return self._frame(seen, self._log(seen.log_seq) if self.log_seq > seen.log_seq else UNSET)

    def _frame(self, seen: Seen | None, log: Log | UnsetType) -> str:
        slots = self._shown.since(self._id, seen.stamp if seen else -1) if self.order else {}
        return Frame(
            epoch=self._runtime.epoch,
            version=self.version,
            base=seen.version if seen else UNSET,
            snapshot=seen is None,
            order=self.order,
            rows={self._id: slots} if slots else {},
            removed=UNSET if self.order else [self._id],
            counters=self._counters,
            totals=views.totals(self._runtime),
            log=log,
            notice=Notice(self._notice),
        ).text()

    def _render(self, stamp: int) -> bool:
        task = self._runtime.store.find(self._id)
        self.order = () if task is None else (self._id,)  # what was deleted may come back
        return task is not None and self._shown.put(self._id, details.detail_slots(self._runtime, task), stamp)

    def _log(self, after: int, *, reset: bool = False) -> Log:
        trail = self._runtime.store.find_trail(self._number)
        kept = trail.lines(after=max(0, after - 1)) if trail else []
        lines = [line for line in kept if line.seq > after]
        before = kept[0].attempt if len(kept) > len(lines) else 1
        return Log(lines[-1].seq if lines else after, details.log_lines(lines, before), reset)

    def _last_seq(self) -> int:
        trail = self._runtime.store.find_trail(self._number)
        return trail.lines_written if trail else 0
