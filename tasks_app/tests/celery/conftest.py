"""A broker, its workers and an executor for each module: each costs seconds of computing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tasks_app.executors.celery import CeleryExecutor
from tasks_app.tests.celery import site


def pytest_configure(config: pytest.Config) -> None:
    """Name our mark, that of the executors' contract."""
    config.addinivalue_line("markers", "real_time: runs with the machine's clock: real threads and processes take part")


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[site.Broker]:
    """A Valkey."""
    with site.broker(tmp_path_factory.mktemp("broker")) as made:
        yield made


@pytest.fixture(scope="module")
def executor(broker: site.Broker) -> Iterator[CeleryExecutor]:
    """Sends to that broker."""
    with site.executor(broker.url) as made:
        yield made
