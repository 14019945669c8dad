"""A journal of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks_app.journal.sqlite import SqliteJournal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where its file is."""
    return tmp_path / "j"


@pytest.fixture
def journal(path: Path) -> Iterator[SqliteJournal]:
    """On a file of its own."""
    made = SqliteJournal(path)
    yield made
    made.close()
