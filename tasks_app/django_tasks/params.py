"""The params of a function: how it is called, and what Django's result says of the task beside that."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from tasks_app.engine.registry import Params
from tasks_app.engine.sentences import say

LONGEST_SUMMARY = 100  # characters


def _moment(text: str | None) -> str | None:
    """What a result will have to read. Raises ValueError."""
    try:
        if text is not None:
            datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(say("must be an RFC 3339 time with an offset, such as 2030-01-31T18:00:00Z")) from None
    return text


class Call(Params):
    """What a function is called with."""

    args: list[Any] = Field(default=[], description="Arguments by their place: a list")
    kwargs: dict[str, Any] = Field(default={}, description="Arguments by their names: an object")
    queue_name: str = Field(default="default", max_length=200, json_schema_extra={"hidden": True})
    backend: str = Field(default="default", max_length=200, json_schema_extra={"hidden": True})
    run_after: Annotated[str | None, AfterValidator(_moment)] = Field(default=None, max_length=40, json_schema_extra={"hidden": True})

    def summary(self) -> str:
        """The arguments, as they would be written in a call."""
        shown = [json.dumps(value, ensure_ascii=False) for value in self.args]
        shown += [f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in self.kwargs.items()]
        text = ", ".join(shown)
        return text if len(text) <= LONGEST_SUMMARY else f"{text[: LONGEST_SUMMARY - 1]}…"
