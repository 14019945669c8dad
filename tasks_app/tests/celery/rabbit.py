"""A RabbitMQ of the tests' own, where one is installed: loopback only, all it writes in a folder, ended by its process group."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import amqp
import psutil

from tasks_app.tests.cluster.broker import until
from tasks_app.tests.processes import free_port

DEBIAN = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")  # runs as whoever starts it; the one on PATH wants to be root
ABSENT = "there is no rabbitmq-server here (Debian: apt-get install rabbitmq-server)"


def command() -> str | None:
    """The program, if there is one."""
    return str(DEBIAN) if DEBIAN.exists() else shutil.which("rabbitmq-server")


class Rabbit:
    """Keeps durable queues over `kill` and `start`, unless it is emptied between them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port, distribution, self._names = (free_port() for _ in range(3))
        self.url = f"amqp://guest:guest@127.0.0.1:{self._port}//"
        self._data = folder / "data"
        self._environ = {
            **os.environ,
            "HOME": str(folder),  # where Erlang keeps its cookie
            "RABBITMQ_NODENAME": f"iotask{secrets.token_hex(4)}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self._port),
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_MNESIA_BASE": str(self._data),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "ERL_EPMD_PORT": str(self._names),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }
        (folder / "rabbitmq.conf").write_text(f"listeners.tcp.default = 127.0.0.1:{self._port}\n")
        self._epmd = subprocess.Popen(
            ["epmd", "-port", str(self._names), "-address", "127.0.0.1"],
            env=self._environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            self.start()
        except BaseException:
            self.close()
            raise

    def start(self) -> None:
        """Start it, with what it kept."""
        program = command()
        assert program
        with (self._folder / "output").open("ab") as output:
            self._process = subprocess.Popen(
                [program],
                cwd=self._folder,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        until(self._answers, "RabbitMQ did not get ready")

    def kill(self, *, empty: bool = False) -> None:
        """At once; what it has written stays, unless it is to be empty."""
        self._all(signal.SIGKILL)
        self._process.wait()
        if empty:
            shutil.rmtree(self._data)

    def hang(self) -> None:
        """It answers nobody."""
        self._all(signal.SIGSTOP)

    def go_on(self) -> None:
        """It answers again."""
        self._all(signal.SIGCONT)

    def close(self) -> None:
        """End it and what came with it."""
        self.go_on()
        self.kill()
        self._epmd.kill()
        self._epmd.wait()

    def waiting(self, queue: str) -> int:
        """How many messages are ready in a queue; none where it was not made yet."""
        with suppress(amqp.exceptions.NotFound), amqp.Connection(f"127.0.0.1:{self._port}") as connection:
            found: Any = connection.channel().queue_declare(queue, passive=True)
            return int(found.message_count)
        return 0

    def delete(self, queue: str) -> None:
        """Take a queue away with all that is in it."""
        with amqp.Connection(f"127.0.0.1:{self._port}") as connection:
            connection.channel().queue_delete(queue)

    def _all(self, number: signal.Signals) -> None:
        for process in _family(self._process.pid):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def _answers(self) -> bool:
        with suppress(OSError, amqp.exceptions.AMQPError), amqp.Connection(f"127.0.0.1:{self._port}", connect_timeout=10, read_timeout=10):
            return True
        return False


@contextmanager
def rabbit(folder: Path) -> Iterator[Rabbit]:
    """One for a module."""
    made = Rabbit(folder)
    try:
        yield made
    finally:
        made.close()


def _family(pid: int) -> list[psutil.Process]:
    try:
        first = psutil.Process(pid)
    except psutil.NoSuchProcess:
        return []
    return [first, *first.children(recursive=True)]
