"""Whatever a test leaves behind is found, and what it lets go of is not."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import socket
import threading

import pytest

from tasks_app.tests import left_open
from tasks_app.tests.left_open import LeftOpen


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> LeftOpen:
    """A watch of its own, which does not wait."""
    monkeypatch.setattr(left_open, "PATIENCE", 0.0)
    made = LeftOpen()
    made.begin()
    return made


def test_nothing_is_left_where_nothing_is(watched: LeftOpen) -> None:
    with socket.socket(), open(os.devnull):
        pass
    assert watched.end() == []


def test_a_thread_a_socket_and_a_file_are_found(watched: LeftOpen) -> None:
    let_go = threading.Event()
    thread = threading.Thread(target=let_go.wait, name="forgotten")
    thread.start()
    with socket.socket(), open(os.devnull):
        left = watched.end()
    let_go.set()
    thread.join()
    assert len(left) == 3
    assert "forgotten" in left[0]
    assert any("socket:" in line for line in left)
    assert any("/dev/null" in line for line in left)
    assert watched.end() == []


def test_a_task_is_found_when_its_loop_ends(watched: LeftOpen) -> None:
    async def forgets() -> None:
        asyncio.create_task(asyncio.sleep(1000), name="forgotten")  # noqa: RUF006 - that is the point
        await asyncio.sleep(0)

    def end(loop: asyncio.AbstractEventLoop) -> None:
        watched.cancelled(loop)
        _cancel(loop)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("asyncio.runners._cancel_all_tasks", end)
        asyncio.run(forgets())
    assert len(watched.end()) == 1
    assert "forgotten" in watched.end()[0]


def test_an_error_that_nobody_looked_at_is_found(watched: LeftOpen) -> None:
    async def forgets() -> None:
        future = asyncio.get_running_loop().create_future()
        future.set_exception(ValueError("nobody looked"))
        del future
        gc.collect()

    logger = logging.getLogger("asyncio")
    others, logger.filters = logger.filters, [watched.heard]
    try:
        asyncio.run(forgets())
    finally:
        logger.filters = others
    assert "nobody looked" in watched.end()[0]


def _cancel(loop: asyncio.AbstractEventLoop) -> None:
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
