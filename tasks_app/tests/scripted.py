"""Handlers that do what they are told, well or badly: one async, one in a thread, one in a process, the same modes for each."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from tasks_app.engine.context import Context
from tasks_app.engine.errors import TaskCancelled, TaskFailure
from tasks_app.engine.registry import Backoff, Params, task_type

LET_GO = threading.Event()  # set: those that do not stop when asked stop now
ended: list[tuple[str, int]] = []  # (task id, attempt) of each handler whose `finally` ran in this process
PATIENCE = 170.0  # seconds after which even a stubborn one gives up, so that a broken test leaves nothing behind


class ScriptParams(Params):
    """What to do. `path` names a file to which a line is added when the handler begins and when its `finally` runs."""

    mode: str = "ok"
    seconds: float = 0.0
    times: int = 0
    path: str = ""
    password: SecretStr = SecretStr("")


class Hostile(Exception):
    """An error that cannot be looked at."""

    def __str__(self) -> str:
        raise KeyboardInterrupt("from __str__")

    __repr__ = __str__


class HostileDict(dict[str, Any]):
    """A result that raises when it is read."""

    def items(self) -> Any:
        raise TaskFailure("from items", result=self)


def _cycle() -> list[Any]:
    found: list[Any] = []
    found.append(found)
    return found


def _deep() -> list[Any]:
    found: list[Any] = []
    for _ in range(10_000):
        found = [found]
    return found


BAD_RESULTS: dict[str, Callable[[], Any]] = {
    "nan": lambda: {"a": float("nan")},
    "infinity": lambda: [float("-inf")],
    "datetime": lambda: dt.datetime.now(dt.UTC),
    "bytes": lambda: b"bytes",
    "set": lambda: {"numbers": {1, 2}},
    "object": object,
    "surrogate": lambda: {"a": "\ud800"},
    "surrogate_key": lambda: {"\ud800": 1},
    "number_key": lambda: {1: 1},
    "cycle": _cycle,
    "deep": _deep,
    "hostile_dict": lambda: HostileDict(a=1),
    "huge_integer": lambda: [10**5000],
    "long_text": lambda: "x" * 65_535,
    "long_list": lambda: list(range(1_000_000)),
}

ERRORS: dict[str, Callable[[], BaseException]] = {
    "fail": lambda: ValueError("told to fail"),
    "fail_in_its_own_words": lambda: TaskFailure("unreachable", kind="unreachable", result={"sent": 3}),
    "fail_for_good": lambda: TaskFailure("never", retry=False),
    "exit": lambda: SystemExit(3),
    "interrupt": KeyboardInterrupt,
    "generator_exit": GeneratorExit,
    "cancel_itself": asyncio.CancelledError,
    "hostile": Hostile,
    "hostile_failure": lambda: TaskFailure(Hostile(), kind=Hostile(), result=HostileDict(a=1)),  # type: ignore[arg-type]
    "group": lambda: BaseExceptionGroup("two", [SystemExit(1), ValueError("x")]),
    "surrogate_error": lambda: ValueError("file \udcff"),
}


def common(params: ScriptParams, context: Context) -> Any:
    """The modes in which nothing waits."""
    mode = params.mode
    if mode in ERRORS:
        raise ERRORS[mode]()
    if mode in BAD_RESULTS:
        return BAD_RESULTS[mode]()
    if mode == "fail_then_ok" and context.attempt <= params.times:
        raise ValueError(f"attempt {context.attempt}")
    if mode == "million_progress":
        for number in range(1_000_000):
            context.progress(number + 1, 1_000_000)
    elif mode == "talks":
        context.progress(1, 2, "half")
        context.log("a line", "warning")
        context.measure("speed", 3.5, "m/s")
    elif mode == "blocks":
        LET_GO.wait(params.seconds)  # within a library, as most that blocks
    elif mode == "dies":
        os._exit(7)
    return {"attempt": context.attempt, "password": len(params.password.get_secret_value())}


@task_type("scripted", params=ScriptParams, backoff=Backoff(jitter=0.0))
async def scripted(params: ScriptParams, context: Context) -> Any:
    """On the engine's loop."""
    try:
        _write(params, f"began {context.attempt}")
        if params.mode == "hang":
            await asyncio.sleep(params.seconds or 1e6)
        elif params.mode == "stubborn":
            await _stubborn()
        elif params.mode == "cleans_up":
            await _clean_up(params.seconds)
        elif params.mode == "slow_progress":
            for step in range(params.times):
                context.progress(step, params.times)
                await context.sleep(params.seconds)
            context.progress(params.times)
        elif params.mode == "child_exits":
            context_task = asyncio.create_task(_exit_soon())  # its SystemExit goes through the loop itself
            await asyncio.wait([context_task])
            context_task.exception()  # looked at: nothing is left to be told
        elif params.mode == "stops_the_loop":
            asyncio.get_running_loop().stop()
            await asyncio.sleep(0)
        elif params.mode == "cancels_everybody":
            for task in asyncio.all_tasks():
                task.cancel()
        return common(params, context)
    finally:
        _finally(params, context)


def _sync(params: ScriptParams, context: Context) -> Any:
    try:
        if params.mode == "stubborn":
            _stubborn_sync(lambda: _write(params, f"began {context.attempt}"))
            return common(params, context)
        _write(params, f"began {context.attempt}")
        if params.mode == "hang":
            while True:
                context.wait(params.seconds or 0.05)
        elif params.mode == "slow_progress":
            for step in range(params.times):
                context.progress(step, params.times)
                context.wait(params.seconds)
            context.progress(params.times)
        elif params.mode == "asyncio_loop":
            return asyncio.run(_one_turn())
        return common(params, context)
    finally:
        _finally(params, context)


@task_type("scripted_thread", params=ScriptParams, backoff=Backoff(jitter=0.0))
def scripted_thread(params: ScriptParams, context: Context) -> Any:
    """In a thread."""
    return _sync(params, context)


@task_type("scripted_process", params=ScriptParams, cpu_bound=True, concurrency=2, backoff=Backoff(jitter=0.0))
def scripted_process(params: ScriptParams, context: Context) -> Any:
    """In a worker process."""
    return _sync(params, context)


async def _stubborn() -> None:
    until = asyncio.get_running_loop().time() + 1e6
    while not LET_GO.is_set() and asyncio.get_running_loop().time() < until:
        try:
            await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            continue


async def _clean_up(seconds: float) -> None:
    try:
        await asyncio.sleep(1e6)
    finally:
        await asyncio.sleep(seconds)


def _stubborn_sync(begin: Callable[[], object]) -> None:
    """Whoever sees that it has begun sees it deaf: at no moment a cancel gets through."""
    until = time.monotonic() + PATIENCE
    while not LET_GO.is_set() and time.monotonic() < until:
        try:
            begin()
            while not LET_GO.is_set() and time.monotonic() < until:
                LET_GO.wait(0.05)
        except TaskCancelled:
            continue


async def _exit_soon() -> None:
    raise SystemExit(4)


async def _one_turn() -> str:
    await asyncio.sleep(0)
    return "a loop of its own"


def _write(params: ScriptParams, line: str) -> None:
    if params.path:
        with Path(params.path).open("a") as file:
            file.write(f"{line} {os.getpid()}\n")


def _finally(params: ScriptParams, context: Context) -> None:
    ended.append((context.task_id, context.attempt))
    _write(params, "ended")
