"""What holds for every task type that comes with the program, and that they run on uvloop as well."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tasks_app.engine.registry import Registry, TaskType
from tasks_app.handlers.download import download
from tasks_app.handlers.http_check import http_check
from tasks_app.handlers.ping import ping
from tasks_app.tests.handlers.running import execute

NAMES = {"ping", "http_check", "dns_lookup", "download", "long_computation", "count", "primes", "double", "message"}
REQUIRED = {"ping": {"address": "::1"}, "http_check": {"url": "http://a.example"}, "dns_lookup": {"name": "a.example"}}


def discovered() -> Registry:
    registry = Registry()
    registry.discover("tasks_app.handlers")
    return registry


def test_all_types_are_discovered_and_none_is_broken():
    registry = discovered()
    assert {task_type.name for task_type in registry} >= NAMES
    assert registry.broken == {}


@pytest.mark.parametrize("task_type", [t for t in discovered() if t.name in NAMES], ids=lambda t: t.name)
def test_a_type_explains_itself(task_type: TaskType):
    schema = task_type.schema()
    assert task_type.title
    assert task_type.description.endswith(".")
    assert task_type.headline is not None
    assert all(field.get("description") for field in schema["properties"].values())
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize("task_type", [t for t in discovered() if t.name in NAMES], ids=lambda t: t.name)
def test_every_number_has_limits(task_type: TaskType):
    for name, field in task_type.schema()["properties"].items():
        if field.get("type") in ("integer", "number"):
            assert field.keys() >= {"minimum", "maximum", "default"}, name


def test_ping_has_no_default_address():
    assert ping.schema()["required"] == ["address"]


@pytest.fixture
def web() -> Iterator[int]:
    """A web server in a thread of its own, so that the test's loop can be any."""

    class Fine(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "100000")
            self.end_headers()
            self.wfile.write(b"x" * 100_000)

        def log_message(self, *args: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Fine) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.mark.files_stay("uvloop closes the pipes of its threads when it likes")
def test_handlers_run_on_uvloop(web: int, black_hole: int, folder: Path):
    uvloop = pytest.importorskip("uvloop")

    async def all_of_them() -> None:
        url = f"http://localhost:{web}/file"
        assert (await execute(ping, {"address": "localhost", "port": web, "count": 20, "interval": 0.01, "timeout": 10})).result[
            "received"
        ] == 20
        lost = await execute(ping, {"address": "127.0.0.1", "port": black_hole, "count": 20, "interval": 0.01, "timeout": 0.1})
        assert lost.kind == "Unreachable"
        assert (await execute(http_check, {"url": url})).completed
        assert (await execute(download, {"url": url})).completed
        assert len(asyncio.all_tasks()) == 1

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(all_of_them())
    assert (folder / "file").stat().st_size == 100_000


def test_a_probe_waits_for_its_socket_alone():
    """Sockets that share a file descriptor number one after the other must not hear of each other."""

    async def churn() -> int:
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            listening.listen(200)
            port = listening.getsockname()[1]
            ran = await asyncio.gather(
                *(execute(ping, {"address": "127.0.0.1", "port": port, "count": 20, "interval": 0.01, "timeout": 10}) for _ in range(8))
            )
            assert all(one.completed for one in ran), [one.outcome for one in ran]
            return sum(one.result["received"] for one in ran)

    assert asyncio.run(churn()) == 160
