"""Lines of the audit that come in one turn of a loop are written together: each write to the disk lets other threads go first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from tasks_app.auth.audit import audit
from tasks_app.auth.entries import Entry
from tasks_app.engine.loops import EachLoop

Told = Callable[[Exception | None], object]


class TurnOfBooks:
    """What one loop has to write down in this turn."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._told: list[Told] = []

    def enter(self, entry: Entry, told: Told) -> None:
        """Write it at the end of this turn. `told` hears when it is in the file, as far as that can be: None, or what `audit.keep`
        raised."""
        if not self._entries:
            asyncio.get_running_loop().call_soon(self._write)
        self._entries.append(entry)
        self._told.append(told)

    def write(self, entry: Entry) -> asyncio.Future[None]:
        """The same for whoever awaits it; who gives up waiting does so for himself."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.enter(entry, partial(_tell, written))
        return written

    def _write(self) -> None:
        entries, told = self._entries, self._told
        self._entries, self._told = [], []
        failed: Exception | None = None
        try:
            audit.keep(entries)
        except Exception as error:
            failed = error
        for tell in told:
            try:
                tell(failed)
            except Exception as error:  # of one of them, which is nothing to the others
                asyncio.get_running_loop().call_exception_handler({"message": "after a line of the audit", "exception": error})


def _tell(written: asyncio.Future[None], failed: Exception | None) -> None:
    if written.done():
        return
    if failed is None:
        written.set_result(None)
    else:
        written.set_exception(failed)


turn_of_books = EachLoop(TurnOfBooks)
