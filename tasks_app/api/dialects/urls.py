"""Where the dialects live: at the root, as far as they do not collide, and two of them once more under a prefix of their own."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from tasks_app.api.dialects import io_bound, iotask, jobs, long_tasks, root, task_queue
from tasks_app.api.dialects._door import Dialect, nowhere

COMPAT_IOTASK = "compat/iotask/"
COMPAT_TASK_QUEUE = "compat/taskqueue/"

urlpatterns: list[URLPattern | URLResolver] = [
    path(COMPAT_IOTASK.rstrip("/"), nowhere(iotask.dialect, "404 page not found")),
    path(COMPAT_TASK_QUEUE.rstrip("/"), nowhere(task_queue.dialect, "404 page not found")),
    path(COMPAT_IOTASK, include((iotask.urlpatterns, "iotask"))),
    path(COMPAT_TASK_QUEUE, include((task_queue.urlpatterns, "task-queue"))),
    *io_bound.urlpatterns,
    *jobs.urlpatterns,
    *long_tasks.urlpatterns,
    *root.urlpatterns,
]

_SPOKEN: tuple[tuple[str, Dialect], ...] = (
    ("/compat/iotask", iotask.dialect),
    ("/compat/taskqueue", task_queue.dialect),
    ("/create-task", io_bound.dialect),
    ("/poll-task", io_bound.dialect),
    ("/files", io_bound.dialect),
    ("/job", jobs.dialect),
    ("/api/v1", long_tasks.dialect),
    ("/tasks", task_queue.dialect),
)


def dialect_of(path: str) -> Dialect | None:
    """The dialect that is spoken at a path."""
    return next((dialect for prefix, dialect in _SPOKEN if path == prefix or path.startswith(f"{prefix}/")), None)
