"""Celery's side: each task type as a Celery task, whose body hands the attempt to the crew of its process and waits for its end."""

from __future__ import annotations

import os
import threading
from typing import Any

from billiard.process import current_process
from celery import Celery
from celery.signals import worker_process_shutdown, worker_shutdown

from tasks_app.engine.registry import Registry
from tasks_app.executors.crew import Crew
from tasks_app.executors.wire import PREFIX, read_order

_lock = threading.Lock()
_crew: tuple[int, Crew] | None = None


class NotForUs(Exception):
    """The message is none of ours, or of a newer version than this worker reads."""


def register(app: Celery, registry: Registry) -> None:
    """Make a Celery task of each type."""
    for task_type in registry:
        make: Any = app.task(bind=True, name=PREFIX + task_type.name)
        make(_body(app, registry, task_type.name))
    worker_process_shutdown.connect(_leave)
    worker_shutdown.connect(_leave)


def _body(app: Celery, registry: Registry, name: str) -> Any:
    def carry_out(self: Any, order: Any = None) -> None:
        """Run one attempt to its end; returns when its end is kept."""
        found = read_order(order)
        if found is None or found.record.type != name:
            raise NotForUs("The message is no order that this worker reads.")
        crew(app, registry, self.request.hostname).carry_out(str(self.request.id), found, _tag(self.request), _pool(self.request))

    return carry_out


def crew(app: Celery, registry: Registry, hostname: str) -> Crew:
    """The crew of this process, made when it is first needed: a process that a pool forks has one of its own."""
    global _crew
    with _lock:
        if _crew is None or _crew[0] != os.getpid():
            _crew = os.getpid(), Crew(app, registry, hostname)
        return _crew[1]


def _tag(request: Any) -> str:
    return str((request.properties or {}).get("delivery_tag") or "")


def _pool(request: Any) -> str:
    """prefork, threads or solo: who runs the body."""
    if request.is_eager or threading.current_thread() is threading.main_thread():
        return "prefork" if _is_child() else "solo"
    return "threads"


def _is_child() -> bool:
    """Whether a pool forked this process."""
    return bool(current_process().name != "MainProcess")


def _leave(**_: Any) -> None:
    if _crew is not None and _crew[0] == os.getpid():
        _crew[1].close()
