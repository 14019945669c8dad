"""How a command ends: its exit code, and the sentence that says why."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Any

ENDED = frozenset({"completed", "failed", "cancelled", "interrupted"})


class Exit(IntEnum):
    """Exit codes; docs/terminal.md has the same table."""

    DONE = 0  # what was asked is done; of watched tasks: all completed
    FAILED = 1  # a watched task failed
    USAGE = 2  # the command or a value in it is wrong
    STOPPED = 3  # a watched task was cancelled or interrupted
    NOT_FOUND = 4  # no such task or type, or a watched task was deleted
    UNREACHABLE = 5  # no server answers, or what answers is none
    REFUSED = 6  # the server says no: login, role, limits, the task's state
    UNWRITTEN = 74  # the output could not be written
    LEFT = 130  # Ctrl-C: whoever watched has left
    NO_READER = 141  # whoever read the output has gone


class Ends(Exception):
    """The command ends with this code and sentence; `again`: the same may work a moment later."""

    def __init__(self, code: Exit, sentence: str, *, again: bool = False) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.again = again


def exit_of(tasks: Iterable[dict[str, Any] | None]) -> Exit:
    """The code of tasks that were watched to their end, None for one that was deleted: failures count most."""
    statuses = {"deleted" if task is None else task["status"] for task in tasks}
    if "failed" in statuses:
        return Exit.FAILED
    if statuses & {"cancelled", "interrupted"}:
        return Exit.STOPPED
    return Exit.NOT_FOUND if "deleted" in statuses else Exit.DONE
