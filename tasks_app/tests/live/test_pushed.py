"""A text that is pushed goes at once or not at all; what goes is read like any other."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tasks_app.pushed import PUSH, Push, Shortcuts, framed
from tasks_app.tests.live.raw import PATIENCE, TEXT, Raw, frame, opened
from tasks_app.tests.serving.test_socket_connections import serving, until

LONG = json.dumps({"text": "x" * 10_000})  # more than is given at once to a reader who is not known yet
Then = Callable[[Push, Any, Any], Awaitable[object]]


@pytest.fixture(autouse=True)
async def nobody_waits_for_ever() -> Any:
    async with asyncio.timeout(2 * PATIENCE):
        yield


@asynccontextmanager
async def pushing(then: Then) -> AsyncIterator[tuple[Raw, asyncio.Event]]:
    """A reader of an application that may push, and whether it has ended."""
    over = asyncio.Event()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        try:
            push: Push = scope["extensions"][PUSH].push
            assert (await receive())["type"] == "websocket.connect"
            assert not push("1"), "nobody has accepted yet"
            await send({"type": "websocket.accept"})
            await then(push, receive, send)
        finally:
            over.set()

    async with serving(application) as (address, _), opened(address) as client:
        yield client, over
        await over.wait()


async def test_a_text_is_there_without_a_wait_and_in_its_turn():
    async def then(push: Push, receive: Any, send: Any) -> None:
        assert push('{"text": "Привет"}')
        await send({"type": "websocket.send", "text": "2"})
        assert push("3")

    async with pushing(then) as (client, _):
        assert [await client.hear() for _ in range(3)] == [{"text": "Привет"}, 2, 3]


async def test_a_text_is_framed_once_for_all_who_get_it():
    assert framed(LONG) is framed(LONG)


async def test_a_long_text_is_pushed_to_whoever_has_shown_that_he_reads():
    async def then(push: Push, receive: Any, send: Any) -> None:
        assert not push(LONG)
        while not push(LONG):
            await send({"type": "websocket.send", "text": LONG})  # in pieces, with pings between them

    async with pushing(then) as (client, over):
        heard = await client.hear()
        while not over.is_set():
            heard = await client.hear()
        assert heard == json.loads(LONG)


async def test_nothing_is_pushed_into_a_text_that_is_being_sent_in_pieces():
    async def then(push: Push, receive: Any, send: Any) -> None:
        sending = asyncio.create_task(send({"type": "websocket.send", "text": json.dumps("y" * 1_000_000)}))
        await asyncio.sleep(0)
        assert not push("1")
        await sending

    async with pushing(then) as (client, _):
        assert await client.hear() == "y" * 1_000_000


async def test_whoever_does_not_read_is_pushed_little():
    kept: list[int] = []

    async def then(push: Push, receive: Any, send: Any) -> None:
        while push('"%s"' % ("z" * 1_000)):
            kept.append(1)
            await asyncio.sleep(0)

    async with pushing(then) as (client, over):
        client.answers_pings = False
        client.stop_reading()
        await over.wait()
    assert 4 <= len(kept) <= 100


async def test_nothing_is_pushed_once_goodbye_was_said():
    async def then(push: Push, receive: Any, send: Any) -> None:
        await send({"type": "websocket.close"})
        assert not push("1")

    async with pushing(then) as (client, _):
        assert (await client.end()).code == 1000


async def test_nothing_is_pushed_to_whoever_is_gone():
    async def then(push: Push, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "websocket.disconnect"
        assert not push("1")

    async with pushing(then) as (client, _):
        client.writer.close()
        await until(client.writer.is_closing)


async def test_a_text_is_heard_where_it_is_read_unless_others_wait_before_it():
    heard: list[str] = []

    def hear(text: str) -> bool:
        heard.append(text)
        return text.startswith("h")

    over = asyncio.Event()
    shortcuts: Any = None

    async def application(scope: Any, receive: Any, send: Any) -> None:
        nonlocal shortcuts
        shortcuts = scope["extensions"][PUSH]
        await receive()
        shortcuts.hear = hear
        await send({"type": "websocket.accept"})
        await until(lambda: heard == ["h1", "w1"])
        await client.send(frame(TEXT, b"h2"))  # behind one that waits
        await client.send(frame(TEXT, b"h3"))
        await until(lambda: all(connection.queue.qsize() == 3 for connection in connections))
        assert [(await receive())["text"] for _ in range(3)] == ["w1", "h2", "h3"]
        await client.send(frame(TEXT, b"h4"))
        await until(lambda: heard[2:] == ["h4"])
        over.set()
        assert (await receive())["type"] == "websocket.disconnect"

    async with serving(application) as (address, connections), opened(address) as client:
        await client.send(frame(TEXT, b"h1"))
        await client.send(frame(TEXT, b"w1"))
        await over.wait()
        client.writer.close()
        await until(lambda: shortcuts == Shortcuts())
