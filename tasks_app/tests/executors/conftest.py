"""A local executor for each module, so that its workers are used again; nothing may be left behind at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tasks_app.executors.local import LocalExecutor
from tasks_app.tests import scripted
from tasks_app.tests.engine.leaks import nothing_left


def pytest_configure(config: pytest.Config) -> None:
    """Name our mark."""
    config.addinivalue_line("markers", "real_time: runs with the machine's clock: real threads and processes take part")


@pytest.fixture(scope="module")
def executor() -> Iterator[LocalExecutor]:
    """Three kinds of handlers, one process."""
    with nothing_left():
        made = LocalExecutor()
        yield made
        asyncio.run(made.close())


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    """No test sees what another one's handlers did."""
    scripted.LET_GO.clear()
    scripted.ended.clear()
    yield
    scripted.LET_GO.set()
