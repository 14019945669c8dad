"""What several lives of one engine need: a journal without a thread, so that nothing depends on chance, and a death."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from tasks_app.engine.engine import Engine
from tasks_app.engine.events import Change
from tasks_app.engine.ports import Recovered
from tasks_app.journal.sqlite import SqliteJournal
from tasks_app.tests import scripted


class InlineJournal(SqliteJournal):
    """The journal as it is, whose commits happen at the next turn of a loop instead of in a thread."""

    def __init__(self, path: Path, loop: asyncio.AbstractEventLoop) -> None:
        path.parent.mkdir(exist_ok=True)
        self._loop = loop
        self._due = False
        super().__init__(path)
        self._thread.join()
        self._file._database.execute("PRAGMA synchronous = OFF")  # no power is cut here

    def _write_on(self) -> None:
        """Nothing: there is a loop."""

    def record(self, changes: Sequence[Change]) -> None:
        """Take changes in, and write them at the next turn."""
        super().record(changes)
        self._commit_soon()

    def load(self, keep: int | None = None) -> Recovered:
        """As ever; what is old leaves at the next turns."""
        found = super().load(keep)
        self._commit_soon()
        return found

    def has_all(self, version: int) -> bool:
        """Whether everything up to this version was committed."""
        return not self._changes and min(version, self._seen) <= self._safe

    def _commit_soon(self) -> None:
        if not self._due:
            self._due = True
            self._loop.call_soon(self._commit)

    def _commit(self) -> None:
        self._due = False
        if self._closing.is_set():
            return
        assert self._turn(), self.trouble
        if self._changes or self._old:
            self._commit_soon()


async def gone(engine: Engine) -> None:
    """A process is killed: nothing of an engine goes on, and nothing is settled."""
    engine._dispatcher.stop_timers()
    engine._dispatcher.stop()
    engine.journal._closing.set()  # type: ignore[attr-defined] # what it would still write is not written
    for live in engine.runner._live.values():
        live.settled = True
        for timer in live.timers:
            timer.cancel()
    scripted.LET_GO.set()
    left = asyncio.all_tasks() - {asyncio.current_task()}
    while left:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=1)
        left = {task for task in left if not task.done()}
    scripted.LET_GO.clear()
