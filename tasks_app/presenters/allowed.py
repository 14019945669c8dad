"""What may be done with a task now. Screens ask here; none compares a status."""

from __future__ import annotations

from msgspec import Struct

from tasks_app.engine.task import RETRYABLE, RUNNING, TERMINAL, WAITING, Status, Task
from tasks_app.presenters.sentences import translated
from tasks_app.runtime import Runtime


class Allowed(Struct, frozen=True):
    """Each action, whether it is offered. One of cancel, force, retry and rerun leads; the others are in the menu."""

    cancel: bool
    force: bool
    retry: bool
    rerun: bool
    delete: bool = True
    no_force: str = ""  # why it does not stop by force either, where one would want that

    @property
    def rerun_first(self) -> bool:
        """Whether rerun is the first thing to offer."""
        return self.rerun and not (self.cancel or self.force or self.retry)


def allowed(runtime: Runtime, task: Task) -> Allowed:
    """What the present state of a task, its type and the executor allow."""
    task_type = runtime.registry.find(task.type)
    if task.foreign is not None:
        return _of_foreign(task)
    overstays = task.cancel is not None and task.cancel.stuck and not task.cancel.forced
    refused = runtime.engine.executor.why_no_force(task) if overstays and task.status is Status.CANCELLING else None
    return Allowed(
        cancel=task.status is not Status.CANCELLING and task.status not in TERMINAL,
        force=task.status is Status.CANCELLING and overstays and runtime.engine.executor.supports_force_stop and refused is None,
        retry=task.status in RETRYABLE,
        no_force=translated(refused) if refused is not None else "",
        rerun=task.status is not Status.CANCELLING and task_type is not None and task_type.launchable,
    )


def _of_foreign(task: Task) -> Allowed:
    """Another program sees it through: it may be asked to stop, and what runs in a plain Celery app stops by force alone."""
    running = task.status in RUNNING
    ours = task.foreign is not None and task.foreign.ours
    forced = task.cancel is not None and task.cancel.forced
    return Allowed(
        cancel=task.status in WAITING or (ours and task.status is Status.PROCESSING),
        force=running and not forced and (not ours or task.status is Status.CANCELLING),
        retry=False,
        rerun=False,
    )
