"""What became of each task that a bulk action was to act on: counted by outcome, the first that were left out by name."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, ValidationError, to_builtins
from msgspec.json import decode

from tasks_app.engine.task import Task

MOST = 50  # tasks that are named
MOST_SKIPPED = 25  # of these: what was refused is not crowded out by what was only left alone
# Why a task was left as it was, beside the status it was in: not here any more; no longer what was asked for; an action on many itself;
# seen through by another program.
GONE, CHANGED, IS_ACTION, ELSEWHERE = "gone", "changed", "is_action", "elsewhere"


class LeftOut(Struct):
    """A task that was not acted on, and why: a word of `Tally.why`. `number` is 0 where nothing is known of it."""

    id: str
    number: int
    why: str


class Tally(Struct):
    """`matched` were found; of these `done` were acted on, `skipped` left as they were, `failed` refused by the engine; the others were not
    looked at yet, or not before the action was aborted. `why` counts the skipped by GONE, CHANGED, IS_ACTION, ELSEWHERE or their status,
    and the failed by the code of the error."""

    matched: int = 0
    done: int = 0
    skipped: int = 0
    failed: int = 0
    why: dict[str, int] = {}
    left_out: list[LeftOut] = []

    @property
    def to_go(self) -> int:
        """How many were not looked at."""
        return self.matched - self.done - self.skipped - self.failed

    def skip(self, task_id: str, number: int, why: str) -> None:
        """One was left as it was."""
        self.skipped += 1
        self._name(task_id, number, why, MOST_SKIPPED)

    def fail(self, task_id: str, number: int, code: str) -> None:
        """One could not be acted on."""
        self.failed += 1
        self._name(task_id, number, code, MOST)

    def result(self) -> dict[str, Any]:
        """As the task's result keeps it."""
        found: dict[str, Any] = to_builtins(self)
        return found

    def _name(self, task_id: str, number: int, why: str, most: int) -> None:
        self.why[why] = self.why.get(why, 0) + 1
        if len(self.left_out) < most:
            self.left_out.append(LeftOut(task_id, number, why))


def tally_of(task: Task) -> Tally | None:
    """What a bulk action that has ended kept; None where nothing is kept."""
    try:
        return decode(task.result, type=Tally) if task.result else None
    except ValidationError:
        return None
