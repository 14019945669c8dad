"""Figures of this server."""

from __future__ import annotations

import psutil
from django.http import HttpRequest, HttpResponse
from ninja import Router

from tasks_app import runtime
from tasks_app.api.http import answer, query_of
from tasks_app.api.v2.describe import described
from tasks_app.api.v2.shapes import BlockedBy, DurationsJSON, EngineJSON, Memory, Stats
from tasks_app.engine.stats import Durations
from tasks_app.engine.watchdog import Block
from tasks_app.runtime import Runtime

router = Router(tags=["Server"])
WINDOWS = {"1m": 60, "5m": 300, "1h": 3600}
_process = psutil.Process()


@router.get("/stats", operation_id="stats", summary="Get figures", **described(answers={200: "Stats"}))
async def stats(request: HttpRequest) -> HttpResponse:
    """Tasks by status and type, throughput, durations of completed runs, slots, and how the engine is."""
    query_of(request)
    return answer(stats_json(runtime.get()))


def stats_json(now: Runtime) -> Stats:
    """All figures."""
    engine, store = now.engine, now.store
    return Stats(
        epoch=now.epoch,
        version=store.version,
        tasks=len(store),
        by_status=store.counts,
        by_type=store.type_counts,
        running=engine.queues.running,
        slots=engine.queues.max_running,
        waiting=store.waiting,
        throughput={name: engine.stats.throughput(seconds) for name, seconds in WINDOWS.items()},
        durations={name: _durations(taken) for name, taken in list(engine.stats.durations.items())},
        engine=_engine(now),
        memory=Memory(_process.memory_info().rss),
    )


def _durations(taken: Durations) -> DurationsJSON:
    figures = (taken.mean, taken.quantile(0.50), taken.quantile(0.95), taken.quantile(0.99))
    return DurationsJSON(taken.count, *(None if value is None else round(value, 6) for value in figures))


def _engine(now: Runtime) -> EngineJSON:
    watchdog = now.host.watchdog
    block = watchdog.block if watchdog else None
    return EngineJSON(
        loop_delay_seconds=round(watchdog.delay, 6) if watchdog else None,
        blocked_by=_blocked(block, now.engine.clock.monotonic()) if block else None,
        stuck=now.engine.runner.stuck,
        draining=now.engine.draining,
        troubles=now.notices(),
    )


def _blocked(block: Block, monotonic: float) -> BlockedBy:
    return BlockedBy(block.number, block.type, block.place, round(monotonic - block.since, 3))
