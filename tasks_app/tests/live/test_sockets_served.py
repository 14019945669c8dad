"""Sockets of a real server: whatever a client sends, it hears what was wrong, the others hear nothing, and the server stays small."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from typing import Any

import httpx
import psutil
import pytest

from tasks_app.serving.inbox import MAX_INBOX, MAX_MESSAGE
from tasks_app.tests.live.raw import BINARY, PATIENCE, PING, TEXT, Closed, Refused, dialled, frame, handshake, opened
from tasks_app.tests.processes import Started, started

EACH = 3  # sockets of one address here


@pytest.fixture(autouse=True)
async def nobody_waits_for_ever() -> Any:
    async with asyncio.timeout(2 * PATIENCE):
        yield


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """A server with room for few sockets."""
    output = tmp_path_factory.mktemp("crowded") / "output"
    variables = {"IOTASK_MAX_SOCKETS": str(EACH + 1), "IOTASK_MAX_SOCKETS_PER_USER": str(EACH)}
    with started(output, "manage.py", "serve", "-p", "0", **variables) as process:
        yield process
        assert process.stop() == 0, process.said
        assert "Traceback" not in process.said


@pytest.fixture
async def crowded(small: Started) -> Started:
    """The same once all seats are free: those of a test before this one are given back a moment after it has ended."""
    async with httpx.AsyncClient(base_url=small.url) as client:
        while not re.search(r"^iotask_sockets 0(\.0)?$", (await client.get("/metrics")).text, re.MULTILINE):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
    return small


# -- what is said


@pytest.mark.parametrize(
    ("said", "status", "code", "field"),
    [
        ("", 400, "malformed_json", None),
        ("}{", 400, "malformed_json", None),
        ('{"ack": NaN}', 400, "malformed_json", None),
        ('{"ack": 1, "ack": 2}', 400, "malformed_json", None),
        ('{"ack": 9007199254740993}', 400, "malformed_json", None),
        ('{"ack": ' + "[" * 1000 + "]" * 1000 + "}", 400, "malformed_json", None),
        ("[]", 422, "not_an_object", "body"),
        ("{}", 422, "one_message", "body"),
        ('{"ack": 1, "hold": true}', 422, "one_message", "body"),
        ('{"ack": true}', 422, "wrong_value", "ack"),
        ('{"ack": "1"}', 422, "wrong_value", "ack"),
        ('{"ack": 1.0}', 422, "wrong_value", "ack"),
        ('{"ack": -1}', 422, "wrong_value", "ack"),
        ('{"hold": 1}', 422, "wrong_value", "hold"),
        ('{"snapshot": null}', 422, "wrong_value", "snapshot"),
        ('{"subscribe": "*"}', 422, "unknown_message", "subscribe"),
        ('{"ids": ["00000000-0000-4000-8000-000000000000"]}', 422, "unknown_message", "ids"),
        ('{"ack": 1, "__class__": 1}', 422, "unknown_message", "__class__"),
        ('{"cancel": 1}', 403, "not_over_a_socket", None),
        ('{"type": "delete"}', 403, "not_over_a_socket", None),
    ],
)
async def test_a_message_that_is_wrong_is_answered_with_what_is_wrong(served, said, status, code, field):
    async with opened(served) as client:
        await client.say(said)
        error = await client.error()
        assert (error["status"], error["code"], error.get("field")) == (status, code, field)
        assert error["message"].endswith(".")
        await client.say({"snapshot": 0})
        await client.snapshot()


async def test_three_wrong_messages_in_a_row_close_the_socket_and_a_right_one_begins_anew(served):
    async with opened(served) as client:
        for message in ("}{", "}{", {"ack": 0}, "}{", "}{", {"hold": False}, "}{", "}{"):
            await client.say(message)
        for _ in range(6):
            await client.error()
        await client.say("}{")
        await client.error()
        assert (await client.end()).code == 1008


async def test_a_message_of_64_kib_is_read_and_one_byte_more_is_not(served):
    async with opened(served) as client:
        padded = b'{"snapshot": 0}'.rjust(MAX_MESSAGE)
        await client.snapshot()
        await client.send(frame(TEXT, padded))
        await client.snapshot()
        await client.send(frame(TEXT, b" " + padded))
        assert (await client.end()).code == 1009


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([frame(TEXT, b" " * 40_000, fin=False), frame(0, b" " * 40_000)], 1009),
        ([frame(TEXT, announced=10**9)], 1009),
        ([frame(TEXT, announced=2**63 - 1)], 1009),
        ([frame(BINARY, b"{}")], 1003),
        ([frame(TEXT, b"{}", reserved=4)], 1002),  # compressed, which nobody offered
        ([frame(TEXT, b"\xff\xfe")], 1007),
        ([frame(TEXT, b"\xc3", fin=False), frame(0, b"x")], 1007),
        ([frame(TEXT, b"x", fin=False), *[frame(0, b"x", fin=False)] * 10_000], 1008),
        ([frame(TEXT, b"", fin=False), *[frame(0, b"", fin=False)] * 10_000], 1008),
        ([frame(PING, b"x" * 125)] * 1000, 1008),
        ([frame(TEXT, b"")] * (MAX_INBOX + 40), 1008),
        ([frame(TEXT, b'{"ack": 0}')] * 31, 1008),
    ],
)
async def test_frames_that_are_too_large_too_many_or_wrong_close_the_socket_with_a_code_that_says_why(served, frames, code):
    async with opened(served) as client:
        await client.send(*frames)
        assert (await client.end()).code == code


async def test_more_than_thirty_messages_in_ten_seconds_are_told_and_closed(served):
    async with opened(served) as client:
        telling, said = asyncio.create_task(client.error()), 0
        while not telling.done():  # on a machine that stood still for a while it is more of them
            await client.say({"ack": 0})
            said += 1
            await asyncio.sleep(0.005)
        error = await telling
        assert said > 30
        assert (error["status"], error["code"]) == (429, "too_many_messages")
        assert (await client.end()).code == 1008


async def test_three_hundred_thousand_messages_at_once_are_not_kept(served, served_process):
    async with opened(served) as client, opened(served) as other:
        await other.follow()
        before = rss(served_process)
        with suppress(OSError):
            for _ in range(300):
                await client.send(frame(TEXT, b"{}") * 1000)
        closed = await client.end()
        grown = rss(served_process) - before
        await other.say({"snapshot": 0})
        await other.snapshot()
    assert closed.code in (1008, None)  # None: it was cut off while it went on
    assert grown < 4 * 2**20


async def test_nothing_is_compressed_whoever_asks(served):
    async with opened(served, headers=["Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"]) as client:
        assert (await client.hear())["snapshot"]
    async with dialled(served) as (reader, writer):
        writer.write(handshake("/live/tasks", served.removeprefix("http://"), ["Sec-WebSocket-Extensions: permessage-deflate"]))
        assert b"extensions" not in (await reader.readuntil(b"\r\n\r\n")).lower()


# -- handshakes


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/live/nowhere", 404),
        ("/", 404),
        ("/live/tasks/%00", 404),
        ("/live/%00", 404),
        ("/live/tasks?q=" + "a" * 8000, 404),
        ("/live/tasks?q=" + "a" * 9000, 404),
        ("/live/tasks?q=\xff\xfe", 400),
        ("/live/tasks/..%2f..%2fetc", 404),
    ],
)
async def test_a_socket_to_nowhere_is_refused_without_a_fault(served, served_process, path, status):
    with pytest.raises(Refused) as refused:
        async with opened(served, path):
            pass
    assert refused.value.status == status
    assert "Traceback" not in served_process.said


@pytest.mark.parametrize("headers", [["X-More: x"] * 200, ["X-Long: " + "x" * 9000], ["Bad header"], ["Sec-WebSocket-Key: short"]])
async def test_a_handshake_that_cannot_be_read_is_answered_and_closed(served, served_process, headers):
    with pytest.raises(Refused) as refused:
        async with opened(served, headers=headers):
            pass
    assert refused.value.status in (400, 431)
    assert "Traceback" not in served_process.said


async def test_a_handshake_that_does_not_end_is_not_waited_for(served):
    """Others get ten seconds for a head, and are heard of later."""
    async with dialled(served) as (reader, writer), dialled(served) as (others_reader, other):
        other.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        writer.write(b"GET /live/tasks HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n")
        left, others = (asyncio.create_task(one.read()) for one in (reader, others_reader))
        over, _ = await asyncio.wait({left, others}, return_when=asyncio.FIRST_COMPLETED)
        assert left in over
        with suppress(OSError):
            assert await left == b""
        others.cancel()
        await asyncio.wait({others})


async def test_the_page_of_a_task_that_is_not_there_hears_that_it_is_gone(served):
    async with opened(served, "/live/tasks/00000000-0000-4000-8000-000000000000") as client:
        assert (await client.end()).code == 4404


# -- how many


async def test_one_page_too_many_of_somebody_is_told_and_those_open_go_on(crowded):
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(opened(crowded.url)) for _ in range(EACH)]
        async with opened(crowded.url) as one_more:
            assert (await one_more.end()).code == 4429
        for client in clients:
            assert (await client.hear())["snapshot"]
        clients[0].writer.close()
        await until_open(crowded.url)


async def test_past_all_seats_a_handshake_is_answered_503(crowded):
    async with AsyncExitStack() as stack:
        for source in ("127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.2"):
            await (await stack.enter_async_context(opened(crowded.url, source=source))).hear()
        with pytest.raises(Refused) as refused:
            async with opened(crowded.url, source="127.0.0.2"):
                pass
        assert refused.value.status == 503
        assert "Retry-After: 10" in refused.value.head
        assert json.loads(refused.value.body)["code"] == "too_many_sockets"


def rss(process: Started) -> int:
    return psutil.Process(process.process.pid).memory_info().rss


async def until_open(address: str) -> None:
    """Until a socket that opens is shown something."""
    while True:
        async with opened(address) as client:
            with suppress(Closed):
                await client.hear()
                return
        await asyncio.sleep(0.05)
