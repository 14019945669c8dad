"""How many connections may be open: counted, and refused one past the bound under a real server."""

from __future__ import annotations

import resource
import socket
from pathlib import Path

import httpx
import websockets.sync.client
from websockets.typing import Origin

from tasks_app.crowds import USUAL, Crowd, room_for
from tasks_app.tests.processes import started


def test_each_address_has_its_bound_and_all_together_have_one():
    crowd = Crowd(most=4, each=2)
    assert [crowd.enter("a"), crowd.enter("a"), crowd.enter("a")] == [True, True, False]
    crowd.leave("a")
    assert [crowd.enter("b"), crowd.enter("b"), crowd.enter("c")] == [True, True, False]
    assert len(crowd) == 5


def test_addresses_of_this_machine_have_no_bound_of_their_own_unless_one_is_set():
    crowd = Crowd(most=10_000, each=None)
    assert all(crowd.enter(address) for address in ("127.0.0.1", "::1", "") for _ in range(USUAL + 1))
    assert [crowd.enter("192.0.2.1") for _ in range(USUAL + 1)] == [True] * USUAL + [False]


def test_room_is_made_as_far_as_the_process_may():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (600, before[1]))
        assert room_for(1000) == 1000 or before[1] < 1256
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= 1000
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_one_connection_too_many_is_told_so_and_the_others_go_on(tmp_path: Path):
    limits = {"IOTASK_MAX_CONNECTIONS_PER_ADDRESS": "5"}
    with started(tmp_path / "output", "manage.py", "serve", "-p", "0", **limits) as server:
        host, port = server.url.removeprefix("http://").split(":")
        with httpx.Client(base_url=server.url) as client:
            assert client.get("/healthz").status_code == 200
            with websockets.sync.client.connect(f"ws://{host}:{port}/live/tasks", origin=Origin(server.url)) as live:
                silent = [socket.create_connection((host, int(port))) for _ in range(3)]
                with socket.create_connection((host, int(port))) as one_more:
                    said = one_more.recv(4096)
                    assert said.startswith(b"HTTP/1.1 503 ")
                    assert b"Retry-After: 10" in said
                    assert b"too_many_connections" in said
                assert client.get("/healthz").status_code == 200
                assert live.recv(timeout=60)
                for one in silent:
                    one.close()
                server.wait_until(lambda: _has_room(host, int(port)))
        assert server.stop() == 0, server.said


def _has_room(host: str, port: int) -> bool:
    with socket.create_connection((host, port)) as one:
        one.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return one.recv(100).startswith(b"HTTP/1.1 200 ")
