"""A head that came before on its connection is not parsed once more, and nobody can tell from the answer."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tasks_app.api.v2 import launching
from tasks_app.asgi import Handler
from tasks_app.auth.access import Access
from tasks_app.auth.audit import audit
from tasks_app.runtime import Runtime
from tasks_app.serving import connections, straight
from tasks_app.tests.auth.conftest import Settings, application, config, known, now, settings_of, token_of
from tasks_app.tests.serving.test_straight import COMPUTE, LAUNCH, V1, V2, Watched, answered, answers, get, launched, made, post, until
from tasks_app.tests.serving.wires import Wire, wired

__all__ = ["application", "config", "known", "now", "settings_of"]  # fixtures
WRONG = b'{"type": "nope?", "params": {"to": 1}, "run_at": "2999-01-01T00:00:00Z"}'  # as long as LAUNCH
assert len(WRONG) == len(LAUNCH)


class Parsing(Watched):
    """Counts the requests that were parsed as well."""

    parsed = 0

    def on_message_begin(self) -> None:
        self.parsed += 1
        super().on_message_begin()


@pytest.fixture
async def wire(application: Handler, now: Runtime, known: Access) -> Wire:
    return wired(application, Parsing)[0]


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.mark.parametrize(("path", "body"), [(V2, LAUNCH), (V1, COMPUTE)])
async def test_the_answer_is_the_same_without_parsing(wire: Wire, now: Runtime, path: str, body: bytes):
    now.engine.pause("long_computation")  # so that nothing changes from one look to the next
    task_id = await made(wire, path, body)
    for asked in (post(body, path), get(task_id, path)):
        first = await answered(wire, asked)
        parsed = wire.protocol.parsed
        assert [await answered(wire, asked) for _ in range(3)] == [first] * 3
        assert (wire.protocol.parsed, wire.protocol.long) == (parsed, 0)
        assert first == await answered(wire, asked[:9], asked[9:])
        assert wire.protocol.parsed == parsed + 1


async def test_another_body_of_the_same_length_is_another_launch(wire: Wire, now: Runtime):
    await answered(wire, post(b'{"type": "count", "name": "a", "run_at": "2999-01-01T00:00:00Z"}'))
    await answered(wire, post(b'{"type": "count", "name": "b", "run_at": "2999-01-01T00:00:00Z"}'))
    assert wire.protocol.parsed == 1
    told = json.loads(answers(wire)[-1][1])
    assert told["name"] == "b"
    assert audit.latest(1)[0].object == told["id"]


@pytest.mark.parametrize("more", [b"\r\n", b"GET / HTTP/1.1\r\n"])
async def test_what_is_longer_or_shorter_than_it_was_is_parsed(wire: Wire, now: Runtime, more: bytes):
    await answered(wire, post())
    await answered(wire, post() + more)
    assert wire.protocol.parsed >= 2
    assert launched(now) == 2


async def test_what_is_refused_gets_djangos_answer(wire: Wire, now: Runtime):
    await answered(wire, post())
    wire.protocol.long = 0
    for asked in (post(WRONG), post(b"{".ljust(len(LAUNCH)))):
        refused = await answered(wire, asked)
        assert refused[0].startswith("HTTP/1.1 4")
        assert refused == await answered(wire, asked[:9], asked[9:])
    now.begin_drain()
    assert (await answered(wire, post()))[0].startswith("HTTP/1.1 503")
    assert wire.protocol.long >= 3
    assert now.engine.admission.refused == {}


async def test_who_may_do_nothing_any_more_is_refused(wire: Wire, settings_of: Settings):
    await answered(wire, post())
    settings_of(tokens=f"other:operator:{'0' * 64}")
    assert (await answered(wire, post()))[0].startswith("HTTP/1.1 401")


async def test_who_asks_on_many_connections_in_one_turn_is_looked_up_once_and_anew_in_the_next(wire: Wire, monkeypatch: pytest.MonkeyPatch):
    found: list[str] = []
    principal = Access.principal

    def heard(self: Access, scope: Any, **how: Any) -> Any:
        found.append(dict(scope["headers"])[b"authorization"].decode())
        return principal(self, scope, **how)

    monkeypatch.setattr(Access, "principal", heard)
    wires = [wire, *(wired(wire.protocol.app, Parsing)[0] for _ in range(3))]
    stranger = wired(wire.protocol.app, Parsing)[0]
    for times in (1, 2, 3):
        for one in wires:
            one.protocol.data_received(post())
        stranger.protocol.data_received(post().replace(token_of("operator").encode(), token_of("admin").encode()))
        await until(lambda: all(len(answers(one)) == times for one in [*wires, stranger]))  # noqa: B023 - waited for at once
        assert sorted(found) == sorted([f"Bearer {token_of(role)}" for role in ("admin", "operator")] * times)
        await turns()


async def test_rates_hold(wire: Wire, settings_of: Settings, known: Access, monkeypatch: pytest.MonkeyPatch):
    launches = settings_of(tokens=known.config.tokens.text, launches_per_second=1).rates._launches
    assert launches is not None
    for clocked in (launches, launches.windows):
        monkeypatch.setattr(clocked, "_clock", lambda: 0.0)  # however long this takes
    seen = [(await answered(wire, post()))[0][9:12] for _ in range(12)]
    assert seen == ["201"] * 10 + ["429"] * 2


async def test_many_connections_are_launched_for_at_once(wire: Wire, monkeypatch: pytest.MonkeyPatch):
    keep, seen = audit.keep, []

    def watched(entries: Any) -> None:
        seen.append(len(entries))
        keep(entries)

    wires = [wired(wire.protocol.app, Parsing)[0] for _ in range(20)]
    monkeypatch.setattr(audit, "keep", watched)
    for round_ in (1, 2):
        for one in wires:
            one.protocol.data_received(post())
        await until(lambda: all(len(answers(one)) == round_ for one in wires))  # noqa: B023 - awaited at once
    assert seen == [20, 20]
    assert {one.protocol.parsed for one in wires} == {1}
    assert len({json.loads(body)["id"] for one in wires for _, body in answers(one)}) == 40


async def test_what_comes_before_the_answer_waits_for_it(wire: Wire):
    task_id = await made(wire)
    wire.written = b""
    wire.protocol.data_received(post())
    wire.protocol.data_received(get(task_id) + get("x" * 36))
    wire.protocol.data_received(post())
    assert wire.written == b""
    await until(lambda: len(answers(wire)) == 4)
    assert [head[9:12] for head, _ in answers(wire)] == [b"201", b"200", b"404", b"201"]
    await until(lambda: wire.reads)


async def test_it_is_told_to_a_client_that_the_server_stops(wire: Wire):
    await answered(wire, post())
    wire.protocol.data_received(post())
    wire.protocol.shutdown()
    assert not wire.closed
    await until(lambda: wire.closed)
    assert answers(wire)[1][0].endswith(b"connection: close")


@pytest.mark.parametrize("durable", [False, True])
async def test_who_leaves_before_his_answer_is_in_the_books(wire: Wire, now: Runtime, monkeypatch: pytest.MonkeyPatch, durable: bool):
    async def settled(version: int) -> None:
        await asyncio.sleep(0)

    monkeypatch.setattr(now.engine.journal, "durable", durable, raising=False)
    monkeypatch.setattr(now.engine.journal, "settled", settled)
    await answered(wire, post())
    wire.written, version, before = b"", audit.version, launched(now)
    wire.protocol.data_received(post())
    wire.closed = True
    wire.protocol.connection_lost(None)
    await until(lambda: audit.version > version)
    assert wire.written == b""
    assert launched(now) == before + 2
    await until(lambda: not wire.protocol.tasks)


async def test_where_a_journal_is_kept_the_answer_waits_for_it(wire: Wire, now: Runtime, monkeypatch: pytest.MonkeyPatch):
    written = asyncio.Event()

    async def settled(version: int) -> None:
        await written.wait()

    await answered(wire, post())
    monkeypatch.setattr(now.engine.journal, "durable", True, raising=False)
    monkeypatch.setattr(now.engine.journal, "settled", settled)
    wire.written = b""
    wire.protocol.data_received(post())
    await turns(50)
    assert wire.written == b""
    written.set()
    await until(lambda: answers(wire))
    assert answers(wire)[0][0].startswith(b"HTTP/1.1 201")
    assert launched(now) == 2


@pytest.mark.parametrize(("error", "status"), [(ValueError, 500), (MemoryError, 503)])
async def test_a_fault_after_a_launch_launches_nothing_again(
    wire: Wire, now: Runtime, monkeypatch: pytest.MonkeyPatch, error: type[Exception], status: int
):
    def broken(*args: Any, **more: Any) -> Any:
        raise error

    await answered(wire, post())
    before = launched(now)
    with monkeypatch.context() as fault:
        fault.setattr(launching, "said", broken)
        head, _ = await answered(wire, post())
    assert head.startswith(f"HTTP/1.1 {status}")
    assert launched(now) == before + 2


async def test_who_does_not_read_is_parsed_and_waited_for(wire: Wire):
    await answered(wire, post())
    wire.written = b""
    wire.protocol.pause_writing()
    wire.protocol.data_received(post())
    await turns(50)
    assert wire.written == b""
    wire.protocol.resume_writing()
    await until(lambda: answers(wire))
    assert wire.protocol.parsed == 2
    wire.protocol.connection_lost(None)


async def test_a_connection_remembers_few_heads_and_short_ones(wire: Wire, monkeypatch: pytest.MonkeyPatch):
    for number in range(3 * straight.KNOWN):
        await answered(wire, post(more=b"User-Agent: %d\r\n" % number))
        assert 1 <= len(wire.protocol._heads) <= straight.KNOWN
    parsed = wire.protocol.parsed
    for _ in range(2):
        await answered(wire, post(more=b"User-Agent: %b\r\n" % (b"x" * straight.KNOWN_BYTES)))
    assert wire.protocol.parsed == parsed + 2


@pytest.mark.parametrize("more", [b"Connection: close\r\n", b"Cookie: a=b\r\n", b"X-Unusual: 1\r\n"])
async def test_what_is_not_plain_is_not_remembered(wire: Wire, more: bytes):
    await answered(wire, post(more=more))
    assert not wire.protocol._heads


async def test_a_client_has_all_the_time_from_his_last_answer_on(wire: Wire, monkeypatch: pytest.MonkeyPatch):
    protocol = wire.protocol
    task_id = await made(wire)
    await answered(wire, get(task_id))
    loop, at = protocol.loop, protocol.loop.time()
    monkeypatch.setattr(loop, "time", lambda: at)
    await answered(wire, get(task_id))
    assert protocol._answered_at == at
    for passed in (protocol.timeout_keep_alive / 2, protocol.timeout_keep_alive - 0.01):
        monkeypatch.setattr(loop, "time", lambda: at + passed)  # noqa: B023 - called at once
        protocol.timeout_keep_alive_handler()
        protocol._wait_on(0.0) if passed < connections.HANDSHAKE_SECONDS else None
        assert not wire.closed
    monkeypatch.setattr(loop, "time", lambda: at + protocol.timeout_keep_alive)
    protocol.timeout_keep_alive_handler()
    assert wire.closed


async def test_a_head_that_does_not_come_is_waited_for_no_longer_than_ever(wire: Wire, monkeypatch: pytest.MonkeyPatch):
    protocol = wire.protocol
    task_id = await made(wire)
    await answered(wire, get(task_id))
    loop, at = protocol.loop, protocol.loop.time()
    monkeypatch.setattr(loop, "time", lambda: at)
    await answered(wire, get(task_id))
    monkeypatch.setattr(loop, "time", lambda: at + connections.HANDSHAKE_SECONDS)
    protocol._wait_on(connections.HEAD_SECONDS - connections.HANDSHAKE_SECONDS)
    assert not wire.closed
    monkeypatch.setattr(loop, "time", lambda: at + connections.HEAD_SECONDS)
    protocol._wait_on(0.0)
    assert wire.closed
