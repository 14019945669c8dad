"""The journal that keeps nothing keeps the contract."""

from __future__ import annotations

import pytest

from tasks_app.engine.ports import Journal
from tasks_app.journal.null import NullJournal
from tasks_app.tests.journal.contract import JournalContract


class TestNullJournal(JournalContract):
    @pytest.fixture
    def journal(self) -> NullJournal:
        return NullJournal()

    def reopened(self, journal: Journal) -> Journal:
        return NullJournal()

    def test_it_does_not_claim_to_keep_anything(self, journal: Journal) -> None:
        assert not journal.durable
