"""Figures: what came, ended and failed per second over the last hour, and how long each type takes."""

from __future__ import annotations

import itertools
from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence
from threading import Lock

from tasks_app.engine.buckets import Buckets, TypeCounts, no_counts
from tasks_app.engine.durations import Durations as Durations
from tasks_app.engine.events import Change, runs, steps
from tasks_app.engine.failures import Failures
from tasks_app.engine.lately import DAY, WEEK, Figures, Lately, no_figures
from tasks_app.engine.lately import HOUR as HOUR
from tasks_app.engine.ports import Clock
from tasks_app.engine.task import RUNNING, TERMINAL, Status, Task


class Stats:
    """Listens to the store. All of it is cheap: one step per change of status."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._seconds: OrderedDict[int, Counter[str]] = OrderedDict()
        self.durations: dict[str, Durations] = {}  # since the start
        self.failures = Failures()
        self._lately: dict[str, Lately] = {}
        self.totals: Counter[tuple[str, str]] = Counter()  # (type, "launched" or a terminal status), since the start
        self.counts: dict[str, TypeCounts] = {}  # by type, since the start

    def listen(self, changes: Sequence[Change]) -> None:
        """Count what happened. Called under the store's lock."""
        self.failures.listen(changes)
        monotonic = self._clock.monotonic()
        with self._lock:
            for before, after, times in steps(changes):
                self._count(before, after, monotonic, times)

    def restore(self, tasks: Iterable[Task]) -> None:
        """Take in the tasks of an earlier process: what they tell of the last week, and of failures."""
        now, monotonic = self._clock.time(), self._clock.monotonic()
        tasks = [task for task in tasks if task.status in TERMINAL]
        self.failures.restore(tasks)
        with self._lock:
            for task, times in runs(tasks):
                ago = max(0.0, now - (task.ended_at or now))
                if ago < WEEK * HOUR:
                    self._of(task.type).at(int((monotonic - ago) // HOUR)).count(task, task.seconds_running(0.0) or 0.0, times)

    def lately(self, type_name: str, hours: int = DAY) -> Figures:
        """What a type did in the last DAY or WEEK, to the hour; of tasks of an earlier process as far as they were kept."""
        with self._lock:
            found = self._lately.get(type_name)
            return found.since(int(self._clock.monotonic() // HOUR), hours) if found else no_figures()

    def throughput(self, seconds: int) -> dict[str, int]:
        """How many were launched, completed, failed … in the last so many seconds (up to an hour)."""
        since = int(self._clock.monotonic()) - seconds
        total: Counter[str] = Counter()
        with self._lock:  # for a moment only: the newest second still changes, those before it never do
            found = [self._seconds[second] for second in itertools.takewhile(lambda second: second > since, reversed(self._seconds))]
            newest, before = Counter(found[0] if found else ()), found[1:]
        for counts in (newest, *before):
            total.update(counts)
        return {key: total[key] for key in ("launched", *sorted(TERMINAL))}

    def ended(self) -> Counter[str]:
        """How many tasks have ended since the start, by how."""
        found: Counter[str] = Counter()
        for (_, word), count in list(self.totals.items()):
            if word != "launched":
                found[word] += count
        return found

    def typical(self, type_name: str) -> float | None:
        """Mean seconds a completed task of this type took: since the start, or else in the last week; None before the first."""
        found = self.durations.get(type_name)
        return found.mean if found else self.lately(type_name, WEEK).took.mean

    def _count(self, before: Task | None, after: Task, monotonic: float, times: int) -> None:
        if before is None:
            self._at(monotonic)["launched"] += times
            self.totals[after.type, "launched"] += times
        elif before.status in RUNNING or after.status is Status.PROCESSING:
            self._count_attempt(before, after, times)
        status = after.status
        if status in TERMINAL:
            self._at(monotonic)[status] += times
            self.totals[after.type, str(status)] += times
            self._ended(after, monotonic, times)

    def _count_attempt(self, before: Task, after: Task, times: int) -> None:
        """So many have begun, or ended."""
        counts = self._counts_of(after.type)
        if not after.attempts:
            return
        if after.status is Status.PROCESSING:
            counts.waited.add(max(0.0, after.attempts[-1].started_at - before.waiting_since), times)
        elif after.status not in RUNNING and (outcome := after.attempts[-1].outcome) is not None:
            counts.attempts[outcome] = counts.attempts.get(outcome, 0) + times
            counts.retries += times * (after.status is Status.RETRYING)

    def _ended(self, task: Task, monotonic: float, times: int) -> None:
        seconds = task.seconds_running(monotonic) or 0.0
        if task.status is Status.COMPLETED:
            found = self.durations.get(task.type)
            if found is None:
                found = self.durations[task.type] = Durations()
            found.add(seconds, times)
        took = self._counts_of(task.type).took
        if task.status not in took:
            took[task.status] = Buckets()
        took[task.status].add(seconds, times)
        self._of(task.type).at(int(monotonic // HOUR)).count(task, seconds, times)

    def _counts_of(self, type_name: str) -> TypeCounts:
        found = self.counts.get(type_name)
        if found is None:
            found = self.counts[type_name] = no_counts()
        return found

    def _of(self, type_name: str) -> Lately:
        found = self._lately.get(type_name)
        if found is None:
            found = self._lately[type_name] = Lately()
        return found

    def _at(self, monotonic: float) -> Counter[str]:
        second = int(monotonic)
        counts = self._seconds.get(second)
        if counts is None:
            counts = self._seconds[second] = Counter()
            while len(self._seconds) > 1 and next(iter(self._seconds)) <= second - HOUR:
                self._seconds.popitem(last=False)
        return counts
