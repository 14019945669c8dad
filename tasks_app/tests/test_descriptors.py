"""A handler that takes every descriptor there is: that is its own failure, and the server goes on."""

from __future__ import annotations

import resource
import socket
import time
from pathlib import Path

import httpx
import psutil

from tasks_app.tests.processes import started

SPARE = 40


def test_who_was_connected_is_served_nothing_spins_and_new_ones_come_in_once_there_is_room(tmp_path: Path) -> None:
    with started(tmp_path / "output", "manage.py", "serve", "-p", "0", IOTASK_HANDLERS="tasks_app.tests.leaving_tasks") as server:
        with httpx.Client(base_url=server.url) as client:
            assert client.get("/healthz").status_code == 200
            seen = psutil.Process(server.process.pid)
            resource.prlimit(seen.pid, resource.RLIMIT_NOFILE, (seen.num_fds() + SPARE, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
            task = f"/api/v2/tasks/{client.post('/api/v2/tasks', json={'type': 'opens_sockets'}).json()['id']}"
            server.wait_until(lambda: client.get(task).json()["progress"] is not None)
            knocking = [socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))) for _ in range(20)]
            before, began = sum(seen.cpu_times()[:2]), time.monotonic()
            time.sleep(1)
            busy = (sum(seen.cpu_times()[:2]) - before) / (time.monotonic() - began)
            assert client.get("/healthz").status_code == 200, "who was connected is served"
            assert busy < 0.7, "an accept that fails again and again would take all of a processor"
            server.wait_until(lambda: client.get(task).json()["status"] == "failed")
            assert client.get(task).json()["error"]["type"] == "OSError"
            for one in knocking:
                one.close()
        server.wait_until(lambda: _answers(server.url))
        assert server.stop() == 0, server.said


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz").status_code == 200
    except httpx.TransportError:
        return False
