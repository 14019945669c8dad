"""Server-Sent Events: coalesced, resumable, never a growing buffer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tasks_app.api.v2 import events
from tasks_app.asgi import Handler
from tasks_app.engine.feed import LENGTH
from tasks_app.engine.launch import parse_launch
from tasks_app.engine.task import Task
from tasks_app.runtime import Runtime
from tasks_app.tests.api.asgi import Exchange

EVENTS = "/api/v2/events"


@pytest.fixture(autouse=True)
def _quick_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "TICK", 0.01)


def submit(now: Runtime, **more: Any) -> Task:
    now.engine.pause("count")
    return now.engine.submit(parse_launch({"type": "count", **more}))


async def begin(stream: Exchange) -> dict[str, Any]:
    start = await stream.start()
    assert start["status"] == 200
    assert dict(start["headers"])[b"content-type"] == b"text/event-stream"
    (first,) = await stream.events()
    return first


async def test_a_stream_tells_what_comes_changes_and_goes(application: Handler, now: Runtime) -> None:
    async with Exchange(application, "GET", EVENTS) as stream:
        first = await begin(stream)
        assert (first["event"], first["data"]) == ("ready", {"version": 0, "epoch": now.epoch})
        task = submit(now)
        (came,) = await stream.events()
        assert (came["event"], came["data"]["id"], came["data"]["status"]) == ("task", task.id, "pending")
        assert came["id"] == f"{now.epoch}:{task.version}"
        now.engine.cancel(task.id)
        (changed,) = await stream.events()
        assert changed["data"]["status"] == "cancelled"
        now.engine.delete(task.id)
        (gone,) = await stream.events()
        assert (gone["event"], gone["data"]["id"]) == ("deleted", task.id)


async def test_a_stream_resumes_where_it_was_cut(application: Handler, now: Runtime) -> None:
    async with Exchange(application, "GET", EVENTS) as stream:
        await begin(stream)
        submit(now)
        (came,) = await stream.events()
    kept, deleted = submit(now), submit(now)
    now.engine.delete(deleted.id)
    async with Exchange(application, "GET", EVENTS, headers={"last-event-id": came["id"]}) as stream:
        assert (await begin(stream))["event"] == "ready"
        found = await stream.events()
        assert [(one["event"], one["data"]["id"]) for one in found] == [("task", kept.id), ("deleted", deleted.id)]


@pytest.mark.parametrize("last", ["ffffffff:0", "{epoch}:999999", "{epoch}:-1", "nonsense", "x" * 5000, "{epoch}:"])
async def test_a_stream_that_cannot_resume_says_so(application: Handler, now: Runtime, last: str) -> None:
    submit(now)
    async with Exchange(application, "GET", EVENTS, headers={"last-event-id": last.replace("{epoch}", now.epoch)}) as stream:
        first = await begin(stream)
        assert (first["event"], first["id"]) == ("reset", f"{now.epoch}:{now.store.version}")


async def test_a_filter_lets_through_what_matches(application: Handler, now: Runtime) -> None:
    async with Exchange(application, "GET", f"{EVENTS}?status=cancelled&type=count") as stream:
        await begin(stream)
        submit(now)
        second = submit(now)
        now.engine.cancel(second.id)
        assert [one["data"]["id"] for one in await stream.events()] == [second.id]


async def test_a_reader_that_stalls_gets_the_newest_state_of_each_task_once(application: Handler, now: Runtime) -> None:
    tasks = [submit(now) for _ in range(1200)]
    async with Exchange(application, "GET", EVENTS) as stream:
        await begin(stream)
        stream.room.clear()
        for task in tasks:
            now.engine.cancel(task.id)
            await asyncio.sleep(0)
        for task in tasks:
            now.engine.retry(task.id)
        await asyncio.sleep(0.1)
        stream.room.set()
        found: dict[str, list[str]] = {}
        pieces = 0
        async with asyncio.timeout(60):
            while len(found) < 1200 or any(states[-1] != "pending" for states in found.values()):
                pieces += 1
                for one in await stream.events():
                    found.setdefault(one["data"]["id"], []).append(one["data"]["status"])
        assert pieces <= 6
        assert max(len(states) for states in found.values()) <= 2, "states in between were kept for a slow reader"


async def test_a_reader_who_misses_too_much_is_told_to_begin_anew(application: Handler, now: Runtime) -> None:
    task = submit(now)
    async with Exchange(application, "GET", EVENTS) as stream:
        await begin(stream)
        stream.room.clear()
        now.engine.cancel(task.id)
        async with asyncio.timeout(60):
            while not stream.waits:  # noqa: ASYNC110 - with that change in hand; nobody tells
                await asyncio.sleep(0.01)
        now.store.update_many((task.number, lambda one: one) for _ in range(LENGTH + 10))
        stream.room.set()
        kinds = [one["event"] for _ in range(2) for one in await stream.events()]
        assert kinds == ["task", "reset"]


async def test_silence_is_broken_by_a_comment(application: Handler, now: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "HEARTBEAT", 0.03)
    async with Exchange(application, "GET", EVENTS) as stream:
        await begin(stream)
        assert (await stream.piece()).startswith(b":")


async def test_a_stream_ends_when_its_reader_leaves(application: Handler, now: Runtime) -> None:
    async with Exchange(application, "GET", EVENTS) as stream:
        await begin(stream)
        assert len(events._open) == 1
        stream.leave()
        await asyncio.wait_for(asyncio.shield(stream.task), 60)
        assert not events._open


async def test_a_stream_ends_when_the_server_has_stopped(application: Handler, now: Runtime) -> None:
    async with Exchange(application, "GET", EVENTS) as stream:
        await begin(stream)
        await asyncio.get_running_loop().run_in_executor(None, now.stop)
        await asyncio.wait_for(asyncio.shield(stream.task), 60)


async def test_streams_are_counted_and_capped(application: Handler, now: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MAX_STREAMS", 1)
    async with Exchange(application, "GET", EVENTS) as first:
        await begin(first)
        async with Exchange(application, "GET", EVENTS) as second:
            start = await second.start()
            assert start["status"] == 503
            assert b"retry-after" in dict(start["headers"])
