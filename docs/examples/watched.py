"""A plain Celery app, which knows nothing of IoTask: `celery -A watched -b redis://… worker --events` beside this file runs it."""

from __future__ import annotations

import time
from typing import Any

from celery import Celery, Task

app = Celery("watched", broker="redis://127.0.0.1:6379/0")
app.conf.update(
    worker_send_task_events=True,  # the workers tell what becomes of tasks; the same as --events
    task_send_sent_event=True,  # whoever sends a task tells of it, before any worker has it
    task_ignore_result=True,
)


@app.task(name="shop.add")
def add(x: int, y: int) -> int:
    """Ends at once."""
    return x + y


@app.task(name="shop.fail")
def fail(said: str) -> None:
    """Fails."""
    raise ValueError(said)


@app.task(name="shop.unlucky", bind=True, max_retries=2)
def unlucky(self: Task[Any, Any]) -> str:
    """Fails once, and is retried by Celery."""
    if not self.request.retries:
        raise self.retry(exc=RuntimeError("not yet"), countdown=0.1)
    return "the second time"


@app.task(name="shop.pack")
def pack(seconds: float) -> str:
    """Takes its time."""
    time.sleep(seconds)
    return "packed"
