"""Families of figures by task type. Labels come from bounded sets alone, whatever types there are; nothing here walks over tasks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from tasks_app.engine.buckets import BOUNDS, Buckets, TypeCounts
from tasks_app.engine.task import Status
from tasks_app.runtime import Runtime

Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily
MOST = 200  # names of types; all others are counted together
LONGEST = 64  # characters of a name
OTHERS = "(others)"


class Names:
    """What a type is called in a label: its name, as long as there are not too many. Once given, a label stays."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._given: dict[str, str] = {}

    def __call__(self, name: str) -> str:
        """The label of a type."""
        found = self._given.get(name)
        if found is None and len(self._given) < self._most:
            found = self._given[name] = name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
        return found or OTHERS


names = Names()


def by_type(now: Runtime) -> Iterator[Family]:
    """All families with a type among their labels."""
    yield _held(now)
    yield from _totals(now)
    yield from _slots(now)
    counts = list(now.engine.stats.counts.items())
    yield _histogram(
        "iotask_task_duration_seconds",
        "Run time of ended tasks, all attempts together.",
        ("type", "outcome"),
        (((names(name), status), buckets) for name, found in counts for status, buckets in list(found.took.items())),
    )
    waited = (((names(name),), found.waited) for name, found in counts)
    yield _histogram("iotask_task_wait_seconds", "Time that tasks waited for a slot before an attempt.", ("type",), waited)
    yield from _attempts(counts)


def _held(now: Runtime) -> Family:
    held: Counter[tuple[str, ...]] = Counter()
    for name, counts in list(now.store.type_counts.items()):
        for status, count in list(counts.items()):
            held[names(name), Status(status).value] += count
    return _gauge("iotask_tasks", "Tasks that are held.", ("type", "status"), held)


def _totals(now: Runtime) -> Iterator[Family]:
    launched: Counter[tuple[str, ...]] = Counter()
    ended: Counter[tuple[str, ...]] = Counter()
    for (name, what), count in list(now.engine.stats.totals.items()):
        if what == "launched":
            launched[(names(name),)] += count
        else:
            ended[names(name), what] += count
    yield _counter("iotask_tasks_launched", "Tasks accepted since the start.", ("type",), launched)
    yield _counter("iotask_tasks_ended", "Tasks ended since the start.", ("type", "status"), ended)


def _slots(now: Runtime) -> Iterator[Family]:
    used: Counter[tuple[str, ...]] = Counter()
    limit: Counter[tuple[str, ...]] = Counter()
    depth: Counter[tuple[str, ...]] = Counter()
    paused: Counter[tuple[str, ...]] = Counter()
    for kind in now.registry:
        queue, label = now.engine.queues.get(kind.name), (names(kind.name),)
        used[label] += queue.running
        depth[label] += now.store.count_of(kind.name, Status.PENDING)
        paused[label] = max(paused[label], int(queue.paused))
        if queue.concurrency is not None:
            limit[label] += queue.concurrency
    yield _gauge("iotask_type_slots_used", "Slots that tasks of a type hold.", ("type",), used)
    yield _gauge("iotask_type_slots", "Slots of a type; none where only all slots together are a limit.", ("type",), limit)
    yield _gauge("iotask_queue_depth", "Tasks that wait for a slot.", ("type",), depth)
    yield _gauge("iotask_queue_paused", "1 while tasks of a type are not started.", ("type",), paused)


def _attempts(counts: Iterable[tuple[str, TypeCounts]]) -> Iterator[Family]:
    attempts: Counter[tuple[str, ...]] = Counter()
    retries: Counter[tuple[str, ...]] = Counter()
    for name, found in counts:
        retries[(names(name),)] += found.retries
        for outcome, count in list(found.attempts.items()):
            attempts[names(name), str(outcome)] += count
    yield _counter("iotask_task_attempts", "Attempts that ended since the start.", ("type", "outcome"), attempts)
    yield _counter("iotask_task_retries", "Failed attempts that another one follows by itself, since the start.", ("type",), retries)


def _histogram(name: str, about: str, labels: tuple[str, ...], found: Iterable[tuple[tuple[str, ...], Buckets]]) -> Family:
    counts: dict[tuple[str, ...], list[int]] = {}
    totals: dict[tuple[str, ...], float] = {}
    for key, buckets in found:
        counts[key] = [a + b for a, b in zip(counts.get(key, (0,) * (len(BOUNDS) + 1)), buckets.counts, strict=True)]
        totals[key] = totals.get(key, 0.0) + buckets.total
    family = HistogramMetricFamily(name, about, labels=labels)
    for key, ones in counts.items():
        reached, rows = 0, []
        for bound, count in zip((*map(str, BOUNDS), "+Inf"), ones, strict=True):
            reached += count
            rows.append((bound, float(reached)))
        family.add_metric(key, rows, totals[key])
    return family


def _gauge(name: str, about: str, labels: tuple[str, ...], found: Counter[tuple[str, ...]]) -> Family:
    family = GaugeMetricFamily(name, about, labels=labels)
    for key, value in found.items():
        family.add_metric(key, value)
    return family


def _counter(name: str, about: str, labels: tuple[str, ...], found: Counter[tuple[str, ...]]) -> Family:
    family = CounterMetricFamily(name, about, labels=labels)
    for key, value in found.items():
        family.add_metric(key, value)
    return family
