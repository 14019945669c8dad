"""What a test leaves open: tasks of its loop, threads, descriptors, and errors that nobody looked at. Costs a test some 0.2 ms."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import socket
import threading
import time
from asyncio import runners
from importlib import import_module
from multiprocessing.resource_tracker import _resource_tracker
from typing import Any

PATIENCE = 30.0  # seconds in which what was told to end must have ended
GARBAGE = 1.0  # seconds after which garbage is looked for, where that is asked for
STAYING_THREADS = (
    "execnet",  # pytest-xdist's way to talk to its workers
    "log",  # of an Outbox: one a process, for as long as the process lives
    "file_",  # the pool in which handlers write files: one a process, made when first needed
    "json",  # the thread that reads large bodies: one a process
    "password",  # the pool in which passwords are hashed: one a process
    "ThreadPoolExecutor-0_",  # asgiref's one thread for code that is not async
    "asyncio-portal",  # of a schemathesis session, which goes on over many tests
)
ENDINGS = (
    "(_run_safe_shutdown_loop)",  # pycares closes its channels there: one a process
)
STAYING_FILES = (
    "/dev/urandom",  # opened once by whoever draws from it first
    "anon_inode:[pidfd]",  # psutil waits for processes with these, and lets go of them later
    "/proc/",  # psutil reads, and may be in the middle of it
)
Files = frozenset[tuple[str, str]]


class LeftOpen:
    """Compares what is open before and after each test."""

    def __init__(self) -> None:
        self._threads: set[threading.Thread] = set()
        self._files: Files = frozenset()
        self._tasks: list[str] = []
        self._said: list[str] = []

    def begin(self) -> None:
        """A test is about to run; its fixtures are there already, and whatever outlives it was open before."""
        self._threads, self._files = _threads(), _files()
        self._tasks.clear()
        self._said.clear()

    def end(self, *, files_may_stay: bool = False, garbage: bool = False) -> list[str]:
        """What is left once the fixtures have let go, as sentences. With `garbage` that is looked for first: where a client library's
        connection that broke lies in a cycle with what it raised."""
        threads = _after_a_while(lambda: _threads() - self._threads)
        files = () if files_may_stay else _after_a_while(lambda: _files() - self._files, garbage=garbage)
        found = [f"a thread: {thread}" for thread in threads]
        found += [f"a descriptor: {number} on {name}{_where(number)}" for number, name in files]
        return found + [f"a task: {task}" for task in self._tasks] + self._said

    def heard(self, record: logging.LogRecord) -> bool:
        """A filter of asyncio's log: errors that were never retrieved are told there and nowhere else."""
        text = record.getMessage()
        if "never retrieved" in text:
            self._said.append(f"{text}\n{logging.Formatter().formatException(record.exc_info) if record.exc_info else ''}")
        return True

    def cancelled(self, loop: asyncio.AbstractEventLoop) -> None:
        """A loop is about to end, and will cancel what is left on it."""
        self._tasks += [repr(task) for task in asyncio.all_tasks(loop)]


def watch() -> LeftOpen:
    """Begin to watch, for as long as the process lives."""
    made = LeftOpen()
    with contextlib.suppress(ImportError):  # the library under uvloop makes a pipe for all loops of the process with the first of them
        import_module("uvloop").new_event_loop().close()
    cancel_all: Any = runners._cancel_all_tasks  # type: ignore[attr-defined] # a loop of a test ends here and nowhere else

    def cancel(loop: asyncio.AbstractEventLoop, *rest: Any) -> None:
        made.cancelled(loop)
        cancel_all(loop, *rest)

    runners._cancel_all_tasks = cancel  # type: ignore[attr-defined]
    logging.getLogger("asyncio").addFilter(made.heard)
    return made


def _threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if not (thread.name.startswith(STAYING_THREADS) or thread.name.endswith(ENDINGS))}


def _files() -> Files:
    found = set()
    tracker = str(_resource_tracker._fd)  # type: ignore[attr-defined] # multiprocessing's: one a process
    for number in os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else ():
        try:
            name = os.readlink(f"/proc/self/fd/{number}")
        except OSError:  # that of listdir itself
            continue
        if not name.startswith(STAYING_FILES) and number != tracker:
            found.add((number, name))
    return frozenset(found)


def _after_a_while(left: Any, *, garbage: bool = False) -> Any:
    """What is left, once it is nothing or patience is over."""
    begun, looked = time.monotonic(), not garbage
    while (found := left()) and (waited := time.monotonic() - begun) < PATIENCE:
        if waited > GARBAGE and not looked:
            looked = True
            gc.collect()
        time.sleep(0.005)
    return found


def _where(number: str) -> str:
    """The two ends of a socket, for whoever has to find out whose it is."""
    said = ""
    with contextlib.suppress(OSError), contextlib.ExitStack() as rest:
        copied = os.dup(int(number))
        rest.callback(os.close, copied)
        found = socket.socket(fileno=copied)
        rest.pop_all()
        with found:
            said = f" at {found.getsockname()}"
            said += f", to {found.getpeername()}"
    return said
