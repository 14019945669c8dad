"""Requests on the wire that two readers could read differently, or nobody should: refused by a real server, and the connection closed."""

from __future__ import annotations

import asyncio
import gc
import json
from typing import Any

import httpx
import pytest
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from tasks_app.serving.connections import BODY_AHEAD, BoundedHttp
from tasks_app.serving.pieces import OF_BODY
from tasks_app.tests.protection import protected
from tasks_app.tests.serving.test_connections import hello, listening
from tasks_app.tests.serving.wires import wired

HOST = b"Host: localhost\r\n"
POST = b"POST /api/v2/tasks HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
BODY = b'{"type":"nope"}'
LONG = b"Content-Length: %d\r\n" % len(BODY)
CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)

FRAMINGS = {
    "a length and chunks": LONG + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKS,
    "chunks and a length": b"Transfer-Encoding: chunked\r\n" + LONG + b"\r\n" + CHUNKS,
    "chunked twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS,
    "chunked twice in one line": b"Transfer-Encoding: chunked, chunked\r\n\r\n" + CHUNKS,
    "compressed and chunked": b"Transfer-Encoding: gzip, chunked\r\n\r\n" + CHUNKS,
    "as it is": b"Transfer-Encoding: identity\r\n\r\n" + CHUNKS,
    "nearly chunked": b"Transfer-Encoding: xchunked\r\n\r\n" + CHUNKS,
    "chunked behind a control character": b"Transfer-Encoding: \x0bchunked\r\n\r\n" + CHUNKS,
    "a name with a space behind it": b"Transfer-Encoding : chunked\r\n\r\n" + CHUNKS,
    "two lengths that are equal": LONG + LONG + b"\r\n" + BODY,
    "two lengths that differ": LONG + b"Content-Length: 3\r\n\r\n" + BODY,
    "two lengths in one line": b"Content-Length: 15, 15\r\n\r\n" + BODY,
    "a length with a sign": b"Content-Length: +15\r\n\r\n" + BODY,
    "a length below zero": b"Content-Length: -1\r\n\r\n" + BODY,
    "a length as Python writes numbers": b"Content-Length: 1_5\r\n\r\n" + BODY,
    "a length past every integer": b"Content-Length: " + b"9" * 40 + b"\r\n\r\n" + BODY,
    "a length behind many zeros": b"Content-Length: " + b"0" * 5000 + b"15\r\n\r\n" + BODY,
    "a chunk without a size": b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "a chunk past every integer": b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 17 + b"\r\n",
    "chunks with bare line feeds": b"Transfer-Encoding: chunked\r\n\r\nf\n" + BODY + b"\n0\n\n",
    "a length behind the body": b"Transfer-Encoding: chunked\r\n\r\nf\r\n" + BODY + b"\r\n0\r\nContent-Length: 5\r\n\r\n",
    "a header over two lines": b"X: a\r\n b\r\n" + LONG + b"\r\n" + BODY,
    "a carriage return in a header": b"X: a\rb\r\n" + LONG + b"\r\n" + BODY,
    "a null in a header": b"X: a\0b\r\n" + LONG + b"\r\n" + BODY,
    "a header without a colon": b"nothing\r\n" + LONG + b"\r\n" + BODY,
    "a header's name in two words": b"a b: c\r\n" + LONG + b"\r\n" + BODY,
}
LINES = {
    "no name of a host": (b"GET /healthz HTTP/1.1\r\n\r\n", 400),
    "two names": (b"GET /healthz HTTP/1.1\r\n" + HOST + HOST + b"\r\n", 400),
    "two names that differ": (b"GET /healthz HTTP/1.1\r\n" + HOST + b"Host: evil.example\r\n\r\n", 400),
    "a name that is not ours": (b"GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n", 400),
    "a port that no host has": (b"GET /healthz HTTP/1.1\r\nHost: localhost:99999\r\n\r\n", 400),
    "a name with a dot behind it": (b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1.\r\n\r\n", 400),
    "another host in the line": (b"GET http://evil.example/healthz HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a user in the line": (b"GET http://evil.example@localhost/healthz HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "the same host in the line": (b"GET http://localhost/healthz HTTP/1.1\r\n" + HOST + b"\r\n", 200),
    "TRACE": (b"TRACE /healthz HTTP/1.1\r\n" + HOST + b"\r\n", 405),
    "CONNECT": (b"CONNECT evil.example:80 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "CONNECT to a path": (b"CONNECT /healthz HTTP/1.1\r\n" + HOST + b"\r\n", 405),
    "no method": (b"FOO /healthz HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a method in small letters": (b"get /healthz HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a method of 10 KB": (b"A" * 10_000 + b" /healthz HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "HTTP/0.9": (b"GET /healthz\r\n\r\n", 505),
    "HTTP/2": (b"GET /healthz HTTP/2.0\r\n" + HOST + b"\r\n", 505),
    "the way HTTP/2 begins": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "a line of 70 KB": (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 431),
    "a header of 70 KB in one piece": (b"GET /healthz HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 70_000 + b"\r\n\r\n", 431),
    "300 headers": (b"GET /healthz HTTP/1.1\r\n" + HOST + b"X: a\r\n" * 300 + b"\r\n", 431),
    "bytes that are no text": (b"GET /api/v2/tasks/\xff\xfe HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "the beginning of TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
}


async def told(served: str, said: bytes, *, to_the_end: bool) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and what comes behind them, until the server closes the connection, or until the first answer is whole."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(served.rpartition(":")[2]))
    try:
        async with asyncio.timeout(120):
            writer.write(said)
            first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
            rest = await reader.read() if to_the_end else await reader.readexactly(int(headers["content-length"]))
    finally:
        writer.close()
    return int(first.split()[1]), headers, rest


@pytest.mark.parametrize("framing", FRAMINGS.values(), ids=FRAMINGS)
async def test_a_body_whose_end_is_not_plain_is_refused_and_nothing_behind_it_is_read(served: str, framing: bytes):
    behind = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"
    status, headers, body = await told(served, POST + framing + behind, to_the_end=True)
    assert (status, headers["connection"]) == (400, "close")
    protected(headers)
    assert json.loads(body)["status"] == 400, "one answer, and no more"


@pytest.mark.parametrize(("line", "status"), LINES.values(), ids=LINES)
async def test_a_line_that_is_not_plain_http_is_refused(served: str, line: bytes, status: int):
    found, headers, body = await told(served, line, to_the_end=False)
    assert found == status, body
    protected(headers)


async def test_the_plain_forms_of_the_same_are_read(served: str):
    for framing in (LONG + b"\r\n" + BODY, b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKS, b"Transfer-Encoding: CHUNKED\r\n\r\n" + CHUNKS):
        status, _, body = await told(served, POST + framing, to_the_end=False)
        assert (status, json.loads(body)["field"]) == (422, "type")


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the headers it finds once it has read the body."""
    while (await receive()).get("more_body"):
        pass
    text = b",".join(name for name, _ in scope["headers"])
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(text))]})
    await send({"type": "http.response.body", "body": text})


async def test_what_stands_behind_a_body_is_no_header():
    server, port = await listening(echo)
    async with server:
        trailers = CHUNKS[:-2] + b"Authorization: Bearer x\r\nX-Remote-User: root\r\n\r\n"
        said = b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n" + trailers
        _, _, body = await told(f"http://127.0.0.1:{port}", said, to_the_end=False)
    assert body == b"host,transfer-encoding"


@pytest.mark.parametrize("piece", [b"X: aaaaaaaaaaaaaaa\r\n" * 500, b"a" * 10_000], ids=["lines", "one line"])
async def test_what_stands_behind_a_body_has_an_end(served: str, piece: bytes):
    endless = POST + b"Transfer-Encoding: chunked\r\n\r\nf\r\n" + BODY + b"\r\n0\r\nX: " + piece * 80
    status, _, _ = await told(served, endless, to_the_end=False)
    assert status == 431


async def test_what_stands_between_the_parts_of_a_body_has_an_end(served: str):
    status, _, _ = await told(served, POST + b"Transfer-Encoding: chunked\r\n\r\nf;" + b"a" * 800_000, to_the_end=False)
    assert status == 431


async def test_garbage_behind_a_request_does_not_get_into_its_answer():
    """An answer that is under way is cut off: a second head in the midst of it would be taken for a part of its body."""
    begun = asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        begun.set()
        await receive()
        await receive()

    server, port = await listening(slow)
    async with server:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
        await begun.wait()
        writer.write(b"\x16\x03\x01 no HTTP\r\n\r\n")
        async with asyncio.timeout(120):
            answer = await reader.read()
        writer.close()
    assert answer.count(b"HTTP/1.1") == 1


BEHIND = {
    "garbage": b"\x16\x03\x01 no HTTP\r\n\r\n",
    "a head that is refused": b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: xchunked\r\n\r\n",
    "a body that cannot be read": b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "a request, and garbage behind that": b"GET / HTTP/1.1\r\n" + HOST + b"\r\nno HTTP\r\n\r\n",
}


@pytest.mark.parametrize("behind", BEHIND.values(), ids=BEHIND)
async def test_what_cannot_be_read_is_refused_once_the_requests_before_it_are_answered(behind: bytes):
    go_on, tasks = asyncio.Event(), []

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        tasks.append(scope["method"])
        await go_on.wait()
        await hello(scope, receive, send)

    wire, protocol = wired(slow, BoundedHttp)
    protocol.data_received(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n" + behind)
    for _ in range(20):
        await asyncio.sleep(0)
    assert (wire.written, wire.closed, wire.reads) == (b"", False, False)
    go_on.set()
    async with asyncio.timeout(120):
        while not wire.closed:  # noqa: ASYNC110 - another protocol of the same loop
            await asyncio.sleep(0)
    answers = [part[:3] for part in wire.written.split(b"HTTP/1.1 ")[1:]]
    whole = 2 if behind is BEHIND["a request, and garbage behind that"] else 1
    assert (answers, tasks) == ([b"200"] * whole + [b"400"], ["GET"] * whole)
    protocol.connection_lost(None)


async def test_a_launch_is_answered_before_what_stands_behind_it_is_refused(served: str):
    launch = b'{"type": "count", "params": {"to": 1}, "run_at": "2999-01-01T00:00:00Z"}'
    reader, writer = await asyncio.open_connection("127.0.0.1", int(served.rpartition(":")[2]))
    writer.write(POST + b"Content-Length: %d\r\n\r\n" % len(launch) + launch + b"no HTTP\r\n\r\n")
    async with asyncio.timeout(120):
        answers = await reader.read()
    writer.close()
    assert [part[:3] for part in answers.split(b"HTTP/1.1 ")[1:]] == [b"201", b"400"]


async def test_a_thousand_requests_at_once_are_answered_in_their_order(served: str):
    paths = [b"/api/v2/types/none%d" % number for number in range(1000)]
    said = b"".join(b"GET " + path + b" HTTP/1.1\r\n" + HOST + b"\r\n" for path in paths[:-1])
    said += b"GET " + paths[-1] + b" HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", int(served.rpartition(":")[2]))
    writer.write(said)
    async with asyncio.timeout(120):
        answers = await reader.read()
    writer.close()
    found = [json.loads(part.partition(b"\r\n\r\n")[2])["detail"] for part in answers.split(b"HTTP/1.1 404 Not Found\r\n")[1:]]
    assert [text.split("none")[1].split("'")[0].rstrip(".").strip('"') for text in found] == [str(number) for number in range(1000)]


async def test_requests_far_behind_the_one_that_is_answered_are_not_read_yet():
    go_on = asyncio.Event()
    begun: list[str] = []

    async def waits(scope: Any, receive: Any, send: Any) -> None:
        begun.append(scope["path"])
        await go_on.wait()
        await echo(scope, receive, send)

    server, port = await listening(waits)
    async with server:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write((b"GET / HTTP/1.1\r\n" + HOST + b"\r\n") * 20_000 + b"GET /last HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
        async with asyncio.timeout(120):
            while not begun:  # noqa: ASYNC110 - another protocol of the same loop
                await asyncio.sleep(0.01)
            made = sum(type(found) is RequestResponseCycle for found in gc.get_objects())
            go_on.set()
            answers = await reader.read()
        writer.close()
    assert made <= 4096 / 35 + 20, "those of one piece that was read, and no more"
    assert answers.count(b"HTTP/1.1 200 OK") == len(begun) == 20_001
    assert begun[-1] == "/last"


async def test_of_a_body_that_came_at_once_no_more_is_ahead_than_its_reader_takes_and_all_of_it_arrives():
    ahead, taken = [], bytearray()

    async def reads(scope: Any, receive: Any, send: Any) -> None:
        more = True
        while more:
            message = await receive()
            ahead.append(len(message["body"]))
            taken.extend(message["body"])
            more = message["more_body"]
        await hello(scope, receive, send)

    wire, protocol = wired(reads, BoundedHttp)
    body = bytes(range(256)) * 4096
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body)
    protocol.data_received(head + body + b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (len(protocol.cycle.body) <= BODY_AHEAD + OF_BODY, wire.reads) == (True, False)
    async with asyncio.timeout(60):
        while wire.written.count(b"HTTP/1.1 200") < 2:  # noqa: ASYNC110 - another protocol of the same loop
            await asyncio.sleep(0)
    protocol.connection_lost(None)
    assert (taken == body, max(ahead) <= BODY_AHEAD + OF_BODY, wire.reads) == (True, True, True)


async def test_a_body_that_nobody_reads_does_not_hold_up_the_next_request():
    server, port = await listening(hello)
    async with server:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        body = b" " * 1_000_000
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        async with asyncio.timeout(60):
            answers = await reader.read()
        writer.close()
    assert answers.count(b"HTTP/1.1 200") == 2


async def test_a_body_that_is_too_large_is_refused_before_it_is_asked_for(served: str):
    status, headers, _ = await told(served, POST + b"Expect: 100-continue\r\nContent-Length: 200000000\r\n\r\n", to_the_end=False)
    assert (status, headers["connection"]) == (413, "close"), "not 100, which would ask for it"


def test_a_root_path_that_a_client_names_changes_no_page(served: str):
    page = httpx.get(
        f"{served}/", headers={"Daphne-Root-Path": "//evil.example", "X-Script-Name": "/evil", "X-Forwarded-Host": "evil.example"}
    )
    assert page.status_code == 200
    assert "evil" not in page.text
