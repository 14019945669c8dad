"""A cluster whose words are fed by hand, for pages and their tests: nobody is connected."""

from __future__ import annotations

import time
from typing import Any

from tasks_app.runtime import Runtime
from tasks_app.tests.cluster.events import UUID

HOSTILE = "<script>alert(1)</script>/\u202eevil"
STATS = {
    "pid": 7,
    "pool": {"implementation": "celery.concurrency.prefork:TaskPool", "max-concurrency": 4, "processes": [8, 9], "timeouts": [0, 30]},
    "total": {"shop.add": 12, HOSTILE: 1},
    "broker": {"hostname": "10.0.0.1", "transport": "redis"},
    "rusage": {"utime": 1.5, "stime": 0.5, "maxrss": 50_000},
    "prefetch_count": 16,
    "uptime": 3600,
}


def hear(runtime: Runtime, *events: dict[str, Any]) -> None:
    """Let the cluster say something."""
    assert runtime.cluster is not None
    for one in events:
        runtime.cluster.hear(one)
    runtime.cluster.projector.flush()


def worker(runtime: Runtime, name: str = "shop@here", **fields: Any) -> None:
    """A worker that was heard, and asked."""
    beat = {"type": "worker-heartbeat", "hostname": name, "timestamp": time.time(), "freq": 2.0, "active": 2, "processed": 13}
    hear(runtime, {**beat, "loadavg": [0.5, 0.4, 0.3], "sw_ident": "py-celery", "sw_ver": "5.7.0", "sw_sys": "Linux", **fields})
    assert runtime.cluster is not None
    for question, answer in {
        "stats": STATS,
        "active_queues": [{"name": "celery", "exchange": {"name": "celery", "type": "direct"}, "routing_key": "celery", "durable": True}],
        "active": [{"id": UUID, "name": "shop.add", "time_start": time.time(), "args": "(2, 3)", "kwargs": "{}"}],
        "scheduled": [{"eta": "2199-01-01T00:00:00", "request": {"id": "later", "name": HOSTILE}}],
        "revoked": ["gone-one"],
        "registered": ["shop.add [rate_limit=10/s time_limit=30]", "shop.fail"],
        "conf": {"broker_url": "redis://********"},
    }.items():
        runtime.cluster.workers.answered(question, {name: answer})
