"""Where the topic is, and what the client library is told about any connection to it."""

from __future__ import annotations

import logging
import re
from importlib import import_module
from typing import Any

from tasks_app.engine.errors import SetupError

TOPIC = "tasks"
GROUP = "myGroup"
PORT = 9092
ALLOWED = "allowed is HOST or HOST:PORT, such as localhost:9092"
_BROKER = re.compile(r"(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?")


class Said:
    """Takes the library's own lines, which repeat with every try to connect: they are for who looks for a fault."""

    logger = logging.getLogger("iotask.kafka.library")

    def log(self, level: int, text: str, *values: object) -> None:
        """One line, whatever the library thinks of its weight."""
        self.logger.debug(text, *values)


def address_of(broker: str) -> str:
    """HOST:PORT of what names a broker. Raises ValueError."""
    found = _BROKER.fullmatch(broker)
    if not found or not 1 <= int(found["port"] or PORT) <= 65_535:
        raise ValueError(f"{broker[:80]!r} is no broker: {ALLOWED}.")
    return f"{found['host']}:{found['port'] or PORT}"


def library() -> Any:
    """The client library. Raises SetupError with the remedy."""
    try:
        return import_module("confluent_kafka")
    except ImportError:
        raise SetupError("Jobs from Kafka need a further package: pip install -r requirements-kafka.txt") from None


def connection(address: str) -> dict[str, Any]:
    """What consumer and producer are both told. A broker that hangs is given up after 10 s, one that is down is tried twice a second."""
    return {
        "bootstrap.servers": address,
        "client.id": "iotask",
        "socket.timeout.ms": 10_000,
        "reconnect.backoff.ms": 500,
        "reconnect.backoff.max.ms": 2_000,
        "retry.backoff.ms": 500,
        "topic.metadata.refresh.interval.ms": 5_000,  # a topic that is made later is found that soon
        "logger": Said(),
    }
