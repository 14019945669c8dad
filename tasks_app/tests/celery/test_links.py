"""What a connection to a broker leaves open when it breaks: nothing, before any garbage is looked for."""

from __future__ import annotations

import gc
import os
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tasks_app.executors import wire
from tasks_app.executors.cluster_app import app_of
from tasks_app.executors.link import Link
from tasks_app.tests.celery.site import Broker
from tasks_app.tests.cluster.broker import until

CALLS = ("connect", "sendall", "send", "recv", "recv_into")


class Breaking(socket.socket):
    """Calls of all sockets of the process are counted, and some of them fail."""

    calls = 0
    first = 0  # of those that fail, counted from 1; 0 for none
    many = 1


def _breaking(name: str) -> Callable[..., Any]:
    real = getattr(socket.socket, name)

    def call(self: socket.socket, *given: Any, **more: Any) -> Any:
        Breaking.calls += 1
        if 0 <= Breaking.calls - Breaking.first < Breaking.many and Breaking.first:
            raise ConnectionResetError
        return real(self, *given, **more)

    return call


for name in CALLS:
    setattr(Breaking, name, _breaking(name))


@pytest.fixture
def no_garbage_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """And sockets break as they are told to, without the pauses that client libraries make then."""
    until(lambda: not [thread for thread in threading.enumerate() if thread.name.startswith(("ear", "voice", "celery"))])
    for module in ("redis.retry", "kombu.utils.functional"):
        monkeypatch.setattr(f"{module}.sleep", lambda seconds: None)
    monkeypatch.setattr(socket, "socket", Breaking)
    monkeypatch.setattr(Breaking, "first", 0)
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def try_out(link: Link) -> None:
    """As before a word that broke a link."""
    link.try_out()


def queued(link: Link) -> None:
    """As a look does."""
    link.queued()


def tell(link: Link) -> None:
    """As a worker does, and a server that repeats what it heard."""
    link.tell(wire.ALIVE, "", wire.Alive(calls=["x"]))


def open_files() -> set[str]:
    """The numbers of descriptors."""
    return set(os.listdir("/proc/self/fd"))


def use(app: Any, do: Callable[[Link], None]) -> int:
    """Make a link, use it and close it, whatever happens; how many calls of sockets that took."""
    Breaking.calls = 0
    try:
        link = Link(app, "s")
    except Exception:  # whatever a client library raises
        return Breaking.calls
    try:
        do(link)
    except Exception:
        return Breaking.calls
    finally:
        link.close()
    return Breaking.calls


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="descriptors are counted in /proc")
@pytest.mark.usefixtures("no_garbage_is_looked_for")
@pytest.mark.parametrize("do", [try_out, queued, tell])
@pytest.mark.parametrize("many", [1, 8], ids=["once", "for good"])
def test_a_link_that_breaks_anywhere_lets_go_of_all_it_has(
    broker: Broker, do: Callable[[Link], None], many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Breaking, "many", many)
    app = app_of(broker.url)
    use(app, do)
    calls = use(app, do)
    assert calls > 10
    before, kept = open_files(), []
    for number in range(1, calls + 1):
        Breaking.first = number
        use(app, do)
        if open_files() - before:
            kept.append(number)
            before = open_files()
    assert kept == []
