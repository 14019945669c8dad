"""A runtime whose tasks the tests move by hand, and a hub that ticks when told."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tasks_app.conf import config_of
from tasks_app.engine.launch import parse_launch
from tasks_app.engine.task import Task
from tasks_app.live import hub
from tasks_app.runtime import Runtime

Launch = Callable[..., Task]


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    """Never started: nothing runs but what a test does."""
    monkeypatch.setattr(hub, "TICK", 3600.0)
    built = Runtime(config_of({}))
    yield built
    built.stop()


@pytest.fixture
def launch(runtime: Runtime) -> Launch:
    """Accept a `count` task."""

    def one(**more: object) -> Task:
        return runtime.engine.submit(parse_launch({"type": "count", **more}))

    return one
