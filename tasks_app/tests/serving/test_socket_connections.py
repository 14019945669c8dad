"""WebSockets as `serve` speaks them: by the book, and never for somebody who does not listen."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import kosoku
import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from tasks_app.pushed import encoded
from tasks_app.serving import conversation, socket_connections
from tasks_app.serving.connections import BoundedHttp
from tasks_app.serving.conversation import LARGE, Conversation, Taken, in_the_kernel
from tasks_app.serving.inbox import MAX_MESSAGE
from tasks_app.serving.socket_connections import LEFT, BoundedWebSocket
from tasks_app.tests.live.raw import CLOSE, PATIENCE, PING, TEXT, Closed, SlowPage, frame, opened

AUTOBAHN = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*"]  # of its cases; the others measure, or compress
CONFORMING = ("OK", "NON-STRICT", "INFORMATIONAL")
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
MUCH = json.dumps({"version": 1, "text": "x" * 200_000})


@pytest.fixture(autouse=True)
async def nobody_waits_for_ever() -> Any:
    async with asyncio.timeout(2 * PATIENCE):
        yield


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in {"LOOK_EVERY": 0.05, "STALLED_SECONDS": 1.5, "CLOSING_SECONDS": 0.5, "LISTEN_ON_SECONDS": 1.0}.items():
        monkeypatch.setattr(socket_connections, name, seconds)
    monkeypatch.setattr(conversation, "AT_ONCE", 0.05)
    monkeypatch.setattr(conversation, "LATE", 0.1)


class Application:
    """Accepts sockets, keeps what they do, and does what a test wants with them."""

    def __init__(self, then: Any) -> None:
        self._then = then
        self.failed: list[BaseException] = []
        self.over = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            assert (await receive())["type"] == "websocket.connect"
            await send({"type": "websocket.accept"})
            await self._then(receive, send)
        except OSError as error:
            self.failed.append(error)
        finally:
            self.over.set()


async def echo(receive: Any, send: Any) -> None:
    while (message := await receive())["type"] == "websocket.receive":
        await send({**message, "type": "websocket.send"})


async def talk(receive: Any, send: Any) -> None:
    while True:
        await send({"type": "websocket.send", "text": MUCH})


@asynccontextmanager
async def serving(application: Any, **more: Any) -> AsyncIterator[tuple[str, set[Any]]]:
    """The address of a server in this process, and its open connections."""
    config = Config(application, lifespan="off", log_config=None, log_level="warning", ws=BoundedWebSocket, **more)
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: BoundedHttp(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", state.connections
        await until(lambda: not state.connections and not state.tasks)


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.01)


@pytest.fixture
def modules_as_they_were() -> Iterator[None]:
    """Kosoku puts stand-ins for modules it wants on the path, which others would take for the real ones."""
    path, names = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - names:
        if "kosoku/shim" in (getattr(sys.modules[name], "__file__", None) or ""):
            del sys.modules[name]


@pytest.mark.usefixtures("modules_as_they_were")
@pytest.mark.files_stay("kosoku's own runtime lives as long as the process")
async def test_it_conforms_to_autobahns_cases(monkeypatch):
    """Without the pings that show how far a reader is: its cases take every ping for an answer to something."""
    monkeypatch.setattr(Taken, "mark", lambda *_, **more: b"")
    async with serving(Application(echo)) as (address, _):
        try:
            found = await kosoku.run_fuzzingclient(address.removeprefix("http://"), AUTOBAHN, concurrency=8)
        except kosoku.FailureError as failed:
            found = failed.results
    assert len(found) > 200
    assert [
        (case.case_id, case.behavior.value, case.behavior_close.value)
        for case in found
        if case.behavior.value not in CONFORMING or case.behavior_close.value not in CONFORMING
    ] == []


def connections() -> list[Any]:
    """All there are in this process. A weak proxy asks whom it stands for which class he is of, and he may be gone."""
    return [found for found in gc.get_objects() if issubclass(type(found), (BoundedHttp, BoundedWebSocket, Conversation))]


async def test_what_is_over_does_not_wait_for_the_garbage_collector():
    """Which does not run in tests. A thousand pages that come and go held hundreds of megabytes until it did."""
    of_others = connections()

    def ours() -> bool:
        return len(connections()) > len(of_others)

    async with serving(Application(echo)) as (address, _):
        async with opened(address) as client:
            await client.say("1")
            assert await client.hear() == 1
            assert ours()
        await until(lambda: not ours())
        reader, writer = await asyncio.open_connection(*address.removeprefix("http://").split(":"))
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        await until(ours)
        writer.close()
        assert not await reader.read()
        await until(lambda: not ours())


@pytest.mark.parametrize(
    "last",
    [
        frame(CLOSE),
        frame(CLOSE, b"\x03\xe8"),
        b"\xff" * 16,
        frame(TEXT, b"\xff"),
        frame(TEXT, announced=MAX_MESSAGE + 1),
        frame(PING)[:1],
        b"",
    ],
)
async def test_nor_does_it_however_it_ends(quick, last):
    """A parser and the errors it met hold the conversation they belong to."""
    of_others = connections()
    async with serving(Application(echo)) as (address, _):
        async with opened(address) as client:
            await client.say("1")
            assert await client.hear() == 1
            assert any(type(found) is Conversation for found in connections())
            await client.send(last)
        await until(lambda: len(connections()) <= len(of_others))


async def test_whoever_stops_reading_is_let_go_and_little_is_kept_for_him_meanwhile(quick):
    application = Application(talk)
    async with serving(application) as (address, connections), opened(address, receive_buffer=4096) as client:
        client.stop_reading()
        kept = []
        while not application.over.is_set():
            kept += [connection.transport.get_write_buffer_size() for connection in connections]
            await asyncio.sleep(0.01)
    assert application.failed
    assert max(kept) <= 65_536


@pytest.mark.parametrize("buffer", [4096, 16_384, 0])
async def test_whoever_reads_slowly_is_not_let_go(quick, buffer, monkeypatch):
    """Whatever his kernel keeps for him: he answers pings as he comes to them."""
    monkeypatch.setattr(socket_connections, "STALLED_SECONDS", 2.0)  # long enough for a machine that has other things to do
    application = Application(talk)
    async with serving(application) as (address, _), opened(address, receive_buffer=buffer) as client:
        page = SlowPage(client)
        await page.read(3.0, 1000, 0.05)  # longer than without a sign
        assert not application.over.is_set()
        await page.leave()


async def test_a_goodbye_to_whoever_does_not_read_ends_the_connection(quick):
    async def leave(receive: Any, send: Any) -> None:
        talking = asyncio.create_task(talk(receive, send))
        await asyncio.sleep(0.2)
        await send({"type": "websocket.close", "code": 4401})
        await asyncio.wait({talking})
        assert isinstance(talking.exception(), OSError)

    async with serving(Application(leave)) as (address, connections), opened(address, receive_buffer=4096) as client:
        client.stop_reading()
        await until(lambda: not connections)


async def test_a_message_in_pieces_is_one_message_and_goodbyes_and_pongs_may_stand_between_them():
    async def both(receive: Any, send: Any) -> None:
        await asyncio.gather(*(send({"type": "websocket.send", "text": f'"{letter * 100_000}"'}) for letter in "ab"))
        await receive()

    async with serving(Application(both)) as (address, _), opened(address) as client:
        await client.send(frame(PING, b"1"))
        assert [await client.hear() for _ in "ab"] == ["a" * 100_000, "b" * 100_000]
        await client.send(frame(PING, b"2"), frame(CLOSE, b"\x03\xe8"))
        assert (await client.end()).code == 1000
        assert client.pongs == 2


async def test_whoever_says_more_while_he_is_sent_something_large_gets_it_all(quick):
    """His answers to the pings in it come behind what he says, and nobody takes that before the large thing is sent."""

    async def answer(receive: Any, send: Any) -> None:
        while (await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": MUCH})

    async with serving(Application(answer)) as (address, _), opened(address) as client:
        await client.send(*[frame(TEXT, b"1")] * 3)
        assert [len((await client.hear())["text"]) for _ in range(3)] == [200_000] * 3


async def test_the_answer_to_a_ping_is_found_behind_much_that_waits_for_an_application_that_waits_for_it(quick):
    async def answer(receive: Any, send: Any) -> None:
        await send({"type": "websocket.send", "text": MUCH})
        await echo(receive, send)

    async with serving(Application(answer)) as (address, _), opened(address) as client:
        said = "x" * 60_000
        for _ in range(3):
            await client.say(f'"{said}"')
        assert len((await client.hear())["text"]) == 200_000
        assert [await client.hear() for _ in range(3)] == [said] * 3


async def test_whoever_says_far_too_much_and_takes_nothing_is_told_so(quick):
    async with serving(Application(talk)) as (address, _), opened(address) as client:
        client.answers_pings = False
        for _ in range(5):
            await client.say("x" * 60_000)
        assert (await client.end()).code == 1008


@pytest.mark.parametrize(("said", "code"), [(b"\xff" * 1000, 1002), (frame(TEXT, announced=2**30), 1009)])
async def test_whoever_talks_on_behind_nonsense_still_reads_why_he_is_sent_away(said, code):
    """A reset would overtake the farewell: who writes on into it never gets to read."""
    async with serving(Application(echo)) as (address, connections), opened(address) as client:
        client.stop_reading()
        await client.send(said, b"x" * 1_000_000)
        await until(lambda: all(connection.close_sent for connection in connections))
        with suppress(OSError):
            await client.send(b"x")
        client.start_reading()
        assert (await client.end()).code == code


async def test_whoever_never_answers_a_ping_is_not_there_any_more():
    async with serving(Application(echo), ws_ping_interval=0.1, ws_ping_timeout=0.3) as (address, _), opened(address) as client:
        client.answers_pings = False
        assert (await client.end()).code == 1011


async def test_whoever_answers_pings_stays():
    async with serving(Application(echo), ws_ping_interval=0.05, ws_ping_timeout=1.5) as (address, _), opened(address) as client:
        listening = asyncio.create_task(client.hear())
        await asyncio.sleep(2)
        await client.send(frame(TEXT, b"1"))
        assert await listening == 1


async def test_a_server_that_stops_says_when_to_come_back():
    async with serving(Application(echo)) as (address, connections), opened(address) as client:
        await client.say("1")
        await client.hear()
        for connection in list(connections):
            connection.shutdown()
        closed = await client.end()
    assert (closed.code, closed.reason) == (1012, "Retry-After: 3")


async def test_a_message_as_long_as_allowed_is_taken_in_one_piece_or_in_many():
    text = b'"' + b"a" * (MAX_MESSAGE - 2) + b'"'
    async with serving(Application(echo)) as (address, _), opened(address) as client:
        await client.send(frame(TEXT, text))
        assert len(str(await client.hear())) == MAX_MESSAGE - 2
        parts = [text[start : start + 1000] for start in range(0, len(text), 1000)]
        await client.send(frame(TEXT, parts[0], fin=False), *(frame(0, part, fin=False) for part in parts[1:-1]), frame(0, parts[-1]))
        assert len(str(await client.hear())) == MAX_MESSAGE - 2


async def test_what_is_not_read_yet_is_kept_by_nobody_twice():
    """A text that goes to many is encoded once."""
    assert encoded(MUCH) is encoded(MUCH)
    assert LARGE + LEFT <= 65_536


async def test_the_kernel_is_asked_what_it_still_has_for_somebody():
    server = socket.create_server(("127.0.0.1", 0))
    with server, socket.create_connection(server.getsockname()) as client:
        near, _ = server.accept()
        near.setblocking(False)
        with near:
            transport = type("Transport", (), {"get_extra_info": lambda self, name: near})()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            while True:
                try:
                    near.send(b"x" * 65_536)
                except BlockingIOError:
                    break
            assert in_the_kernel(transport) > 65_536


async def test_an_application_hears_of_the_end_however_it_comes():
    async def wait(receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "websocket.disconnect"

    for kind in ("close", "cut"):
        application = Application(wait)
        async with serving(application) as (address, _), opened(address) as client:
            if kind == "close":
                await client.send(frame(CLOSE))
                with pytest.raises(Closed):
                    await client.hear()
            else:
                client.writer.transport.abort()
            await application.over.wait()
        assert not application.failed


async def test_who_hangs_up_before_the_socket_is_accepted_makes_no_error(caplog: pytest.LogCaptureFixture):
    arrived, gone, over = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "websocket.connect"
        arrived.set()
        assert (await receive())["type"] == "websocket.disconnect"
        gone.set()
        try:
            await send({"type": "websocket.accept"})
        finally:
            over.set()

    async with serving(slow) as (address, _):
        _, writer = await asyncio.open_connection("127.0.0.1", int(address.rpartition(":")[2]))
        writer.write(HANDSHAKE)
        await arrived.wait()
        writer.close()
        await gone.wait()
        await over.wait()
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_who_is_about_to_be_gone_when_the_socket_is_accepted_makes_no_error(caplog: pytest.LogCaptureFixture):
    """His end was read, and the connection is told of its loss in the next turn of the loop."""
    over = asyncio.Event()
    open_ones: set[Any] = set()

    async def accepts_too_late(scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "websocket.connect"
        (connection,) = open_ones
        connection.transport.close()
        assert not connection.disconnected
        try:
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.send", "text": "nothing is here"})
        finally:
            over.set()

    async with serving(accepts_too_late) as (address, connections):
        open_ones = connections
        _, writer = await asyncio.open_connection("127.0.0.1", int(address.rpartition(":")[2]))
        writer.write(HANDSHAKE)
        await over.wait()
        writer.close()
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
