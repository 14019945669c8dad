"""Task type `unknown`: stands for what was asked for and accepted, and cannot be run here."""

from __future__ import annotations

from typing import NoReturn

from pydantic import Field

from tasks_app.engine.context import Context
from tasks_app.engine.errors import TaskFailure
from tasks_app.engine.registry import Params, task_type
from tasks_app.engine.sentences import say

NAME = "unknown"
MAX_ASKED = 200
MAX_REASON = 2_000


class UnknownParams(Params):
    """What was asked for, and why it cannot be run."""

    asked: str = Field(max_length=MAX_ASKED, description="Task type that was asked for")
    reason: str = Field(max_length=MAX_REASON, description="Why it cannot be run")

    def summary(self) -> str:
        """What was asked for, in one line."""
        return say("asked for {name}", name="".join(char if char.isprintable() else " " for char in self.asked[:80]))


@task_type(NAME, params=UnknownParams, title="Unknown", launchable=False)
async def unknown(params: UnknownParams, context: Context) -> NoReturn:
    """Fails at once with the reason: some services accept a task before they look whether it can be run."""
    raise TaskFailure(params.reason, kind="CannotRun", retry=False)
