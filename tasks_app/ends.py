"""The last steps of a server: nothing that handlers left behind, programs or threads, outlives it or holds it up."""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
import time
from contextlib import suppress
from multiprocessing.resource_tracker import _resource_tracker

import psutil

STUCK = 70  # the exit code of a server that was set to leave when too many handlers are stuck (EX_SOFTWARE of sysexits.h)
HELD_UP = 2.0  # seconds that threads which are not daemons may hold up the end of the process
_GONE = 1.0  # seconds a killed program may take to be gone


def kill_programs() -> int:
    """Kill the processes that handlers started and left, and theirs; how many."""
    tracker = getattr(_resource_tracker, "_pid", None)  # multiprocessing's own, which ends with us
    left = [found for found in psutil.Process().children(recursive=True) if found.pid != tracker]
    for found in left:
        try:
            found.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(left, timeout=_GONE)
    return len(left)


def skips_teardown() -> None:
    """Called before anything that has last words of its own: once those are said, a process that leaves in time is gone.

    Python would go on and take apart every module and record, for nobody: seconds on a busy machine, in which no thread can end it.
    """
    atexit.register(_gone)


def leave_in_time(code: int, seconds: float = HELD_UP) -> None:
    """From here on the process ends by itself with this code, or, where a thread that a handler left holds it up for so long, by force."""
    global _code
    _code = code
    threading.Thread(target=_force, args=(code, seconds), name="last resort", daemon=True).start()


_code: int | None = None  # with which the process is leaving


def _force(code: int, seconds: float) -> None:
    time.sleep(seconds)
    os._exit(code)


def _gone() -> None:
    if _code is None:
        return
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # nobody reads it any more, or somebody has closed it
            stream.flush()
    os._exit(_code)
