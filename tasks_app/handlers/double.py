"""Task type `double`: doubles a whole number, exactly."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from tasks_app.engine.context import Context
from tasks_app.engine.registry import Params, task_type
from tasks_app.engine.sentences import say

LOWEST, HIGHEST = -(2**63), 2**63 - 1  # what fits 64 bits; its double needs one more


class DoubleParams(Params):
    """What to double."""

    value: int = Field(21, ge=LOWEST, le=HIGHEST, description="Whole number that is doubled")

    def summary(self) -> str:
        """What is doubled."""
        return say("doubles {value:,}", value=self.value)


def headline(result: dict[str, Any]) -> tuple[str, str]:
    """Two lines for a finished row."""
    return say("{doubled:,}", doubled=result["doubled"]), say("Twice {value:,}", value=result["value"])


@task_type("double", params=DoubleParams, title="Double", concurrency=1, idempotent=True, headline=headline)
async def double(params: DoubleParams, context: Context) -> dict[str, Any]:
    """Doubles a whole number of 64 bits. The result is exact: where it does not fit 64 bits it is longer, never wrapped round."""
    return {"value": params.value, "doubled": 2 * params.value}
