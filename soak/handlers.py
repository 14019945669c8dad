"""Task types of the trials: named to their servers with IOTASK_HANDLERS. What they note goes to a file, a line in one write."""

from __future__ import annotations

import asyncio
import os
import re
import time
from pathlib import Path
from typing import Literal

from tasks_app.engine.context import Context
from tasks_app.engine.registry import Params, task_type

MODULE = "soak.handlers"


def note(file: str, *words: object) -> None:
    """Append a line. It is there, whole, as soon as this returns, even if the process is killed."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, (" ".join(map(str, words)) + "\n").encode())
    finally:
        os.close(descriptor)


def noted_lines(file: Path, word: str) -> list[list[str]]:
    """The lines of a file that begin with a word, as lists of words."""
    lines = file.read_text("utf-8").splitlines() if file.exists() else []
    return [words for words in map(str.split, lines) if words[0] == word]


class NotedParams(Params):
    """The file that hears of it, and how long it takes."""

    file: str
    seconds: float = 600.0


async def _noted(params: NotedParams, context: Context) -> None:
    note(params.file, "began", context.task_id, context.attempt, time.monotonic())
    try:
        await asyncio.sleep(params.seconds)
    except asyncio.CancelledError:
        note(params.file, "told", context.task_id, context.attempt, time.monotonic())
        raise
    finally:
        note(params.file, "left", context.task_id, context.attempt, time.monotonic())


@task_type("noted", params=NotedParams)
async def noted(params: NotedParams, context: Context) -> None:
    """Waits, and notes when it began, was told to stop, and left."""
    await _noted(params, context)


@task_type("noted_again", params=NotedParams, idempotent=True, max_attempts=3)
async def noted_again(params: NotedParams, context: Context) -> None:
    """The same, of a kind that may run again."""
    await _noted(params, context)


@task_type("stubborn")
async def stubborn(params: Params, context: Context) -> None:
    """Does not stop when asked, however often."""
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:  # that is what it is for
            continue


@task_type("stubborn_thread")
def stubborn_thread(params: Params, context: Context) -> None:
    """The same in a thread."""
    while True:
        time.sleep(3600)


class HeldParams(Params):
    """How the loop is held, and for how long."""

    how: Literal["sleep", "busy", "breathless", "gil"]
    seconds: float


@task_type("held", params=HeldParams)
async def held(params: HeldParams, context: Context) -> None:
    """Does what no handler should."""
    end = time.monotonic() + params.seconds
    if params.how == "sleep":
        time.sleep(params.seconds)  # noqa: ASYNC251 - that is what it is for
    elif params.how == "busy":
        while time.monotonic() < end:
            pass
    elif params.how == "breathless":
        while time.monotonic() < end:  # noqa: ASYNC110 - it waits for nothing: it takes every turn there is
            await asyncio.sleep(0)
    else:
        _hold_everything(params.seconds)


def _hold_everything(seconds: float) -> None:
    """One call into C that holds the interpreter's lock about so long: a match whose time doubles with each letter."""
    letters = 16
    began = time.monotonic()
    while (took := time.monotonic() - began) < 0.02:
        letters += 1
        began = time.monotonic()
        _match(letters)
    while took < seconds:
        letters, took = letters + 1, took * 2
    _match(letters)


def _match(letters: int) -> None:
    re.match(r"(a+)+$", "a" * letters + "b")


class OddParams(Params):
    """How it ends."""

    how: Literal["well", "fails", "raises", "late", "large"] = "well"
    seconds: float = 0.05


@task_type("odd", params=OddParams)
async def odd(params: OddParams, context: Context) -> str:
    """Works for a moment, reports, and ends one way or another."""
    for part in range(5):
        context.progress(part, 5)
        await asyncio.sleep(params.seconds / 5)
    context.log("done")
    if params.how == "fails":
        raise ValueError("it went wrong")
    if params.how == "raises":
        raise BaseExceptionGroup("two", [KeyError("a"), SystemExit(3)])
    if params.how == "late":
        await asyncio.sleep(3600)
    return "x" * (100_000 if params.how == "large" else 100)


class SteppedParams(NotedParams):
    """The same, in so many steps."""

    steps: int = 10


@task_type("stepped", params=SteppedParams)
async def stepped(params: SteppedParams, context: Context) -> None:
    """Says after each step how far it is, and notes when it began and when it was through."""
    note(params.file, "began", context.task_id, context.attempt, time.monotonic())
    for step in range(params.steps):
        context.progress(step, params.steps)
        await asyncio.sleep(params.seconds / params.steps)
    context.progress(params.steps)
    note(params.file, "through", context.task_id, context.attempt, time.monotonic())
