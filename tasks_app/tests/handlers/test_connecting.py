"""One TCP connection that is opened and closed at once, against listeners of every temper."""

from __future__ import annotations

import asyncio
import socket

import pytest

from tasks_app.handlers._connecting import Connecting
from tasks_app.handlers._dials import Dials
from tasks_app.tests.handlers.conftest import Listener
from tasks_app.tests.handlers.running import until


class Dialling:
    """A connection to a port of this machine, and what was heard of it."""

    def __init__(self, port: int, limit: float = 30.0) -> None:
        self.dials = Dials()
        self.dials.configure(None, 500)  # so that open ones are counted
        dialled = self.dials.socket("ann", "127.0.0.1", socket.AF_INET, socket.SOCK_STREAM, 0)
        self.heard: list[float | Exception] = []
        self.connecting = Connecting(dialled, ("127.0.0.1", port), limit, self.heard.append)

    @property
    def is_open(self) -> bool:
        return self.dials.open_to("127.0.0.1") == 1


async def test_a_listener_is_told_with_the_time_it_took_and_the_connection_is_closed(listener: Listener):
    dialling = Dialling(listener.port)
    dialling.connecting.begin()
    await until(lambda: dialling.heard)
    [took] = dialling.heard
    assert isinstance(took, float)
    assert took > 0
    assert not dialling.is_open
    await until(lambda: listener.accepted == 1)


async def test_a_port_that_refuses_is_an_error_with_its_number(closed_port: int):
    dialling = Dialling(closed_port)
    dialling.connecting.begin()
    await until(lambda: dialling.heard)
    assert [type(said) for said in dialling.heard] == [ConnectionRefusedError]
    assert not dialling.is_open


async def test_a_host_that_answers_later_is_waited_for(listener: Listener, monkeypatch: pytest.MonkeyPatch):
    """As all hosts do that are not on this machine."""
    dialling = Dialling(listener.port)
    codes = iter([115, 114])  # EINPROGRESS, EALREADY
    connect = socket.socket.connect_ex
    monkeypatch.setattr(socket.socket, "connect_ex", lambda *given: (connect(*given), next(codes))[1])
    dialling.connecting.begin()
    assert dialling.heard == []
    assert dialling.is_open
    await until(lambda: dialling.heard)
    assert isinstance(dialling.heard[0], float)
    assert not dialling.is_open


async def test_one_that_never_answers_is_given_up_after_its_time(black_hole: int):
    dialling = Dialling(black_hole, limit=0.05)
    dialling.connecting.begin()
    assert dialling.is_open
    await until(lambda: dialling.heard)
    assert [type(said) for said in dialling.heard] == [TimeoutError]
    assert not dialling.is_open


async def test_one_that_is_closed_meanwhile_tells_nobody(black_hole: int):
    dialling = Dialling(black_hole, limit=0.05)
    dialling.connecting.begin()
    dialling.connecting.close()
    dialling.connecting.close()
    assert not dialling.is_open
    later = Dialling(black_hole, limit=0.1)
    later.connecting.begin()
    await until(lambda: later.heard)
    assert dialling.heard == []


async def test_an_address_that_cannot_be_dialled_at_all_is_an_error():
    dialling = Dialling(0)
    dialling.connecting.begin()
    await asyncio.sleep(0)
    assert [isinstance(said, OSError) for said in dialling.heard] == [True]
    assert not dialling.is_open
