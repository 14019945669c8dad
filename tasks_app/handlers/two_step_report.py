"""Task type `two_step_report`: work in two steps, and a JSON file that is whole after each."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from pathlib import Path
from typing import Any

from pydantic import Field

from tasks_app.engine.context import Context
from tasks_app.engine.errors import TaskFailure
from tasks_app.engine.registry import Params, task_type
from tasks_app.engine.sentences import joined, kept, say
from tasks_app.handlers._part import SUFFIX, in_thread
from tasks_app.handlers._words import seconds

STEPS = ("first", "second")
MODE = 0o644
_NO_FOLDER = kept("No folder for reports is set on this server")
_AT_WORK = {"first": kept("At work on the first step"), "second": kept("At work on the second step")}
_WROTE = {"first": kept("Wrote the first step to {file}"), "second": kept("Wrote the second step to {file}")}
_WRITTEN = kept("Both steps written")
_NOT_SAVED = kept("The report could not be saved: {why}")


class Folder:
    """Where reports go."""

    path: Path | None = None


def configure(folder: Path) -> None:
    """Say where reports go, once, at start, and make the folder. One that cannot be made now is tried again for each report, which
    fails in words of its own."""
    Folder.path = folder
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)


class TwoStepReportParams(Params):
    """What the report is called, and how long each step takes."""

    name: str = Field(min_length=1, max_length=10_000, description="Name of the report, kept as it is")
    pause: float = Field(10.0, ge=0, le=3600, description="Seconds before each of the two steps")

    def summary(self) -> str:
        """The name, in one line, and the pace."""
        shown = "".join(char if char.isprintable() else " " for char in self.name[:80]).strip() or say("a blank name")
        return joined(" · ", (shown, say("steps {time} apart", time=seconds(self.pause))))


def headline(result: dict[str, Any]) -> tuple[str, str]:
    """Two lines for a finished row."""
    return say("Both steps written"), str(result["file"])


@task_type("two_step_report", params=TwoStepReportParams, title="Two-step report", concurrency=10, idempotent=True, headline=headline)
async def two_step_report(params: TwoStepReportParams, context: Context) -> dict[str, Any]:
    """Waits, writes its first step to a file, waits, and adds the second. Whoever reads the file meanwhile finds it whole."""
    if Folder.path is None:
        raise TaskFailure(_NO_FOLDER(), kind="NotConfigured", retry=False)
    path = Folder.path / f"task_{context.task_id}.json"
    entries: dict[str, str] = {}
    for number, step in enumerate(STEPS, 1):
        context.progress(number - 1, len(STEPS), _AT_WORK[step]())
        await context.sleep(params.pause)
        entries[str(number)] = f"{step} step for {context.task_id}"
        await _saved(path, json.dumps(entries, indent=4))
        context.log(_WROTE[step](file=path.name))
    context.progress(len(STEPS), message=_WRITTEN())
    return {"file": f"files/{path.name}"}


async def _saved(path: Path, text: str) -> None:
    """Write in a thread. A cancel waits for a write that has begun: no part is left, and nothing is written after the task has ended."""
    writing = asyncio.ensure_future(in_thread(write_whole, path, text))
    try:
        await asyncio.shield(writing)
    except OSError as error:
        raise TaskFailure(_NOT_SAVED(why=os.strerror(error.errno or 0).lower()), kind="NotSaved") from None
    finally:
        await asyncio.wait([writing])


def write_whole(path: Path, text: str) -> None:
    """Put a file in its place in one move: a reader finds the one before or this one, never a part. Blocks. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}{SUFFIX}")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.chmod(MODE)
        part.replace(path)
    finally:
        with contextlib.suppress(OSError):  # moved away, or never made
            part.unlink()
