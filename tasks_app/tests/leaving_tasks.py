"""A task type that leaves behind what it can: a thread that is no daemon, and a program."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time

from tasks_app.engine.context import Context
from tasks_app.engine.registry import Params, task_type

FOR_LONG = 600


@task_type("leaves_things")
async def leaves_things(params: Params, context: Context) -> int:
    """The number of the program's process."""
    threading.Thread(target=time.sleep, args=(FOR_LONG,), daemon=False).start()
    program = subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({FOR_LONG})"])  # noqa: ASYNC220 - badly, on purpose
    return program.pid


@task_type("leaves_a_program", cpu_bound=True)
def leaves_a_program(params: Params, context: Context) -> int:
    """The same from a worker process."""
    return subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({FOR_LONG})"]).pid


@task_type("opens_sockets")
async def opens_sockets(params: Params, context: Context) -> int:
    """Opens sockets until there are none left, holds them for a while, and fails."""
    found = []
    try:
        while True:
            found.append(socket.socket())
    except OSError:
        context.progress(len(found))
        await context.sleep(2)
        raise
    finally:
        for one in found:
            one.close()
