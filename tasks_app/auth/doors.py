"""By which way a request came: through the dashboard, our own API, or the API of a service we stand in for."""

from __future__ import annotations

DASHBOARD, API, SCHEDULE, LIVE = "dashboard", "api", "schedule", "live"
DIALECT = "dialect"  # two services share /tasks: which one it was, the task says
_WAYS = (
    ("/api/v2/", API),
    ("/api/v1/", "long_tasks"),
    ("/job", "jobs"),
    ("/create-task", "io_bound"),
    ("/poll-task/", "io_bound"),
    ("/files", "io_bound"),
    ("/compat/iotask/", "iotask"),
    ("/compat/taskqueue/", "task_queue"),
    ("/tasks/ping", "iotask"),
    ("/live/", LIVE),
)


def door_of(path: str, module: str) -> str:
    """The door of a path whose view stands in this module; empty for one that is none of them."""
    if module.startswith("tasks_app.web."):
        return DASHBOARD
    found = next((name for start, name in _WAYS if path.startswith(start)), "")
    return found or (DIALECT if path.startswith("/tasks") else "")
