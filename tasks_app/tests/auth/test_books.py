"""Lines of the audit that come in one turn share their way to the disk, and nothing else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tasks_app.auth.audit import audit
from tasks_app.auth.books import TurnOfBooks
from tasks_app.auth.entries import Entry
from tasks_app.auth.principal import NOBODY_ASKED


def line() -> Entry:
    return audit.made(NOBODY_ASKED, "", "launch", "a task")


async def test_who_gives_up_waiting_gives_up_for_himself(monkeypatch: pytest.MonkeyPatch):
    kept: list[Entry] = []
    monkeypatch.setattr(audit, "keep", kept.extend)
    turn = TurnOfBooks()
    first, second = turn.write(line()), turn.write(line())
    first.cancel()
    await second
    assert len(kept) == 2


async def test_what_cannot_be_written_is_told_to_all_who_wait_and_to_nobody_after_them(monkeypatch: pytest.MonkeyPatch):
    def full(entries: Any) -> None:
        raise MemoryError

    turn = TurnOfBooks()
    with monkeypatch.context() as broken:
        broken.setattr(audit, "keep", full)
        told = await asyncio.gather(turn.write(line()), turn.write(line()), return_exceptions=True)
    assert [type(error) for error in told] == [MemoryError, MemoryError]
    kept: list[Entry] = []
    monkeypatch.setattr(audit, "keep", kept.extend)
    await turn.write(line())
    assert len(kept) == 1
