"""A broker for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tasks_app.tests.kafka import broker as brokers


@pytest.fixture
def broker() -> Iterator[brokers.Broker]:
    """A broker without a topic, in a process of its own."""
    with brokers.broker() as found:
        yield found
