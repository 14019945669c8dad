"""Plain requests that are whole in one read are answered without a task, with what they would get the long way; all others go that way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from channels.routing import ProtocolTypeRouter

from tasks_app import lane
from tasks_app.api.dialects import long_tasks
from tasks_app.api.v2 import launching
from tasks_app.asgi import Handler
from tasks_app.auth.access import Access
from tasks_app.auth.audit import audit
from tasks_app.auth.entries import Entry
from tasks_app.engine.errors import JournalFailed
from tasks_app.engine.sentences import say
from tasks_app.runtime import Runtime
from tasks_app.serving.connections import BoundedHttp
from tasks_app.serving.straight import StraightHttp, protocol_for
from tasks_app.tests.auth.conftest import Settings, application, config, known, now, settings_of, token_of
from tasks_app.tests.serving.wires import Wire, wired
from tasks_app.tests.test_lane import NOBODY, VARIES

__all__ = ["application", "config", "known", "now", "settings_of"]  # fixtures
HEAD = f"Host: localhost\r\nAuthorization: Bearer {token_of('operator')}\r\n".encode()
LAUNCH = b'{"type": "count", "params": {"to": 1}, "run_at": "2999-01-01T00:00:00Z"}'
COMPUTE = b'{"type": "long_computation", "params": {"duration": 5}}'
V2, V1 = "/api/v2/tasks", "/api/v1/tasks"


def post(body: bytes = LAUNCH, path: str = V2, more: bytes = b"", version: str = "1.1") -> bytes:
    typed = b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
    return f"POST {path} HTTP/{version}\r\n".encode() + HEAD + typed + more + b"\r\n" + body


def get(task_id: str, path: str = V2, more: bytes = b"") -> bytes:
    return f"GET {path}/{task_id} HTTP/1.1\r\n".encode() + HEAD + more + b"\r\n"


class Watched(StraightHttp):
    """Counts the requests that got a task of the loop."""

    long = 0

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        held = self._held
        super()._start_asgi_task(cycle, app)
        self.long += self._held is held

    def _go_long(self, cycle: Any) -> None:
        self.long += 1
        super()._go_long(cycle)

    def _leave_to_django(self, cycle: Any, error: Exception | None) -> None:
        self.long += 1
        super()._leave_to_django(cycle, error)


@pytest.fixture
async def wire(application: Handler, now: Runtime, known: Access) -> Wire:
    return wired(application, Watched)[0]


def another(wire: Wire) -> Wire:
    """A further connection to the same server."""
    return wired(wire.protocol.app, Watched)[0]


async def until(found: Callable[[], object]) -> None:
    async with asyncio.timeout(120):
        while not found():  # noqa: ASYNC110 - others of this loop
            await asyncio.sleep(0)


def answers(wire: Wire) -> list[tuple[bytes, bytes]]:
    """Head and body of each whole answer."""
    found, rest = [], wire.written
    while b"\r\n\r\n" in rest:
        head, _, rest = rest.partition(b"\r\n\r\n")
        size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if len(rest) < size:
            break
        found.append((head, rest[:size]))
        rest = rest[size:]
    return found


async def answered(wire: Wire, *reads: bytes) -> tuple[str, str]:
    """Head, in alphabetical order, and body of the next answer, without what says when, which and how much of that."""
    before = len(answers(wire))
    for read in reads:
        wire.protocol.data_received(read)
    await until(lambda: len(answers(wire)) > before)
    head, body = (VARIES.sub("-", part.decode()) for part in answers(wire)[before])
    line, *headers = head.split("\r\n")
    return "\r\n".join([line, *sorted(text for text in headers if not text.startswith(("date:", "content-length:")))]), body


def launched(now: Runtime) -> int:
    return now.store.next_number() - 1


async def made(wire: Wire, path: str = V2, body: bytes = LAUNCH) -> str:
    await answered(wire, post(body, path))
    found: str = json.loads(answers(wire)[-1][1])["id"]
    return found


@pytest.mark.parametrize(("path", "body"), [(V2, LAUNCH), (V1, COMPUTE)])
async def test_a_launch_and_a_look_are_answered_without_a_task_as_they_are_with_one(wire: Wire, now: Runtime, path: str, body: bytes):
    now.engine.pause("long_computation")  # so that nothing changes from one look to the next
    task_id = await made(wire, path, body)
    for asked in (post(body, path), get(task_id, path)):
        wire.protocol.long = 0
        straight = await answered(wire, asked)
        assert wire.protocol.long == 0
        assert straight == await answered(wire, asked[:9], asked[9:-1], asked[-1:])
        assert straight == await answered(wire, asked.replace(b"\r\nHost", b"\r\nX-Unusual: 1\r\nHost", 1))
        assert straight[0].startswith(("HTTP/1.1 20",))


async def test_one_that_comes_in_two_reads_is_launched_once_wherever_it_is_cut(wire: Wire, now: Runtime):
    whole = await answered(wire, post())
    for cut in range(1, len(post())):
        assert await answered(wire, post()[:cut], post()[cut:]) == whole
    assert now.store.waiting == len(post())


@pytest.mark.parametrize(
    "asked",
    [
        post(b"{"),
        post(b'{"type": "nope"}'),
        post(b'{"type": "long_computation", "params": 1}', V1),
        post(path=f"{V2}/bulk"),
        post(LAUNCH.ljust(65_537)),
        post(more=b"Cookie: a=b\r\n"),
        post(more=b"Origin: http://evil.example\r\n"),
        post().replace(b"Bearer ", b"Bearer x"),
        get(NOBODY),
        get(NOBODY, V1),
        get("x" * 36),
        get(f"{NOBODY}?a=b"),
    ],
    ids=range(12),
)
async def test_what_is_not_plain_gets_djangos_answer(wire: Wire, asked: bytes):
    one = await answered(wire, asked)
    assert wire.protocol.long == 1
    assert one == await answered(another(wire), asked[:9], asked[9:])


async def test_it_is_in_the_books_before_it_is_answered(wire: Wire, monkeypatch: pytest.MonkeyPatch):
    keep, seen = audit.keep, []

    def watched(entries: list[Entry]) -> None:
        keep(entries)
        seen.append((len(entries), wire.written))

    monkeypatch.setattr(audit, "keep", watched)
    await answered(wire, post())
    assert seen == [(1, b"")]


async def test_what_comes_in_one_turn_is_written_down_at_once_and_each_gets_his_own_answer(wire: Wire, monkeypatch: pytest.MonkeyPatch):
    keep, seen = audit.keep, []

    def watched(entries: list[Entry]) -> None:
        seen.append(len(entries))
        keep(entries)

    monkeypatch.setattr(audit, "keep", watched)
    wires = [another(wire) for _ in range(20)]
    for wire in wires:
        wire.protocol.data_received(post())
    await until(lambda: all(map(answers, wires)))
    assert seen == [20]
    assert len({json.loads(answers(wire)[0][1])["id"] for wire in wires}) == 20
    assert sum(wire.protocol.long for wire in wires) == 0


async def test_of_requests_in_one_read_the_first_is_answered_here_and_all_in_order(wire: Wire):
    task_id = await made(wire)
    wire.written = b""
    wire.protocol.data_received(get(task_id) + post() + get(task_id, V1) + get(task_id))
    await until(lambda: len(answers(wire)) == 4)
    assert [head[9:12] for head, _ in answers(wire)] == [b"200", b"201", b"404", b"200"]
    assert wire.protocol.long == 3
    assert wire.reads


async def test_what_stands_behind_the_last_request_is_not_carried_out(wire: Wire, now: Runtime):
    task_id = await made(wire)
    before = launched(now)
    wire.protocol.data_received(get(task_id, more=b"Connection: close\r\n") + post())
    await until(lambda: wire.closed)
    for _ in range(20):
        await asyncio.sleep(0)
    assert answers(wire)[-1][0].endswith(b"connection: close")
    assert launched(now) == before + 1  # the number that asking used


@pytest.mark.parametrize("asked", [post(version="1.0"), post(more=b"Connection: close\r\n")])
async def test_a_connection_is_closed_where_it_is_not_to_be_kept(wire: Wire, asked: bytes):
    head, _ = await answered(wire, asked)
    assert "\r\nconnection: close\r\n" in head
    assert wire.closed


async def test_a_server_that_stops_says_so_with_the_answer_that_is_under_way(wire: Wire):
    wire.protocol.data_received(post())
    wire.protocol.shutdown()
    await until(lambda: wire.closed)
    assert answers(wire)[0][0].endswith(b"connection: close")


async def test_who_leaves_before_his_answer_is_in_the_books_all_the_same(wire: Wire, now: Runtime):
    version = audit.version
    wire.protocol.data_received(post())
    wire.closed = True
    wire.protocol.connection_lost(None)
    await until(lambda: audit.version > version)
    assert wire.written == b""


async def test_who_does_not_read_is_waited_for(wire: Wire):
    wire.protocol.pause_writing()
    wire.protocol.data_received(post())
    for _ in range(50):
        await asyncio.sleep(0)
    assert wire.written == b""
    wire.protocol.resume_writing()
    await until(lambda: answers(wire))
    assert wire.protocol.long == 1
    wire.protocol.connection_lost(None)


async def test_who_waits_to_be_told_to_go_on_is_told(wire: Wire):
    head, _, body = post(more=b"Expect: 100-continue\r\n").partition(b"\r\n\r\n")
    wire.protocol.data_received(head + b"\r\n\r\n")
    await until(lambda: wire.written.startswith(b"HTTP/1.1 100 "))
    wire.written = b""
    assert (await answered(wire, body))[0].startswith("HTTP/1.1 201")


async def test_where_a_journal_is_kept_an_answer_waits_for_it(wire: Wire, now: Runtime, monkeypatch: pytest.MonkeyPatch):
    written = asyncio.Event()

    async def settled(version: int) -> None:
        await written.wait()

    monkeypatch.setattr(now.engine.journal, "durable", True, raising=False)
    monkeypatch.setattr(now.engine.journal, "settled", settled)
    wire.protocol.data_received(post())
    for _ in range(50):
        await asyncio.sleep(0)
    assert wire.written == b""
    written.set()
    await until(lambda: answers(wire))
    assert answers(wire)[0][0].startswith(b"HTTP/1.1 201")


async def test_what_a_journal_could_not_keep_is_told(wire: Wire, now: Runtime, monkeypatch: pytest.MonkeyPatch):
    async def settled(version: int) -> None:
        raise JournalFailed(say("The disk is full."))

    monkeypatch.setattr(now.engine.journal, "durable", True, raising=False)
    monkeypatch.setattr(now.engine.journal, "settled", settled)
    head, body = await answered(wire, post())
    assert head.startswith("HTTP/1.1 507")
    assert "it is not on disk yet" in body


@pytest.mark.parametrize(("error", "status"), [(ValueError, 500), (MemoryError, 503)])
async def test_a_fault_after_a_launch_launches_nothing_again(
    wire: Wire, now: Runtime, monkeypatch: pytest.MonkeyPatch, error: type[Exception], status: int
):
    def broken(*args: Any, **more: Any) -> Any:
        raise error

    for path, body, number in ((V2, LAUNCH, 1), (V1, COMPUTE, 3)):
        with monkeypatch.context() as fault:
            fault.setattr(launching, "said", broken)
            fault.setattr(long_tasks, "_said", broken)
            head, _ = await answered(another(wire), post(body, path))
        assert head.startswith(f"HTTP/1.1 {status}")
        assert launched(now) == number


async def test_nor_does_one_in_the_books(wire: Wire, now: Runtime, monkeypatch: pytest.MonkeyPatch):
    def full(entries: Any) -> None:
        raise MemoryError

    with monkeypatch.context() as fault:
        fault.setattr(audit, "keep", full)
        wire.protocol.data_received(post())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    await until(lambda: answers(wire))
    assert answers(wire)[0][0].startswith(b"HTTP/1.1 503")
    assert launched(now) == 1


async def test_a_limit_of_bodies_that_is_set_lower_holds_here(wire: Wire, known: Access, settings_of: Settings):
    settings_of(tokens=known.config.tokens.text, max_body=20)
    assert (await answered(wire, post()))[0].startswith("HTTP/1.1 413")


class Around:
    """Somebody's own, around our handler."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner


def test_where_somebody_put_his_own_around_ours_all_goes_through_it(application: Handler, monkeypatch: pytest.MonkeyPatch):
    assert protocol_for(ProtocolTypeRouter({"http": application})) is StraightHttp
    assert protocol_for(ProtocolTypeRouter({"http": Around(application)})) is BoundedHttp
    assert protocol_for(Around(ProtocolTypeRouter({"http": application}))) is BoundedHttp
    assert protocol_for(ProtocolTypeRouter({})) is BoundedHttp
    assert lane.is_open([]) is application.has_lane is True
    monkeypatch.setattr(application, "has_lane", False)  # others of this module have the same one
    assert protocol_for(ProtocolTypeRouter({"http": application})) is BoundedHttp
