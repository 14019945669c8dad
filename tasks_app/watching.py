"""The cluster that this process follows, where a broker is set: Celery is imported then, and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from tasks_app.engine.engine import Engine

if TYPE_CHECKING:
    from celery import Celery

    from tasks_app.cluster.cluster import Cluster, Hearer


def cluster_of(app: Celery | None, engine: Engine) -> Cluster | None:
    """Whom the engine asks about tasks that run elsewhere; None without a broker. Its executor, where that sends attempts there, hears of
    them."""
    if app is None:
        return None
    from tasks_app.cluster.cluster import Cluster

    hearer = cast("Hearer", engine.executor) if hasattr(engine.executor, "feed") else None
    found = Cluster(app, engine.store, engine.clock, hearer)
    engine.abroad = found
    return found
