"""What cannot be done here with tasks that run elsewhere, and who is asked for the rest."""

from __future__ import annotations

from tasks_app.engine.errors import Conflict, Unavailable
from tasks_app.engine.ports import Abroad
from tasks_app.engine.sentences import Sentence, say
from tasks_app.engine.task import Task


def refuse_foreign(task: Task) -> Task:
    """The same task, if this process sees it through. Raises Conflict."""
    if task.foreign is not None:
        raise Conflict(say("This task runs in another program: whoever launched it there can do that."))
    return task


def refuse_force(why: Sentence | None) -> None:
    """Raises Conflict where an attempt cannot be ended by force."""
    if why is not None:
        raise Conflict(why)


def elsewhere(abroad: Abroad | None) -> Abroad:
    """Who can be asked to stop such a task. Raises Unavailable where nobody can."""
    if abroad is None:
        raise Unavailable(say("This task runs in another program, which cannot be asked."))
    return abroad
