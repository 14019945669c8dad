"""Task type `message`: carries a text, for a time that chance decides."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from pydantic import Field

from tasks_app.engine.context import Context
from tasks_app.engine.registry import Backoff, Params, task_type
from tasks_app.engine.sentences import joined, kept, say
from tasks_app.handlers._words import seconds

LONGEST_DATA = 10_000  # characters
_WORKS = kept("Works for {time}")
STEP = 0.5  # seconds
_SHOWN = 40  # characters of the text in a row


class MessageParams(Params):
    """What it carries, and for how long at the most."""

    data: str = Field("hello", max_length=LONGEST_DATA, description="Text that is carried, and returned")
    longest: float = Field(5.0, ge=0, le=604_800, description="Seconds the work takes at the most; chance decides")

    def summary(self) -> str:
        """What it carries, for how long at the most."""
        return joined(" · ", filter(None, (_short(self.data), say("up to {time}", time=seconds(self.longest)))))


def headline(result: dict[str, Any]) -> tuple[str, str]:
    """Two lines for a finished row."""
    return _short(result["data"]) or say("No text"), say("Worked for {time}", time=seconds(result["seconds"]))


@task_type(
    "message",
    params=MessageParams,
    title="Message",
    concurrency=10,
    retry_concurrency=10,
    max_attempts=3,
    backoff=Backoff(base=0, jitter=0),
    idempotent=True,
    headline=headline,
)
async def message(params: MessageParams, context: Context) -> dict[str, Any]:
    """Works for a random time, any up to the longest being as likely as another, and returns its text. Tried three times, at once."""
    loop = asyncio.get_running_loop()
    began, chosen = loop.time(), random.uniform(0, params.longest)
    context.progress(0, chosen, _WORKS(time=seconds(chosen)))
    while (left := began + chosen - loop.time()) > 0:
        await asyncio.sleep(min(STEP, left))
        context.progress(loop.time() - began)
    return {"data": params.data, "seconds": round(chosen, 3)}


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 1]}…"
