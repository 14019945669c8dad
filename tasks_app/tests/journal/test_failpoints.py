"""A process that dies at a named point around commit and answer: what was acknowledged is there, and nothing is half there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tasks_app.engine.store import Store
from tasks_app.journal.sqlite import SqliteJournal
from tasks_app.tests.journal.lives import Snapshot, after_a_crash, kept, snapshot, steps

POINTS = ("before insert", "after insert", "after all inserts", "before fsync", "after fsync", "before answer", "after answer")


class Watched:
    """Takes the place of a journal's database, and tells when it is at a point."""

    def __init__(self, database: Any, at: Callable[[str], object]) -> None:
        self._database = database
        self._at = at
        self._inserted = False

    def execute(self, statement: str, *values: Any) -> Any:
        if statement == "COMMIT":
            self._at("after all inserts")
            self._at("before fsync")
        found = self._database.execute(statement, *values)
        if statement == "COMMIT":
            self._at("after fsync")
        return found

    def executemany(self, statement: str, rows: Any) -> Any:
        first = statement.startswith("REPLACE INTO tasks")
        if first:
            self._at("before insert")
        found = self._database.executemany(statement, rows)
        if first:
            self._at("after insert")
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)


@pytest.mark.parametrize("point", POINTS)
async def test_what_was_acknowledged_is_there_wherever_it_dies(tmp_path: Path, point: str) -> None:
    journal, store = SqliteJournal(tmp_path / "j"), Store()
    store.listen(journal.record)
    history: list[Snapshot] = [{}]
    acknowledged = 0
    deaths = 0

    def at(name: str) -> None:
        nonlocal deaths
        if name == point:
            deaths += 1
            found = after_a_crash(tmp_path / "j", tmp_path / f"death{deaths}")
            assert found in history[acknowledged:], f"step {len(history)}: {acknowledged} of its predecessors were acknowledged"

    journal._file._database = Watched(journal._file._database, at)  # type: ignore[assignment]
    for step in steps(store):
        step()
        history.append(snapshot(store))  # before the writer can have written it
        settled = asyncio.create_task(journal.settled(store.version))
        await asyncio.wait_for(settled, 60)
        at("before answer")
        acknowledged = len(history) - 1
        at("after answer")
    journal.close()
    assert deaths == len(history) - 1, "once for each change"
    assert journal.trouble == ""
    assert kept(tmp_path / "j") == history[-1]
