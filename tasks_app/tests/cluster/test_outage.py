"""The broker is away at the start, hangs, and comes back empty: what is shown stays, it is said, and what comes then is seen."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks_app.cluster import cluster as room
from tasks_app.cluster import receiver
from tasks_app.cluster.cluster import Cluster
from tasks_app.engine.ports import SystemClock
from tasks_app.engine.store import Store
from tasks_app.engine.task import Status
from tasks_app.executors.cluster_app import app_of
from tasks_app.tests.celery import site
from tasks_app.tests.celery.line import line
from tasks_app.tests.celery.site import Broker
from tasks_app.tests.cluster.broker import until
from tasks_app.tests.cluster.events import life

pytestmark = pytest.mark.files_stay("connections to the broker come and go while the cluster is watched")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with site.broker(tmp_path) as found:
        yield found


@pytest.fixture
def cluster(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    monkeypatch.setattr(room, "GRACE", 0.2)
    watched = Cluster(app_of(broker.url), Store(), SystemClock())
    yield watched
    watched.stop()


def tell(broker: Broker, uuid: str) -> None:
    """What a worker would tell of a whole life."""
    app = app_of(broker.url)
    with app.connection_for_write() as connection:
        dispatcher = app.events.Dispatcher(connection, hostname="shop@here", buffer_while_offline=False)
        for event in life(time.time() - 5, uuid=uuid):
            fields = {
                name: value for name, value in event.items() if name not in ("type", "hostname", "timestamp", "pid", "clock", "utcoffset")
            }
            dispatcher.send(event["type"], **fields)


def is_seen(cluster: Cluster, broker: Broker, uuid: str) -> bool:
    """Whether a life that is told now is seen as it ended."""
    tell(broker, uuid)
    return cluster._store.counts[Status.COMPLETED] > 0 and cluster.receiver.is_connected


def test_a_broker_that_is_away_at_the_start_is_found_once_it_is_there(broker: Broker, cluster: Cluster) -> None:
    broker.kill()
    cluster.start()
    until(lambda: "cannot be reached" in cluster.trouble)
    broker.start()
    until(lambda: not cluster.trouble and cluster.receiver.is_connected)
    until(lambda: is_seen(cluster, broker, "first"))


def test_a_broker_that_hangs_is_noticed_and_what_was_seen_stays(broker: Broker, cluster: Cluster) -> None:
    cluster.start()
    until(lambda: cluster.receiver.is_connected)
    until(lambda: is_seen(cluster, broker, "before"))
    count = len(cluster._store)
    broker.hang()
    until(lambda: "cannot be reached" in cluster.trouble)
    assert len(cluster._store) == count
    broker.go_on()
    until(lambda: not cluster.trouble and cluster.receiver.is_connected)


def test_a_broker_that_comes_back_empty_is_listened_to_again(broker: Broker, cluster: Cluster) -> None:
    cluster.start()
    until(lambda: cluster.receiver.is_connected)
    broker.kill()
    until(lambda: cluster.trouble)
    broker.start()
    until(lambda: cluster.receiver.is_connected)
    until(lambda: is_seen(cluster, broker, "after"))
    assert cluster.receiver.connects >= 2


def test_an_app_that_tells_its_events_in_pickle_costs_the_others_none(broker: Broker, cluster: Cluster) -> None:
    cluster.start()
    until(lambda: is_seen(cluster, broker, "before"))
    count = cluster.receiver.connects
    app = app_of(broker.url)
    app.conf.event_serializer = "pickle"
    with app.connection_for_write() as connection:
        app.events.Dispatcher(connection, hostname="old@here", buffer_while_offline=False).send("task-sent", uuid="a", name="old.one")
    until(lambda: cluster.receiver.unread)
    seen = len(cluster._store)
    until(lambda: is_seen(cluster, broker, "after") and len(cluster._store) > seen)
    assert cluster.receiver.connects == count


def test_events_come_again_though_a_router_has_forgotten_the_connection_they_came_on(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiver, "HEARTBEAT", 0.3)
    with line(broker.port) as bad:
        cluster = Cluster(app_of(f"redis://127.0.0.1:{bad.port}/0"), Store(), SystemClock())
        cluster.start()
        try:
            until(lambda: is_seen(cluster, broker, "before"))
            count = cluster.receiver.connects
            bad.forget(b"SUBSCRIBE")
            until(lambda: cluster.receiver.connects > count)
            seen = len(cluster._store)
            until(lambda: is_seen(cluster, broker, "after") and len(cluster._store) > seen)
        finally:
            cluster.stop()
