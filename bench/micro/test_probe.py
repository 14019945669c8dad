"""One probe of a ping: from the moment it is due until it is told, against a listener of this machine."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tasks_app.engine.context import Context
from tasks_app.engine.ports import SystemClock
from tasks_app.engine.trail import Trail
from tasks_app.handlers._egress import door
from tasks_app.handlers._probes import Target
from tasks_app.handlers.ping import PingParams, Probes

COUNT = 100


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """A listener that has room for all probes of a round, and may be dialled."""
    door.configure("127.0.0.0/8", dials=(1_000_000, 1_000_000))
    with socket.create_server(("127.0.0.1", 0), backlog=2 * COUNT) as made:
        yield made


def test_a_hundred_probes_of_a_listener_that_answers(benchmark: BenchmarkFixture, listening: socket.socket) -> None:
    trail = Trail()
    context = Context(task_id="x", number=1, type="ping", attempt=1, clock=SystemClock(), trail=lambda: trail, report=lambda *_: None)
    params = PingParams(address="127.0.0.1", port=listening.getsockname()[1], count=100_000, interval=3600.0)

    async def probed() -> Probes:
        target = Target(params.address, params.port)
        await target.addresses()
        return Probes(params, context, target)

    def taken() -> None:
        for _ in range(COUNT):
            listening.accept()[0].close()

    with asyncio.Runner() as runner:
        probes = runner.run(probed())

        async def begun() -> None:
            for _ in range(COUNT):
                probes.begin_next()
                probes.close()  # its timer: the next one is begun by hand

        benchmark.pedantic(lambda: runner.run(begun()), teardown=taken, rounds=20)
    assert trail.series["Round-trip"].lost == 0
    assert trail.lines_written == 20 * COUNT
