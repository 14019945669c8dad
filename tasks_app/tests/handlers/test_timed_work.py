"""Count, long computation and primes: work that needs no network."""

from __future__ import annotations

import asyncio
import inspect

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks_app.engine.context import Stop
from tasks_app.engine.errors import InvalidParams
from tasks_app.engine.registry import TaskType
from tasks_app.engine.task import OutcomeKind
from tasks_app.handlers.count import count
from tasks_app.handlers.long_computation import Harmonic, long_computation
from tasks_app.handlers.primes import primes, segments
from tasks_app.tests.handlers.running import Attempt, execute, until


async def test_counting_reports_every_number():
    ran = await execute(count, {"to": 5, "interval": 0.01})
    assert ran.result == {"counted": 5, "interval": 0.01}
    assert [current for current, _, _ in ran.reports] == [0, 1, 2, 3, 4, 5]
    assert ran.reports[-1] == (5, 5, "5 of 5")
    assert ran.context.seconds >= 0.05
    assert ran.headline == ("Counted to 5", "One every 0.01 s")


async def test_counting_does_not_drift(monkeypatch: pytest.MonkeyPatch):
    loop = asyncio.get_running_loop()
    slept: list[float] = []

    async def late(seconds: float) -> None:
        slept.append(now[0] + seconds)
        now[0] += max(seconds, 0) + (1000 if len(slept) == 2 else 0)  # the second step loses a thousand seconds

    now = [loop.time()]
    began = now[0]
    with monkeypatch.context() as patched:
        patched.setattr(loop, "time", lambda: now[0])
        patched.setattr(asyncio, "sleep", late)
        assert (await execute(count, {"to": 5, "interval": 300})).completed
    assert slept == pytest.approx([began + number * 300 for number in range(1, 6)]), "what one step lost, the next ones make up for"


async def test_counting_without_a_pause_lets_others_have_their_turn():
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    watching = asyncio.create_task(other())
    ran = await execute(count, {"to": 10_000, "interval": 0})
    watching.cancel()
    assert ran.result["counted"] == 10_000
    assert turns >= 100
    assert ran.headline == ("Counted to 10,000", "Without a pause")


@pytest.mark.parametrize("params", [{"to": 1000}, {"to": 1_000_000, "interval": 0}, {"to": 10, "interval": 3600}])
async def test_a_cancelled_count_stops_at_once(params: dict[str, object]):
    attempt = Attempt(count, params)
    attempt.start()
    await until(lambda: attempt.reports)
    ran = await asyncio.wait_for(attempt.cancel(), 60)
    assert ran.outcome is not None
    assert ran.outcome.kind is OutcomeKind.CANCELLED


async def test_long_computation_takes_the_time_it_is_given():
    ran = await execute(long_computation, {"duration": 1.2})
    assert ran.context.seconds >= 1.2
    assert ran.result["duration"] == 1.2
    assert ran.result["message"] == "Long computation completed successfully"
    assert abs(ran.result["value"] - 0.5772156649) < 1e-7
    assert ran.reports[0] == (0, 1.2, "Starting")
    assert [current for current, _, _ in ran.reports] == [0, 1, 1.2]
    assert ran.headline == ("Result 0.577216", "Worked for 1.2 s")


async def test_no_time_is_an_end_at_once_with_a_result():
    ran = await execute(long_computation, {"duration": 0})
    assert ran.result["duration"] == 0
    assert abs(ran.result["value"] - 0.5772156649) < 1e-6


@pytest.mark.parametrize("duration", [180, 9_223_372_036])
async def test_a_cancelled_computation_stops_at_once(duration: float):
    attempt = Attempt(long_computation, {"duration": duration})
    attempt.start()
    await until(lambda: attempt.reports)
    ran = await asyncio.wait_for(attempt.cancel(), 60)
    assert ran.outcome is not None
    assert ran.outcome.kind is OutcomeKind.CANCELLED


async def test_the_number_somebody_asked_for_is_kept_beside_the_time_that_is_worked():
    ran = await execute(long_computation, {"duration": 0, "given": -5.5})
    assert ran.result["duration"] == 0
    assert long_computation.encode({"duration": 0, "given": -5.5})[0] == b'{"duration":0.0,"given":-5.5}'
    assert long_computation.encode({"duration": 0})[0] == b'{"duration":0.0}', "what nobody gave stands nowhere"


def test_more_terms_come_nearer():
    terms = Harmonic()
    errors = []
    for _ in range(5):
        terms.add(1000)
        errors.append(abs(terms.constant() - 0.577215664901532860))
    assert errors == sorted(errors, reverse=True)


@pytest.mark.parametrize(("limit", "expected", "largest"), [(2, 0, None), (3, 1, 2), (100, 25, 97), (1_000_000, 78_498, 999_983)])
def test_primes_are_counted(limit: int, expected: int, largest: int | None):
    ran = Attempt(primes, {"limit": limit}).run_here()
    assert ran.result == {"primes": expected, "limit": limit, "largest": largest}
    assert ran.reports[-1][:2] == (limit, limit)
    assert all(isinstance(line, str) for line in ran.headline)


def test_primes_headline_reads_like_a_sentence():
    ran = Attempt(primes, {"limit": 100}).run_here()
    assert ran.headline == ("25 primes below 100", "The largest is 97")


@settings(deadline=None, max_examples=60)
@given(st.integers(2, 800), st.integers(1, 300))
def test_segments_agree_with_trial_division(limit: int, length: int):
    found = [start + index for start, sieve in segments(limit, length) for index, flag in enumerate(sieve) if flag]
    assert found == [n for n in range(2, limit) if all(n % d for d in range(2, int(n**0.5) + 1))]


def test_a_stopped_sieve_ends_at_the_next_segment():
    attempt = Attempt(primes, {"limit": 100_000_000})
    attempt.context.request_stop(Stop(OutcomeKind.CANCELLED, "asked"))
    assert attempt.run_here().outcome == attempt.outcome
    assert attempt.outcome is not None
    assert attempt.outcome.kind is OutcomeKind.CANCELLED
    assert len(attempt.reports) == 1


def test_primes_is_a_plain_function_for_a_process():
    assert primes.kind == "process"
    assert not inspect.iscoroutinefunction(primes.function)


@pytest.mark.parametrize(
    ("task_type", "params", "field"),
    [
        *((count, {"to": value}, "params.to") for value in (0, -1, 1_000_001, 1.5, "5")),
        *((count, {"interval": value}, "params.interval") for value in (-0.1, 3601, None)),
        *((long_computation, {"duration": value}, "params.duration") for value in (-1, 9_223_372_037, "180", True, None, 10**400)),
        *((long_computation, {"given": value}, "params.given") for value in ("180", True, 10**400)),
        *((primes, {"limit": value}, "params.limit") for value in (1, 0, 100_000_001, 1e6)),
        (count, {"too": 1}, "params.too"),
    ],
)
def test_params_that_make_no_sense_are_refused_by_name(task_type: TaskType, params: dict[str, object], field: str):
    with pytest.raises(InvalidParams) as refused:
        task_type.encode(params)
    assert field in [name for name, _ in refused.value.problems]


@pytest.mark.parametrize(
    ("task_type", "params", "summary"),
    [
        (count, {}, "to 200 · one a second"),
        (count, {"to": 5000, "interval": 0}, "to 5,000 · without a pause"),
        (long_computation, {}, "takes 3 m 00 s"),
        (long_computation, {"duration": 1, "given": 1.9}, "takes 1 s"),
        (primes, {"limit": 50_000_000}, "limit 50,000,000 · process pool"),
    ],
)
def test_summaries_read_like_a_sentence(task_type: TaskType, params: dict[str, object], summary: str):
    assert Attempt(task_type, params).params.summary() == summary
