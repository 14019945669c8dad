"""Sees whether a test left a thread or a child process behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil

PATIENCE = 60.0  # seconds in which threads and processes that were told to end must have ended
_STAY = ("asyncio_", "ThreadPoolExecutor", "execnet", "pydevd")  # pools that outlive their use on purpose


@contextmanager
def nothing_left() -> Iterator[None]:
    """Fails when more threads or child processes are there at the end than at the begin."""
    threads, children = _threads(), _children()
    yield
    assert until(lambda: not _threads() - threads), f"threads left: {_threads() - threads}"
    assert until(lambda: not _children() - children), f"processes left: {[child.cmdline() for child in _children() - children]}"


def until(true: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Wait for something another thread or process does; whether it came true."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def _threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if not thread.name.startswith(_STAY)}


def _children() -> set[psutil.Process]:
    found = psutil.Process().children(recursive=True)
    return {child for child in found if child.is_running() and not _is_tracker(child)}


def _is_tracker(process: psutil.Process) -> bool:
    """Whether this is multiprocessing's resource tracker (one for the life of the process) or gone already."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE or any("resource_tracker" in part for part in process.cmdline())
    except psutil.NoSuchProcess:
        return True
