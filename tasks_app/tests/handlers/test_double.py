"""Double: exact, and of 64 bits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks_app.engine.errors import InvalidParams
from tasks_app.engine.registry import Registry
from tasks_app.handlers.double import DoubleParams, double
from tasks_app.tests.handlers.running import Attempt, execute


@pytest.mark.parametrize("value", [0, 21, -21, 2**62, -(2**62) - 1, 2**63 - 1, -(2**63)])
async def test_a_number_is_doubled_exactly(value):
    ran = await execute(double, {"value": value})
    assert ran.result == {"value": value, "doubled": value + value}


@given(st.integers(-(2**63), 2**63 - 1))
async def test_every_number_of_64_bits_is_doubled_exactly(value):
    assert (await execute(double, {"value": value})).result["doubled"] == value + value


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 10**400, 2.0, 1.5, "21", True, None, [21]])
def test_anything_else_is_refused(value):
    with pytest.raises(InvalidParams, match=r"params\.value"):
        Attempt(double, {"value": value})


async def test_what_it_shows():
    ran = await execute(double, {"value": -1_000_000})
    assert ran.headline == ("-2,000,000", "Twice -1,000,000")
    assert DoubleParams(value=1_000_000).summary() == "doubles 1,000,000"


def test_one_is_doubled_at_a_time():
    registry = Registry()
    registry.discover("tasks_app.handlers")
    assert registry.get("double").concurrency == 1
