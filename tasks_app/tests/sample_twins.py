"""A module that cannot be used: its task type has a name that is taken."""

from __future__ import annotations

from tasks_app.engine.context import Context
from tasks_app.engine.registry import Params, task_type


@task_type("count")
async def twin(params: Params, context: Context) -> None:
    """Never runs."""
