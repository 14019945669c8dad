"""The contestants as processes of their own, each on a free port of this machine. None outlives the `with` that began it."""

from __future__ import annotations

import hashlib
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from bench import handlers
from soak.server import Server, starting
from tasks_app.tests.processes import PATIENCE, Started, started

DJANGO = {"DJANGO_SETTINGS_MODULE": "iotask_site.settings"}
TOKEN = "bench"  # of servers that live for a minute, on loopback
BEARER = {"Authorization": f"Bearer {TOKEN}"}
LOGIN = {  # with what people are told apart by, and what they may do in a second counted, but not bounded
    "IOTASK_TOKENS": f"bench:operator:{hashlib.sha256(TOKEN.encode()).hexdigest()}",
    "IOTASK_EFFECTS_PER_SECOND": "1000000",
    "IOTASK_LAUNCHES_PER_SECOND": "1000000",
}
ROOM = {  # bounds that a benchmark is not about
    "IOTASK_HANDLERS": handlers.MODULE,
    "IOTASK_GRACE_SECONDS": "0",
    "IOTASK_MAX_WAITING": "2000000",
    "IOTASK_MAX_WAITING_PER_USER": "2000000",
    "IOTASK_MAX_RUNNING": "200000",
    "IOTASK_MAX_RUNNING_PER_USER": "200000",
    "IOTASK_LIMITS": "noop=100000,sleeper=200000,ticker=200000,beacon=1000,ping=200000",
}


@contextmanager
def iotask(folder: Path, patience: float = PATIENCE, /, **variables: str) -> Iterator[Server]:
    """IoTask under `serve`, as it is on loopback; `patience` is how long it may take to start, in seconds."""
    with starting(folder, **{**ROOM, **variables}) as process:
        process.wait_until(lambda: "IoTask is ready at" in process.said, patience)
        yield Server(process)


@contextmanager
def on_daphne(folder: Path, **variables: str) -> Iterator[str]:
    """IoTask under Daphne, as `runserver` starts it; its address."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = ("manage.py", "runserver", "--noreload", f"127.0.0.1:{port}")
    with started(folder / "said.txt", *command, **{**ROOM, **variables}) as process:
        yield _answering(process, port)


@contextmanager
def on_uvicorn(folder: Path, application: str) -> Iterator[str]:
    """An application of bench/peers on uvicorn, with the loop, the parser and the options that `serve` has; its address."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    options = ("--loop", "uvloop", "--http", "httptools", "--ws", "none", "--lifespan", "off", "--backlog", "2048")
    without = ("--log-level", "warning", "--no-access-log", "--no-server-header", "--no-proxy-headers")
    command = ("-m", "uvicorn", f"bench.peers.{application}:app", "--port", str(port), *options, *without)
    with started(folder / "said.txt", *command) as process:
        yield _answering(process, port)


def apart(folder: Path, module: str, *arguments: object, variables: Mapping[str, str] | None = None) -> float:
    """Run a module of ours as a program and return the number it says at its end. Raises RuntimeError with all it said when it fails."""
    folder.mkdir(parents=True, exist_ok=True)
    with started(folder / f"{module}.txt", "-m", module, *map(str, arguments), **{**DJANGO, **(variables or {})}) as program:
        code = program.process.wait()
        if code:
            raise RuntimeError(f"{module} ended with {code}:\n{program.said}")
        return float(program.said.splitlines()[-1])


def free_port() -> int:
    """One that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def _answering(process: Started, port: int) -> str:
    """The address, once it answers there."""
    url = f"http://127.0.0.1:{port}"
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.process.poll() is None:
        try:
            httpx.get(f"{url}/healthz")
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return url
    raise RuntimeError(f"It does not answer:\n{process.said}")
