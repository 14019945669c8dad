"""Named to a served process with IOTASK_HANDLERS: it kills itself with SIGKILL at a named point of its n-th commit of tasks, as its
environment says."""

from __future__ import annotations

import os
import signal
from typing import Any

from tasks_app.journal import crowds
from tasks_app.journal.file import JournalFile

MANY = 20  # tasks of the launch
crowds.PART = 5
_write = JournalFile.write
_commits = 0


def _at(name: str) -> None:
    if name == os.environ.get("DIES_AT") and _commits == int(os.environ["DIES_AT_COMMIT"]):
        os.kill(os.getpid(), signal.SIGKILL)


class _Deadly:
    """Takes the place of a journal's database."""

    def __init__(self, database: Any) -> None:
        self._database = database

    def execute(self, statement: str, *values: Any) -> Any:
        """As the database does."""
        if statement == "COMMIT":
            _at("before fsync")
        found = self._database.execute(statement, *values)
        if statement == "COMMIT":
            _at("after fsync")
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)


def _counted(file: JournalFile, tasks: Any, *more: Any) -> None:
    global _commits
    _commits += bool(tasks)
    if not isinstance(file._database, _Deadly):
        file._database = _Deadly(file._database)  # type: ignore[assignment]
    _write(file, tasks, *more)


JournalFile.write = _counted  # type: ignore[assignment, method-assign]
