"""What tasks may dial, seen from outside: real servers, their own ports, and what they tell of it."""

from __future__ import annotations

import contextlib
import re
import socket
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tasks_app.tests.processes import Started, started
from tasks_app.tests.test_env import manage

WORDS = "Tasks may not dial this address"
OPEN = ("--host", "0.0.0.0", "--i-know-this-is-open")


@contextlib.contextmanager
def serving(folder: Any, *flags: str, **variables: str) -> Iterator[Started]:
    with started(folder / "output", "manage.py", "serve", "-p", "0", *flags, IOTASK_GRACE_SECONDS="0.2", **variables) as process:
        yield process
        assert process.stop() == 0, process.said


@pytest.fixture(scope="module")
def listening() -> Iterator[int]:
    """A port of this machine where somebody else listens."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """A server that other machines can reach, with nothing said about targets."""
    with serving(tmp_path_factory.mktemp("opened"), *OPEN) as process:
        yield process


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory, listening: int) -> Iterator[Started]:
    """The same with a list of targets."""
    with serving(tmp_path_factory.mktemp("listed"), *OPEN, IOTASK_TARGETS=f"127.0.0.0/8:{listening},10.1.2.0/24:443") as process:
        yield process


def ended(server: str, type: str, **params: Any) -> dict[str, Any]:
    """A task of this type, once it has ended."""
    end = time.monotonic() + 60
    with httpx.Client(base_url=f"{server}/api/v2") as client:
        task = client.post("/tasks", json={"type": type, "params": params}).raise_for_status().json()
        while task["status"] in ("pending", "processing"):
            assert time.monotonic() < end, task
            time.sleep(0.01)
            task = client.get(f"/tasks/{task['id']}").raise_for_status().json()
    return dict(task)


def ping(url: str, host: str, port: int) -> str:
    """How a short ping ends: its status, or the kind of its error."""
    task = ended(url, "ping", address=host, port=port, count=1, timeout=1)
    if task["error"] and task["error"]["type"] == "blocked_address":
        assert task["error"]["message"] == WORDS
        assert task["result"] is None
        return "blocked_address"
    return str(task["status"])


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0", "::1", "::ffff:127.0.0.1", "127.8.8.8"])
def test_a_server_for_this_machine_alone_dials_its_neighbours_but_not_itself(served: str, listening: int, host: str):
    assert ping(served, host, port_of(served)) == "blocked_address"
    if host in ("127.0.0.1", "localhost", "::ffff:127.0.0.1"):
        assert ping(served, host, listening) == "completed"


def test_no_task_asks_the_server_for_its_own_pages(served: str):
    for type in ("http_check", "download"):
        task = ended(served, type, url=f"{served.replace('127.0.0.1', 'localhost')}/api/v2/tasks")
        assert (task["error"]["type"], task["error"]["message"]) == ("blocked_address", WORDS)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "10.0.0.1", "169.254.169.254", "::1", "64:ff9b::a00:1"])
def test_a_server_that_others_can_reach_dials_nothing_private(opened: Started, listening: int, host: str):
    assert ping(opened.url, host, listening) == "blocked_address"
    assert ping(opened.url, host, port_of(opened.url)) == "blocked_address"


def test_a_list_is_all_there_is(listed: Started, listening: int):
    assert ping(listed.url, "127.0.0.1", listening) == "completed"
    for host, port in (("127.0.0.1", port_of(listed.url)), ("127.0.0.1", 9), ("10.1.2.3", 80), ("10.1.3.3", 443), ("8.8.8.8", 443)):
        assert ping(listed.url, host, port) == "blocked_address", (host, port)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "localhost", "::ffff:10.0.0.1"])
def test_the_dialect_iotask_refuses_what_is_refused_as_it_is_written(opened: Started, address: str):
    for base in ("", "/compat/iotask"):
        answer = httpx.post(f"{opened.url}{base}/tasks/ping", json={"address": address})
        assert (answer.status_code, answer.text) == (400, "invalid request body\n")
    answer = httpx.post(f"{opened.url}/tasks/ping", json={"address": "8.8.8.8"})
    assert answer.status_code == 201
    httpx.delete(f"{opened.url}/tasks/{answer.json()['task_id']}")


def test_the_dialect_iotask_refuses_the_host_that_is_set_where_it_may_not_be_dialled(opened: Started):
    for path in ("/tasks/ping", "/compat/iotask/tasks/ping", "/compat/iotask/tasks"):
        answer = httpx.post(f"{opened.url}{path}")
        assert (answer.status_code, answer.text) == (400, "invalid request body\n"), path


def test_the_start_says_what_may_be_dialled(opened: Started, listed: Started, listening: int):
    assert opened.url
    assert re.search(r"targets=public[ :].*Tasks may dial public", opened.said), opened.said
    assert listed.url
    assert f"Tasks may dial 127.0.0.0/8:{listening},10.1.2.0/24:443" in listed.said


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("IOTASK_TARGETS", "everything!"),
        ("IOTASK_TARGETS", "10.0.0.0/33"),
        ("IOTASK_HTTP_PORTS", "http"),
        ("IOTASK_TARGETS_METADATA", "maybe"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_a_sentence_that_names_it(variable: str, value: str):
    ran = manage("serve", "-p", "0", **{variable: value})
    assert ran.returncode in (1, 2)
    assert variable in ran.stderr
    assert "allowed: " in ran.stderr
    assert "Traceback" not in ran.stderr
