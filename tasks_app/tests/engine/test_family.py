"""What a handler starts beside itself ends with it, whether the handler thought of it or not."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import psutil
import pytest

from tasks_app.engine import family
from tasks_app.engine.context import Context
from tasks_app.engine.launch import LaunchRequest
from tasks_app.engine.registry import Params
from tasks_app.engine.task import Status
from tasks_app.tests.engine.leaks import until
from tasks_app.tests.engine.test_host import Hosted
from tasks_app.tests.engine.world import World, handler

Start = Callable[..., Awaitable[World]]
ended: list[str] = []


async def child(name: str, patience: float = 0.0) -> None:
    """Goes on until it is cancelled, and takes its time then."""
    try:
        await asyncio.sleep(1e6)
    finally:
        await asyncio.sleep(patience)
        ended.append(name)


async def forgets(params: Params, context: Context) -> str:
    """Starts coroutines, one of which starts another, and returns."""
    asyncio.create_task(_has_a_child())  # noqa: RUF006 - that is the point
    asyncio.create_task(child("second"))  # noqa: RUF006
    await context.sleep(1)
    return "done"


async def _has_a_child() -> None:
    asyncio.create_task(child("grandchild"))  # noqa: RUF006
    await child("first")


async def starts(params: Params, context: Context) -> str:
    """Starts what it says ends with it."""
    context.start(child("beside", 0.2))
    context.start(_fails())
    await context.sleep(1)
    return "done"


async def _fails() -> None:
    raise ValueError("beside the point")


async def fails(params: Params, context: Context) -> None:
    """Starts one, and raises."""
    asyncio.create_task(child("of one that failed"))  # noqa: RUF006
    await asyncio.sleep(0)
    raise ValueError("told to")


async def waits(params: Params, context: Context) -> None:
    """Starts one, and waits to be stopped."""
    asyncio.create_task(child("of one that was stopped"))  # noqa: RUF006
    await asyncio.sleep(1e6)


async def keeps_a_stubborn_child(params: Params, context: Context) -> str:
    """Its child does not stop."""
    asyncio.create_task(_stubborn())  # noqa: RUF006
    await asyncio.sleep(0)
    return "done"


async def _stubborn() -> None:
    for _ in range(10):
        try:
            await asyncio.sleep(1)
        except asyncio.CancelledError:
            continue


async def groups(params: Params, context: Context) -> str:
    """Does it well."""
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(asyncio.sleep(0.1))
    return "done"


TYPES = [handler(function.__name__, function) for function in (forgets, starts, fails, waits, keeps_a_stubborn_child, groups)]


@pytest.fixture
async def world(start: Start) -> World:
    ended.clear()
    return await start(types=TYPES)


async def ran(world: World, name: str, seconds: float) -> tuple[Status, list[str]]:
    """What became of a task of a type, and its log."""
    task = world.engine.submit(LaunchRequest(type=name))
    await world.advance(seconds)
    trail = world.store.find_trail(task.number)
    return world.status(task), [line.text for line in trail.lines()] if trail else []


async def test_forgotten_coroutines_are_cancelled_when_the_handler_ends_and_said(world: World) -> None:
    status, log = await ran(world, "forgets", 2)
    assert sorted(ended) == ["first", "grandchild", "second"]
    assert status is Status.COMPLETED
    assert log == ["Coroutines it had started and not waited for: 3. They were cancelled with it."]


async def test_what_is_started_beside_a_handler_ends_with_it_and_its_errors_are_lines(world: World) -> None:
    status, log = await ran(world, "starts", 2)
    assert (status, ended) == (Status.COMPLETED, ["beside"])
    assert log == ["ValueError: beside the point"]


@pytest.mark.parametrize(("name", "left"), [("fails", "of one that failed"), ("waits", "of one that was stopped")])
async def test_they_end_however_the_handler_ended(world: World, name: str, left: str) -> None:
    await ran(world, name, 0.1)
    for task in world.store.many(range(5)):
        if task.status is Status.PROCESSING:
            world.engine.cancel(task.id)
    await world.settle()
    assert ended == [left]


async def test_one_that_does_not_stop_is_counted_and_holds_up_nobody(world: World) -> None:
    status, _ = await ran(world, "keeps_a_stubborn_child", family.LEAVING + 0.1)
    assert status is Status.COMPLETED
    assert family.astray() == 1
    await world.advance(20)
    assert family.astray() == 0


async def test_a_group_that_was_waited_for_is_no_word_worth(world: World) -> None:
    assert await ran(world, "groups", 1) == (Status.COMPLETED, [])


async def test_what_others_start_on_the_loop_is_left_alone(world: World) -> None:
    mine = asyncio.create_task(asyncio.sleep(5, "mine"))
    await ran(world, "forgets", 2)
    assert await mine == "mine"


# -- programs

SPAWNS = """
import subprocess, sys, time
subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], stdout=subprocess.DEVNULL)
print(1, flush=True)
"""


@pytest.mark.real_time
@pytest.mark.files_stay("libuv keeps a pipe of its own from its first program on")
@pytest.mark.parametrize("then", ["time.sleep(600)", "pass"], ids=["runs on", "has ended"])
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_program_is_killed_with_all_that_it_started_when_its_handler_ends(loop: str, then: str) -> None:
    programs: list[Any] = []

    async def runs_a_program(params: Params, context: Context) -> None:
        made = await context.program(sys.executable, "-c", SPAWNS + then, stdout=asyncio.subprocess.PIPE)
        assert made.stdout is not None
        await made.stdout.readline()
        if then == "pass":
            await made.wait()
        programs.append(made)

    new_loop: Any = asyncio.new_event_loop if loop == "asyncio" else pytest.importorskip("uvloop").new_event_loop
    hosted = Hosted(new_loop)
    hosted.registry.register(handler("runs_a_program", runs_a_program))
    hosted.host.start()
    task = hosted.engine.submit(LaunchRequest(type="runs_a_program"))
    assert hosted.became(task, Status.COMPLETED), hosted.store.get(task.id)
    assert until(lambda: not _of_group(programs[0].pid))
    assert until(programs[0]._transport.is_closing), "the loop has heard of it: one that ends before never does"
    assert hosted.ended(1)


def _of_group(group: int) -> list[int]:
    found = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return found
