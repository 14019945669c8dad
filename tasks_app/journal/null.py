"""The journal that keeps nothing: tasks live and die with the process."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tasks_app.engine.errors import JournalFailed
from tasks_app.engine.events import Change
from tasks_app.engine.ports import Recovered
from tasks_app.engine.task import Task


class NullJournal:
    """Keeps nothing, instantly."""

    durable = False
    trouble = ""
    behind = ""

    def record(self, changes: Sequence[Change]) -> None:
        """Nothing to do."""

    def note(self, name: str, value: int) -> None:
        """Nothing to do."""

    def put(self, name: str, record: bytes | None) -> None:
        """Nothing to do."""

    async def settled(self, version: int) -> None:
        """Nothing to wait for."""

    def when_settled(self, version: int, call: Callable[[JournalFailed | None], object], *, patient: bool = False) -> None:
        """Nothing to wait for."""
        call(None)

    async def keep_all(self, tasks: Sequence[Task]) -> None:
        """Nothing to wait for."""

    def disown(self, tasks: Sequence[Task]) -> None:
        """Nothing to forget."""

    def load(self, keep: int | None = None) -> Recovered:
        """There was nothing before."""
        return Recovered()

    def close(self) -> None:
        """Nothing to let go."""
