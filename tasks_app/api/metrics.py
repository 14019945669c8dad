"""Figures for Prometheus, in its own format or in OpenMetrics, as whoever asks prefers. docs/observability.md lists them."""

from __future__ import annotations

import asyncio
import os
import threading
from collections import Counter
from collections.abc import Iterator
from functools import cache

from django.http import HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from tasks_app import runtime
from tasks_app.api.figures import Family, by_type
from tasks_app.api.views import reads
from tasks_app.auth.audit import audit
from tasks_app.engine.family import astray
from tasks_app.pushed import pushed
from tasks_app.runtime import Runtime


class Figures(Collector):
    """Reads what is counted anyway when it is asked: nothing is counted twice, and a scrape costs what it tells, however many tasks there
    are."""

    def describe(self) -> Iterator[Family]:
        """Nothing needs to be known before the first scrape."""
        return iter(())

    def collect(self) -> Iterator[Family]:
        """All families."""
        now = runtime.get()
        yield from by_type(now)
        for part in (_work, _loops, _sockets, _journal, _memory, _refusals, _webhooks, _schedules, _messages, _broker):
            yield from part(now)


@cache
def registry() -> CollectorRegistry:
    """One of our own: nothing that a library registers by itself gets in."""
    found = CollectorRegistry()
    found.register(Figures())
    ProcessCollector(registry=found)
    PlatformCollector(registry=found)
    GCCollector(registry=found)
    return found


@reads
async def metrics(request: HttpRequest) -> HttpResponse:
    """The text format of Prometheus, or that of OpenMetrics where it is asked for."""
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(registry()), content_type=content_type, headers={"Vary": "Accept"})


def _work(now: Runtime) -> Iterator[Family]:
    engine = now.engine
    yield GaugeMetricFamily("iotask_running", "Tasks that hold a slot.", engine.queues.running)
    yield GaugeMetricFamily("iotask_slots", "Slots in all.", engine.queues.max_running)
    yield GaugeMetricFamily("iotask_waiting", "Tasks that wait, whatever for.", now.store.waiting)
    yield GaugeMetricFamily("iotask_waiting_limit", "Tasks that may wait; past it launches are refused.", engine.limits.max_waiting)
    yield GaugeMetricFamily("iotask_stuck", "Handlers that do not stop when asked.", engine.runner.stuck)
    yield GaugeMetricFamily("iotask_ready", "1 when new work is welcome.", int(not now.troubles()))


def _loops(now: Runtime) -> Iterator[Family]:
    watchdog = now.host.watchdog
    yield GaugeMetricFamily("iotask_loop_delay_seconds", "How long the engine's loop took to answer.", watchdog.delay if watchdog else 0.0)
    yield GaugeMetricFamily("iotask_loop_blocked", "1 while a handler blocks the engine's loop.", int(bool(watchdog and watchdog.block)))
    found = GaugeMetricFamily("iotask_asyncio_tasks", "Asyncio tasks that have not ended; what only rises is a leak.", labels=("loop",))
    found.add_metric(("web",), len(asyncio.all_tasks()))
    found.add_metric(("engine",), now.host.coroutines)
    yield found
    yield GaugeMetricFamily("iotask_threads", "Threads of this process; a number that only rises is a leak.", threading.active_count())
    yield GaugeMetricFamily("iotask_coroutines_astray", "Coroutines that outlive the handlers that started them.", astray())


def _sockets(now: Runtime) -> Iterator[Family]:
    yield GaugeMetricFamily("iotask_sockets", "Live pages that are open.", len(now.sockets))
    yield CounterMetricFamily("iotask_pushed_frames", "Frames sent down live sockets since the start.", pushed.frames)
    yield CounterMetricFamily("iotask_pushed_bytes", "Bytes of these frames, before they are packed.", pushed.bytes)


def _journal(now: Runtime) -> Iterator[Family]:
    path = now.config.journal
    if path is None or now.unwritten is None:
        return
    journal = now.engine.journal
    yield GaugeMetricFamily("iotask_journal_unwritten_changes", "Changes that are not on the journal's disk yet.", now.unwritten)
    yield GaugeMetricFamily(
        "iotask_journal_up", "1 while the journal can be written and keeps up.", int(not (journal.trouble or journal.behind))
    )
    size = sum(_size(f"{path}{end}") for end in ("", "-wal"))
    yield GaugeMetricFamily("iotask_journal_size_bytes", "Size of the journal's file and its write-ahead log.", size)


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _memory(now: Runtime) -> Iterator[Family]:
    yield GaugeMetricFamily("iotask_memory_held_bytes", "Memory that this process holds.", now.memory.held)
    yield GaugeMetricFamily("iotask_memory_limit_bytes", "Memory past which new tasks are refused.", now.memory.most)


def _refusals(now: Runtime) -> Iterator[Family]:
    """By a code that is ours: role_too_low, too_many_requests, waiting_full … Those who may not, and what there is no room for."""
    family = CounterMetricFamily("iotask_refusals", "What was refused since the start, by the code of the refusal.", labels=("reason",))
    for reason, count in (Counter(audit.refused) + Counter(now.engine.admission.refused)).items():
        family.add_metric((reason,), count)
    yield family


def _webhooks(now: Runtime) -> Iterator[Family]:
    yield GaugeMetricFamily("iotask_webhooks_pending", "Webhooks that wait for a try.", now.webhooks.shelf.pending)
    ended = CounterMetricFamily("iotask_webhooks", "Webhooks nobody tries any more, since the start.", labels=("outcome",))
    for outcome in ("delivered", "failed", "dropped"):
        ended.add_metric((outcome,), now.webhooks.ended[outcome])
    tries = CounterMetricFamily("iotask_webhook_tries", "Requests made for webhooks since the start.", labels=("answer",))
    for answer, count in list(now.webhooks.tries.items()):
        tries.add_metric((answer,), count)
    yield ended
    yield tries
    yield CounterMetricFamily("iotask_webhook_seconds", "Seconds that these requests took together.", now.webhooks.seconds)


def _schedules(now: Runtime) -> Iterator[Family]:
    every, at = now.schedules.all(), now.engine.clock.time()
    paused = sum(one.paused_at is not None for one in every)
    family = GaugeMetricFamily("iotask_schedules", "Schedules there are.", labels=("state",))
    family.add_metric(("active",), len(every) - paused)
    family.add_metric(("paused",), paused)
    yield family
    yield GaugeMetricFamily(
        "iotask_schedules_troubled", "Schedules whose last run could not begin.", sum(bool(one.trouble) for one in every)
    )
    due = now.schedules.next_due()
    late = max(0.0, at - due) if due is not None else 0.0
    yield GaugeMetricFamily("iotask_schedules_late_seconds", "How late the most overdue schedule is.", late)


def _messages(now: Runtime) -> Iterator[Family]:
    if now.topic is not None:
        family = CounterMetricFamily("iotask_kafka_messages", "Messages read since the start.", labels=("outcome",))
        for outcome, count in now.topic.counts.items():
            family.add_metric((outcome,), count)
        yield family


def _broker(now: Runtime) -> Iterator[Family]:
    outbox = getattr(now.executor, "outbox", None)  # there is one where attempts run on Celery workers
    if outbox is not None:
        yield GaugeMetricFamily("iotask_celery_unsent", "What waits to be said to Celery's broker.", len(outbox))
        yield CounterMetricFamily(
            "iotask_celery_refused", "What the broker refused and is not sent any more, since the start.", outbox.set_aside
        )
