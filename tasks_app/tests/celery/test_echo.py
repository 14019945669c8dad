"""What ended just before the broker went is told again once it is back."""

from __future__ import annotations

from tasks_app.engine.task import OutcomeKind
from tasks_app.executors import wire
from tasks_app.executors.echo import AGAIN, BEFORE, MOST, Echo, End


def end(call: str) -> End:
    record = wire.Record(origin="o", task_id=call, attempt=1, type="count", params="{}", created_at=1.0)
    return End(call, wire.Launched(record=record), wire.Settled(run="r", kind=OutcomeKind.COMPLETED))


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_ends_from_a_minute_before_the_loss_on_are_told_again_a_few_times() -> None:
    clock = Clock()
    echo = Echo(clock)
    echo.ended(end("long ago.1"))
    clock.now += BEFORE + 1
    echo.ended(end("just before.1"))
    clock.now += 1
    echo.lost()
    clock.now += 500
    echo.lost()
    echo.ended(end("meanwhile.1"))
    assert echo.due() == [], "nobody would hear it"
    echo.found()
    times = []
    for _ in range(round(AGAIN[-1]) + 2):
        if told := echo.due():
            assert told == [end("just before.1"), end("meanwhile.1")]
            times.append(clock.now)
        clock.now += 1
    assert [at - times[0] for at in times] == list(AGAIN)


def test_a_loss_that_was_not_noticed_counts_from_when_it_is_found() -> None:
    clock = Clock()
    echo = Echo(clock)
    echo.ended(end("a.1"))
    echo.found()
    assert echo.due() == [end("a.1")]
    assert echo.due() == []


def test_only_so_many_are_kept() -> None:
    echo = Echo(Clock())
    for number in range(2 * MOST):
        echo.ended(end(f"{number}.1"))
    for _ in range(100):
        echo.found()
    assert len(echo.due()) == MOST
    assert echo.due() == []
