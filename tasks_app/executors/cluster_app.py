"""The Celery app of both sides: settings that servers and workers share. Celery is imported here, so only where a broker is set."""

from __future__ import annotations

from typing import Any

from celery import Celery

from tasks_app.executors.wire import QUEUE

SOCKET_TIMEOUT = 2.0  # seconds a server waits for its broker
WORKER_SOCKET_TIMEOUT = 5.0  # seconds a worker does; above the second for which it asks for messages
VISIBILITY = 60  # seconds after which Redis gives out again what a worker took and no longer holds on to
SWEEP = 10  # seconds between two looks for such messages
SOFT_SHUTDOWN = 10.0  # seconds that attempts have to end when a worker is told to go at once


def app_of(broker_url: str, *, socket_timeout: float = SOCKET_TIMEOUT) -> Celery:
    """A Celery app that speaks to this broker: JSON alone, nothing that waits for ever, messages kept until their work is done."""
    app = Celery("iotask", broker=broker_url, set_as_current=False, fixups=[])
    app.conf.update(_SETTINGS, broker_connection_timeout=socket_timeout, broker_transport_options=_transport(broker_url, socket_timeout))
    return app


_SETTINGS: dict[str, Any] = {
    "accept_content": ["json"],
    "task_serializer": "json",
    "event_serializer": "json",
    "result_serializer": "json",
    "task_default_queue": QUEUE,
    "task_ignore_result": True,  # how an attempt ended is kept by the ledger
    "task_acks_late": True,
    "task_reject_on_worker_lost": False,  # its server sends it again, and counts
    "worker_prefetch_multiplier": 1,
    "worker_send_task_events": True,
    "worker_soft_shutdown_timeout": SOFT_SHUTDOWN,
    "worker_enable_soft_shutdown_on_idle": False,
    "worker_cancel_long_running_tasks_on_connection_loss": False,
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,  # a worker waits for its broker as long as it takes
    "task_publish_retry": False,
    "control_queue_expires": 60,
    "event_queue_expires": 60,
}


def _transport(broker_url: str, socket_timeout: float) -> dict[str, Any]:
    if broker_url.startswith(("amqp", "pyamqp")):
        return {"read_timeout": socket_timeout * 2, "write_timeout": socket_timeout, "confirm_publish": True}
    return {
        "socket_timeout": socket_timeout,
        "socket_connect_timeout": SOCKET_TIMEOUT,
        "socket_keepalive": True,
        "visibility_timeout": VISIBILITY,
        "unacked_restore_interval": SWEEP,
        "unacked_restore_throttle": 1,
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0.2,
        "interval_max": 0.2,
    }
