"""A connection without a network: what a server says is kept, what it is told is given to its protocol by hand."""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

from uvicorn import Config
from uvicorn.server import ServerState

from tasks_app.serving.connections import BoundedHttp
from tasks_app.serving.socket_connections import BoundedWebSocket

Kind = TypeVar("Kind", bound=BoundedHttp)


class Wire(asyncio.Transport):
    """A connection whose other side has said much at once, and reads everything."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = True
        self.written = b""
        self.closed = False
        self.protocol: Any = None

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True

    def write(self, data: Any) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """It takes whatever comes."""

    def get_write_buffer_size(self) -> int:
        return 0

    def get_protocol(self) -> Any:
        return self.protocol


def wired(application: Any, kind: type[Kind]) -> tuple[Wire, Kind]:
    """A wire, and our HTTP on its end in front of an application."""
    config = Config(application, lifespan="off", log_config=None, ws=BoundedWebSocket)
    config.load()
    wire, protocol = Wire(), kind(config=config, server_state=ServerState(), app_state={})
    wire.protocol = protocol
    protocol.connection_made(wire)
    return wire, protocol
