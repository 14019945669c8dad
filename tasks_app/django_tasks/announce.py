"""Sends `task_finished` once a task has ended for good, from a thread of its own: receivers may take their time, and ask a database."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from queue import SimpleQueue

from django.conf import settings  # noqa: TID251 - DATABASES is Django's own
from django.db import connections
from django.tasks.signals import task_finished

from tasks_app.django_tasks.failures import failures
from tasks_app.django_tasks.results import result_of
from tasks_app.django_tasks.types import declared
from tasks_app.engine.events import Change
from tasks_app.engine.registry import Registry
from tasks_app.engine.store import Store
from tasks_app.engine.task import TERMINAL, Task

logger = logging.getLogger("iotask.django_tasks")
PATIENCE = 5.0  # seconds that receivers get at the end of the process for what they have not heard yet


class Announcer:
    """The guest of the runtime: brings the project's functions, and tells the project how they ended."""

    def __init__(self) -> None:
        self._ended: SimpleQueue[Task | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def bring(self, registry: Registry) -> None:
        """All functions that are marked with @task."""
        declared.bring(registry)

    def move_in(self, store: Store) -> None:
        """Listen from now on."""
        self._thread = threading.Thread(target=self._run, name="django.tasks", daemon=True)
        self._thread.start()
        store.listen(self.listen)

    def move_out(self, store: Store) -> None:
        """Tell what is left."""
        thread, self._thread = self._thread, None
        if thread is not None:
            store.unlisten(self.listen)
            self._ended.put(None)
            thread.join(PATIENCE)

    def listen(self, changes: Sequence[Change]) -> None:
        """Under the store's lock: note who has ended."""
        for change in changes:
            after = change.after
            if after is None or after.status not in TERMINAL or declared.task(after.type) is None:
                continue
            if change.before is not None and change.before.status not in TERMINAL:
                self._ended.put(after)

    def _run(self) -> None:
        while (ended := self._ended.get()) is not None:
            try:
                _tell(ended)
            except BaseException:  # a receiver's own affair: the next task's are not held up by it
                logger.exception("A receiver of task_finished failed")
            finally:
                if settings.DATABASES:
                    connections.close_all()


def _tell(ended: Task) -> None:
    task = declared.task(ended.type)
    if task is None:
        return
    result = result_of(task, ended)
    error = failures.take(ended.id, ended.attempt_number)
    sender = type(result.task.get_backend())
    if error is None:
        task_finished.send(sender=sender, task_result=result)
        return
    try:
        raise error  # receivers, such as Django's own log, look for it in sys.exc_info()
    except BaseException:
        task_finished.send(sender=sender, task_result=result)
