"""What tests of the terminal share."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tasks_app.terminal.main import main


class Typed:
    """What a command printed, and its exit code."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> list[Any]:
        """Its lines of JSON."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def only(self) -> Any:
        """Its one line of JSON."""
        (found,) = self.json
        return found


@pytest.fixture
def typed(served: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Typed]:
    """Types `manage.py tasks …` against a real server."""
    monkeypatch.setenv("IOTASK_URL", served)
    monkeypatch.delenv("IOTASK_TOKEN", raising=False)

    def run(*words: str) -> Typed:
        capsys.readouterr()
        code = main(words)
        return Typed(code, *capsys.readouterr())

    return run


@pytest.fixture
def running(typed: Callable[..., Typed]) -> Any:
    """A task that runs for minutes; it is deleted at the end."""
    task = typed("launch", "count", "to=600", "--json").only
    yield task
    typed("rm", task["id"])
