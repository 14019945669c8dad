"""One real server for all recorded conversations, with settings that make its work short."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tasks_app import runtime
from tasks_app.runtime import Runtime
from tasks_app.tests.dialects.talk import Talk, speaking
from tasks_app.tests.presenters.pages import still


@pytest.fixture(scope="session")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Talk]:
    """A client of a `serve` with short settings; its files are in `spoken.folder / "files"`."""
    with speaking(tmp_path_factory.mktemp("spoken")) as talk:
        yield talk


@pytest.fixture(scope="session")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Talk]:
    """A client of a `serve` whose pings take very long and where one task may wait."""
    folder = tmp_path_factory.mktemp("narrow")
    with speaking(folder, IOTASK_MAX_WAITING="1", IOTASK_PING_COUNT="100000", IOTASK_PING_INTERVAL="0.02") as talk:
        yield talk


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    """A runtime where tasks stay as they are put."""
    with still() as made:
        monkeypatch.setattr(runtime, "get", lambda: made)
        yield made
