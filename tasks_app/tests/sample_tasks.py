"""Task types for tests that start a whole server: named to it with IOTASK_HANDLERS."""

from __future__ import annotations

import gc
import time
from pathlib import Path
from typing import Any

from tasks_app.engine.context import Context
from tasks_app.engine.registry import Params, task_type


class TidyParams(Params):
    """`notes` is the file that hears how the handler was left."""

    notes: str
    seconds: float = 600.0


@task_type("tidy", params=TidyParams)
async def tidy(params: TidyParams, context: Context) -> dict[str, Any]:
    """Waits, and notes that its `finally` ran."""
    how = "stopped"
    try:
        await context.sleep(params.seconds)
        how = "done"
    finally:
        with Path(params.notes).open("a", encoding="utf-8") as notes:  # noqa: ASYNC230 - one short line
            notes.write(f"{how}\n")
    return {}


class BlockParams(Params):
    """How long nothing else on the engine's loop gets a turn: `seconds`, or until the file `until` is there."""

    seconds: float = 60.0
    until: str = ""


@task_type("block", params=BlockParams)
async def block(params: BlockParams, context: Context) -> None:
    """Does what no async handler should: blocks."""
    end = time.monotonic() + params.seconds
    while time.monotonic() < end and not (params.until and Path(params.until).exists()):  # noqa: ASYNC240 - that is what it is for
        time.sleep(min(0.1, params.seconds))  # noqa: ASYNC251


class UntilParams(Params):
    """The file that is waited for."""

    until: str


@task_type("until", params=UntilParams)
async def until(params: UntilParams, context: Context) -> dict[str, Any]:
    """Counts until the file is there: however slow whoever looks at it is, it ends no earlier."""
    counted = 0
    while not Path(params.until).exists():  # noqa: ASYNC240 - a look at a folder of the machine's own
        counted += 1
        context.progress(counted, 1_000_000, f"Counted {counted:,}")
        await context.sleep(0.05)
    return {"counted": counted}


class ChattyParams(Params):
    """How much is said, and how fast."""

    lines: int
    interval: float


@task_type("chatty", params=ChattyParams)
async def chatty(params: ChattyParams, context: Context) -> None:
    """Writes lines to its log."""
    for number in range(1, params.lines + 1):
        context.log(f"Line {number}")
        await context.sleep(params.interval)


class PrinterParams(Params):
    """How much is printed."""

    megabytes: int


@task_type("printer", params=PrinterParams)
async def printer(params: PrinterParams, context: Context) -> None:
    """Prints to stdout, a line at a time."""
    for _ in range(params.megabytes * 1000):
        print("x" * 999)


class OutcryParams(Params):
    """What it says."""

    words: str


@task_type("outcry", params=OutcryParams)
async def outcry(params: OutcryParams, context: Context) -> None:
    """Fails with words of somebody's choice."""
    raise ValueError(params.words)


@task_type("garbage", params=Params)
async def garbage(params: Params, context: Context) -> dict[str, bool]:
    """Says whether this process looks for garbage by itself."""
    return {"collected": gc.isenabled()}
