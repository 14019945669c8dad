"""A socket's consumer, whatever becomes of the socket: nothing of it is left behind."""

from __future__ import annotations

import asyncio
import gc
import json
import weakref
from typing import Any

import pytest

from tasks_app import runtime as runtimes
from tasks_app.live import hub, live_consumer, viewer
from tasks_app.live.asked import held_rows
from tasks_app.live.consumers import ListConsumer
from tasks_app.pushed import PUSH, Shortcuts
from tasks_app.runtime import Runtime

SCOPE = {
    "type": "websocket",
    "path": "/live/tasks",
    "query_string": b"",
    "client": ("127.0.0.1", 40_000),
    "headers": [(b"host", b"localhost"), (b"origin", b"http://localhost")],
}


class Socket:
    """The other end of a consumer; `fails` is raised by what it sends once it was accepted."""

    def __init__(self, fails: Exception | None = None, extensions: dict[str, Any] | None = None) -> None:
        self.fails = fails
        self.extensions = extensions or {}
        self.inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.inbox.put_nowait({"type": "websocket.connect"})
        self.sent: list[dict[str, Any]] = []

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)
        if self.fails is not None and message["type"] == "websocket.send":
            raise self.fails
        if message["type"] == "websocket.close":
            self.inbox.put_nowait({"type": "websocket.disconnect", "code": message["code"]})

    def begin(self) -> asyncio.Task[None]:
        return asyncio.create_task(ListConsumer()({**SCOPE, "extensions": self.extensions}, self.inbox.get, self.send))

    @property
    def code(self) -> int | None:
        return self.sent[-1].get("code")


@pytest.fixture
def now(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Runtime:
    monkeypatch.setattr(runtimes, "get", lambda: runtime)
    return runtime


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def accepted(socket: Socket, now: Runtime) -> asyncio.Task[None]:
    consumer = socket.begin()
    await turns()
    assert socket.sent[0]["type"] == "websocket.accept"
    assert (hub.current(now).viewers, len(hub.current(now).seats)) == (1, 1)
    return consumer


def nobody_is_left(now: Runtime) -> bool:
    found = hub.current(now)
    return found.viewers == 0 and len(found.seats) == 0 and found._ticking is None


async def test_a_browser_that_goes_leaves_nothing(now):
    socket = Socket()
    consumer = await accepted(socket, now)
    socket.inbox.put_nowait({"type": "websocket.disconnect", "code": 1001})
    await consumer
    assert nobody_is_left(now)


async def test_a_socket_that_is_gone_while_something_is_answered_leaves_nothing(now):
    socket = Socket()
    consumer = await accepted(socket, now)
    socket.fails = OSError("gone")
    socket.inbox.put_nowait({"type": "websocket.receive", "text": "}{"})
    with pytest.raises(OSError, match="gone"):
        await consumer
    assert nobody_is_left(now)


async def test_a_consumer_that_is_cancelled_leaves_nothing(now):
    socket = Socket()
    consumer = await accepted(socket, now)
    consumer.cancel()
    await asyncio.wait({consumer})
    assert nobody_is_left(now)


async def test_a_frame_that_cannot_be_sent_closes_its_socket_and_the_others_get_theirs(now, launch, caplog):
    broken, whole = Socket(RuntimeError("this one")), Socket()
    consumers_ = [broken.begin(), whole.begin()]
    await turns()
    await hub.current(now).tick()
    await turns()
    assert broken.code == 1011
    assert whole.sent[-1]["type"] == "websocket.send"
    assert [record.exc_info[1] for record in caplog.records if record.name == "iotask.live"] == [broken.fails]
    caplog.clear()
    whole.inbox.put_nowait({"type": "websocket.disconnect", "code": 1001})
    await asyncio.wait(consumers_)
    assert nobody_is_left(now)


async def test_where_the_server_can_push_frames_take_the_short_way(now, launch):
    pushed: list[str] = []

    def push(text: str) -> bool:
        pushed.append(text)
        return True

    socket = Socket(extensions={PUSH: Shortcuts(push)})
    consumer = await accepted(socket, now)
    await hub.current(now).tick()
    await turns()
    assert json.loads(pushed[0])["snapshot"]
    assert [message["type"] for message in socket.sent] == ["websocket.accept"]
    socket.inbox.put_nowait({"type": "websocket.disconnect", "code": 1001})
    await consumer
    assert nobody_is_left(now)


async def test_that_frames_came_is_heard_where_it_is_read_and_anything_else_is_not(now, launch, monkeypatch):
    monkeypatch.setattr(viewer, "DEAF_SECONDS", 0.0)
    monkeypatch.setattr(live_consumer, "RATE", 3 * viewer.CREDIT)
    shortcuts = Shortcuts(lambda text: False)
    socket = Socket(extensions={PUSH: shortcuts})
    consumer = await accepted(socket, now)
    hear: Any = shortcuts.hear
    for _ in range(3 * viewer.CREDIT):
        launch()
        for _ in range(4):
            await hub.current(now).tick()
        await turns()
        assert hear(f'{{"ack":{now.store.version}}}')
    assert socket.code is None, "frames went on coming, and each was heard of"
    for text in (
        '{"ack":1}',
        '{"ack":-1}',
        '{"ack":01}',
        '{"ack":1.0}',
        '{"ack":true}',
        '{"snapshot":1}',
        '{"hold":true}',
        '{"ack":1,"ack":2}',
        "",
    ):
        assert not hear(text), "by now it is one too many, and the others are for who looks at them closely"
    socket.inbox.put_nowait({"type": "websocket.receive", "text": '{"ack":1}'})
    await turns()
    assert socket.code == 1008, "they count as all others do"
    await consumer
    assert shortcuts.hear is None
    assert nobody_is_left(now)


async def test_a_page_that_never_says_that_frames_came_is_closed_after_a_while(now, launch, monkeypatch):
    monkeypatch.setattr(viewer, "DEAF_SECONDS", 0.0)
    socket = Socket()
    consumer = await accepted(socket, now)
    for _ in range(viewer.CREDIT + 1):
        launch()
        for _ in range(4):
            await hub.current(now).tick()
        await turns()
    assert socket.code == 1013
    await consumer
    assert nobody_is_left(now)


async def test_a_page_that_says_so_stays(now, launch, monkeypatch):
    monkeypatch.setattr(viewer, "DEAF_SECONDS", 0.0)
    monkeypatch.setattr(live_consumer, "RATE_SECONDS", 0.0)
    socket = Socket()
    consumer = await accepted(socket, now)
    for _ in range(3 * viewer.CREDIT):
        launch()
        for _ in range(4):
            await hub.current(now).tick()
        socket.inbox.put_nowait({"type": "websocket.receive", "text": f'{{"ack": {now.store.version}}}'})
        await turns()
    assert socket.code is None
    socket.inbox.put_nowait({"type": "websocket.disconnect", "code": 1001})
    await consumer


@pytest.mark.parametrize(("bounds", "said"), [({"max_sockets": 1}, ["close"]), ({"max_sockets_per_user": 1}, ["accept", "close"])])
async def test_one_socket_too_many_is_refused_and_costs_no_seat(now, monkeypatch, bounds, said):
    seats = hub.current(now).seats
    monkeypatch.setattr(seats, "most", bounds.get("max_sockets", 1000))
    monkeypatch.setattr(seats, "_each", bounds.get("max_sockets_per_user"))
    first = Socket()
    consumer = await accepted(first, now)
    second = Socket()
    await second.begin()
    assert [message["type"].removeprefix("websocket.") for message in second.sent] == said
    assert second.code == (1013 if said == ["close"] else 4429)
    assert len(seats) == 1
    first.inbox.put_nowait({"type": "websocket.disconnect", "code": 1001})
    await consumer


async def test_an_order_that_was_held_stays_over_a_new_connection_and_what_came_is_counted(now, launch):
    shown = [launch() for _ in range(3)]
    kept = [shown[0], shown[2], shown[1]]
    newer = launch()
    consumer = ListConsumer()
    consumer.runtime = now
    consumer.scope = {**SCOPE, "query_string": f"sort=-created&held={now.epoch}.{'.'.join(str(task.number) for task in kept)}".encode()}  # type: ignore[typeddict-item] # all of it that is looked at
    key, make = consumer.window()
    assert key == ("held", id(consumer))
    frame = json.loads(make().snapshot())
    assert (frame["order"], frame["new_count"]) == ([task.id for task in kept], 1)
    assert newer.id not in frame["rows"]


@pytest.mark.parametrize(
    "said", ["", "{epoch}", "{epoch}.", "{epoch}.x", "another.1", "{epoch}.1,2", "{epoch}.999", "{epoch}.-1", "{epoch}" + ".1" * 51]
)
async def test_an_order_that_cannot_be_is_no_order(now, launch, said):
    launch()
    assert held_rows(f"held={said.format(epoch=now.epoch)}".encode(), now) == ()


def consumers() -> list[ListConsumer]:
    """All there are in this process."""
    return [found for found in gc.get_objects() if type(found) is ListConsumer]


async def test_a_consumer_that_is_over_does_not_wait_for_the_garbage_collector(now: Runtime) -> None:
    of_others = consumers()
    socket = Socket()
    consumer = await accepted(socket, now)
    [there] = [weakref.ref(found) for found in consumers() if found not in of_others]
    socket.inbox.put_nowait({"type": "websocket.disconnect", "code": 1000})
    await consumer
    del consumer
    await turns()
    assert there() is None
