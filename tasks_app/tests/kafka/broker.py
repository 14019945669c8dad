"""A broker in a process of its own, which outlives the server that reads from it; and a way to it that can be cut."""

from __future__ import annotations

import contextlib
import itertools
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition

from tasks_app.kafka.broker import GROUP, TOPIC
from tasks_app.tests.dialects.talk import Talk
from tasks_app.tests.processes import PATIENCE, free_port

CLUSTER = """
import sys
from confluent_kafka import Producer
cluster = Producer({"test.mock.num.brokers": 1, "log_level": 0})
found = next(iter(cluster.list_topics(timeout=60).brokers.values()))
print(f"{found.host}:{found.port}", flush=True)
sys.stdin.read()
"""
_names = itertools.count()


class Broker:
    """A cluster of one, and what a test does with it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout is not None
        self.address = process.stdout.readline().strip()

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def put(self, *messages: bytes | None) -> None:
        """Write messages, in this order, and see that they are there."""
        producer = Producer({"bootstrap.servers": self.address, "log_level": 0})
        refused: list[Any] = []
        for message in messages:
            producer.produce(TOPIC, message, partition=0, on_delivery=lambda error, _: refused.append(error) if error else None)
        assert producer.flush(PATIENCE) == 0
        assert refused == []

    def committed(self) -> int:
        """How far the group has come in the partition that `put` writes to; 0 at the start."""
        with self._consumer(GROUP) as consumer:
            return max(0, consumer.committed([TopicPartition(TOPIC, 0)], timeout=60)[0].offset)

    def messages(self, count: int) -> list[bytes]:
        """The values of so many messages, from all partitions, read by somebody else."""
        found: list[bytes] = []
        with self._consumer(f"reader-{next(_names)}") as consumer:
            partitions = consumer.list_topics(TOPIC, timeout=60).topics[TOPIC].partitions
            consumer.assign([TopicPartition(TOPIC, number, 0) for number in partitions])
            end = time.monotonic() + PATIENCE
            while len(found) < count and time.monotonic() < end:
                message = consumer.poll(0.2)
                if message is not None and not message.error():
                    found.append(message.value() or b"")
        return found

    @contextmanager
    def _consumer(self, group: str) -> Iterator[Consumer]:
        consumer = Consumer({"bootstrap.servers": self.address, "group.id": group, "enable.auto.commit": False, "log_level": 0})
        try:
            yield consumer
        finally:
            consumer.close()


@contextmanager
def broker() -> Iterator[Broker]:
    """A broker without a topic."""
    process = subprocess.Popen([sys.executable, "-c", CLUSTER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield Broker(process)
    finally:
        process.kill()
        process.communicate()


class Way:
    """A port of its own that leads to a broker, while it is open."""

    def __init__(self) -> None:
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self._listening: socket.socket | None = None

    def open(self, port: int) -> None:
        """Lead to this port."""
        self._listening = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listening, port), daemon=True).start()

    def close(self) -> None:
        """Lead nowhere; connections that stand stay."""
        if self._listening is not None:
            with contextlib.suppress(OSError):
                self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()
            self._listening = None

    def _accept(self, listening: socket.socket, port: int) -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=_lead, args=(listening.accept()[0], port), daemon=True).start()


def _lead(near: socket.socket, port: int) -> None:
    """Carry bytes both ways until either end hangs up."""
    with near, contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)) as far:
        back = threading.Thread(target=_pump, args=(far, near), daemon=True)
        back.start()
        _pump(near, far)
        back.join()


def _pump(here: socket.socket, there: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while part := here.recv(65_536):
            there.sendall(part)
    for end in (here, there):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def job(data: str, timeout: int = 3_000_000_000) -> bytes:
    """A message that is a job."""
    return b'{"timeout":%d,"data":"%s"}' % (timeout, data.encode())


def marks(talk: Talk) -> list[str]:
    """The data of all jobs of a server, in the order of their ids."""
    found: list[tuple[int, str]] = []
    request: str | None = "GET /api/v2/tasks?type=message&limit=100"
    while request:
        page = talk.ask(request).json
        found += [(task["serial"], task["params"]["data"]) for task in page["items"]]
        request = page["next"] and f"GET /api/v2/tasks?type=message&limit=100&cursor={page['next']}"
    assert len({serial for serial, _ in found}) == len(found)
    return [data for _, data in sorted(found)]


def counted(talk: Talk) -> dict[str, int]:
    """What /metrics says of messages, by outcome."""
    text = talk.ask("GET /metrics").body.decode()
    return {name: int(float(count)) for name, count in re.findall(r'iotask_kafka_messages_total\{outcome="(\w+)"\} (\S+)', text)}


def until(holds: Callable[[], object], seconds: float = 60.0) -> None:
    """Return as soon as it holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.05)


def jobs(names: Iterable[object]) -> list[bytes]:
    """A job for each of these marks."""
    return [job(str(name)) for name in names]
