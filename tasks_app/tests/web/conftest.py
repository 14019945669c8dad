"""A fresh runtime whose engine stands still, and a client that speaks to the dashboard."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any

import pytest
from django.test import AsyncClient

from tasks_app import runtime as composed
from tasks_app.conf import config_of
from tasks_app.engine.launch import parse_launch
from tasks_app.engine.task import Task
from tasks_app.runtime import Runtime

Launch = Callable[..., Task]
BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}  # what browsers say when they open a page


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    """The process's runtime for this test. Its engine never starts: tasks stay as they are put."""
    built = Runtime(config_of({"handlers": ("tasks_app.tests.web.formed",), "max_waiting": 200}))
    monkeypatch.setattr(composed, "_runtime", built)
    monkeypatch.setattr(composed, "_pid", os.getpid())
    yield built
    built.stop()


@pytest.fixture
def launch(runtime: Runtime) -> Launch:
    """Accept a task; `count` unless another type is named."""
    return lambda **given: runtime.engine.submit(parse_launch({"type": "count", **given}))


@pytest.fixture
def client(runtime: Runtime) -> AsyncClient:
    """A browser without a script. It is not asked for CSRF tokens; what is has tests of its own."""
    return Browser()


@pytest.fixture
def htmx(runtime: Runtime) -> ByHtmx:
    """A browser whose requests htmx makes, from the list."""
    return ByHtmx()


class Browser(AsyncClient):
    """Says what a browser says. (Django's own `headers` of a whole client do not arrive.)"""

    def generic(self, *args: Any, headers: Any = None, **more: Any) -> Any:
        """Every method ends here."""
        return super().generic(*args, headers={**BROWSER, **(headers or {})}, **more)


class ByHtmx:
    """Sends what htmx sends with each request."""

    def __init__(self) -> None:
        self._client = Browser()

    async def post(self, path: str, data: Any = None) -> Any:
        """As a button or a form does."""
        said = {"HX-Request": "true", "HX-Current-URL": "http://testserver/?status=pending"}
        return await self._client.post(path, data, headers=said)


def text_of(html: str) -> str:
    """What a reader sees of a page: without tags, white space folded."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def problem(html: str, name: str) -> str:
    """The sentence beside an input."""
    found = re.search(rf'id="{name.replace(".", "-")}-wrong"[^>]*><bdi>(.*?)</bdi>', html, re.DOTALL)
    assert found, f"{name} has no place for a sentence"
    return unescape(found[1])


def value(html: str, name: str) -> str:
    """The value an input shows."""
    found = re.search(rf'name="{re.escape(name)}"[^>]*?value="(.*?)"', html, re.DOTALL)
    assert found, f"there is no input {name}"
    return unescape(found[1])
