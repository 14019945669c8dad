"""The wall clock is set while webhooks wait: nothing is due sooner or later for that, and nothing is given up."""

from __future__ import annotations

import time

import pytest
from msgspec.structs import replace

from tasks_app.engine.registry import Backoff
from tasks_app.runtime import Runtime
from tasks_app.tests.webhooks.conftest import PACE, done, launch, tried, until
from tasks_app.tests.webhooks.receiver import receiver
from tasks_app.webhooks.delivery import Delivery, State, restored
from tasks_app.webhooks.line import Line

HOUR = 3600.0
DAY = 24 * HOUR


class Settable:
    """The machine's clocks, of which one can be set."""

    def __init__(self) -> None:
        self.set_by = 0.0

    def time(self) -> float:
        """Wall clock, as it was set."""
        return time.time() + self.set_by

    def monotonic(self) -> float:
        """Nobody sets this."""
        return time.monotonic()


@pytest.fixture
def clock(soon: Runtime, monkeypatch: pytest.MonkeyPatch) -> Settable:
    """Of the webhooks alone."""
    made = Settable()
    monkeypatch.setattr(soon.webhooks, "_clock", made)
    return made


async def test_a_clock_that_is_set_back_keeps_no_webhook_waiting(soon: Runtime, clock: Settable):
    async with receiver(500, 204) as other:
        soon.webhooks.pace = replace(PACE, backoff=Backoff(base=0.5, factor=1, limit=0.5, jitter=0))
        task = launch(soon, other.url)
        await tried(soon, task)
        clock.set_by = -HOUR
        delivery = await done(soon, task)
    assert (delivery.state, delivery.tried) == (State.DELIVERED, 2)


async def test_a_clock_that_is_set_ahead_neither_hastens_a_try_nor_ends_them(soon: Runtime, clock: Settable):
    async with receiver(500, 500, 204) as other:
        soon.webhooks.pace = replace(PACE, backoff=Backoff(base=HOUR, factor=1, limit=HOUR, jitter=0), patience=DAY)
        task = launch(soon, other.url)
        before = await tried(soon, task)
        assert before.next_at is not None
        clock.set_by = 2 * DAY
        after: Delivery = await until(lambda: (one := soon.webhooks.of(task.id)[0]).until > before.until and one)
        assert (after.state, after.tried) == (State.PENDING, 1)
        assert after.next_at is not None
        assert after.next_at - clock.time() == pytest.approx(before.next_at - time.time(), abs=60)
        soon.webhooks.redeliver(task.id, after.id)  # the next answer finds a time for tries that is not over
        again: Delivery = await until(lambda: (one := soon.webhooks.of(task.id)[0]).tried == 2 and one)
    assert again.state is State.PENDING


async def test_a_time_that_only_a_wrong_clock_can_have_said_is_now_after_a_restart(soon: Runtime, clock: Settable):
    async with receiver(500) as other:
        task = launch(soon, other.url)
        found = replace(await tried(soon, task), next_at=20 * DAY, until=21 * DAY)
    assert restored(found, now=0.0, patience=DAY).next_at == 0.0
    assert restored(found, now=0.0, patience=DAY).until == DAY
    assert restored(found, now=20 * DAY - 5, patience=DAY).next_at == 20 * DAY


def test_in_line_only_the_moment_counts_that_was_said_last():
    line = Line()
    line.add("a", "http://x", 10.0)
    line.add("a", "http://x", 1.0)
    assert line.next(5.0) == ("a", "x")
    assert line.next(50.0) is None
