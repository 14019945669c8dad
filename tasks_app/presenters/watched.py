"""What is told of a task that somebody watches."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from tasks_app.engine.task import TERMINAL, Task
from tasks_app.presenters import words
from tasks_app.presenters.addresses import task_url
from tasks_app.presenters.labels import cut, title
from tasks_app.presenters.states import state
from tasks_app.runtime import Runtime


def state_of(runtime: Runtime, task: Task) -> dict[str, Any]:
    """Its name, its status, whether it has ended, and the two sentences of a notice about that."""
    ended = task.status in TERMINAL
    name = cut(title(task), 80)
    word = str(words.STATUS_WORDS[task.status])
    said = _("%(status)s: %(task)s") % {"status": word, "task": name}
    detail = str(state(runtime, task).how.first) if ended else ""
    return {
        "number": task.number,
        "name": name,
        "status": task.status.value,
        "ended": ended,
        "said": said,
        "detail": detail,
        "link": task_url(task),
    }
