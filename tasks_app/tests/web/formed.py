"""A task type whose form has an input of every kind."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, Field, SecretStr

from tasks_app.engine.context import Context
from tasks_app.engine.registry import Params, task_type


class Colour(StrEnum):
    """Two of them."""

    RED = "red"
    BLUE = "blue"


class Account(BaseModel):
    """Nested, with a secret in it."""

    user: str = "nobody"
    password: SecretStr = SecretStr("")


class FormedParams(Params):
    """One of each."""

    model_config = {**Params.model_config, "strict": False}

    word: str = Field(min_length=2, max_length=8, pattern=r"^[a-z]+$", description="A short word")
    free: str = Field("as it is", description="Any text")
    whole: int = Field(5, ge=1, le=10, description="A whole number")
    share: float = Field(0.5, gt=0, lt=1, description="A share")
    flag: bool = Field(True, description="On or off")
    colour: Colour = Field(Colour.RED, description="One of two")
    level: Literal[1, 2, 3] | None = Field(None, description="A level")
    maybe: int | None = Field(7, description="May be empty")
    token: SecretStr = Field(SecretStr(""), description="A secret")
    numbers: list[int] = Field(default=[1], max_length=3, description="Some numbers")
    account: Account | None = Field(None, description="Nested")


@task_type("formed", params=FormedParams, title="Formed", max_attempts=3, timeout=90.0)
async def formed(params: FormedParams, context: Context) -> dict[str, Any]:
    """Has a form."""
    return {}


@task_type("internal", title="Internal", launchable=False)
async def internal(params: Params, context: Context) -> None:
    """Made by the server itself."""
