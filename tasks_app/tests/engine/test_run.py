"""Run ends in a value: whatever a handler does becomes an Outcome."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tasks_app.engine.context import Context, Stop
from tasks_app.engine.errors import TaskFailure
from tasks_app.engine.ports import SystemClock
from tasks_app.engine.run import encode_result, raised, returned, run_async, run_sync
from tasks_app.engine.task import Outcome, OutcomeKind
from tasks_app.engine.trail import Trail
from tasks_app.tests import scripted
from tasks_app.tests.scripted import BAD_RESULTS, ERRORS, ScriptParams

LARGE = {"long_text", "long_list"}


def a_context(blocking: bool = False) -> Context:
    """A context that nobody listens to."""
    trail = Trail()
    return Context(
        task_id="id-1",
        number=1,
        type="scripted",
        attempt=1,
        clock=SystemClock(),
        trail=lambda: trail,
        report=lambda *said: None,
        blocking=blocking,
    )


async def outcome_of(mode: str, kind: str, stop: Stop | None = None) -> Outcome:
    """What becomes of a scripted handler, as a coroutine or as a function."""
    context = a_context(blocking=kind == "sync")
    if stop is not None:
        context.request_stop(stop)
    if kind == "async":
        return await run_async(scripted.scripted.function, ScriptParams(mode=mode), context)
    return run_sync(scripted.scripted_thread.function, ScriptParams(mode=mode), context)


both = pytest.mark.parametrize("kind", ["async", "sync"])


@both
async def test_a_handler_that_returns_has_completed_with_its_result_as_json(kind: str) -> None:
    outcome = await outcome_of("ok", kind)
    assert outcome.kind is OutcomeKind.COMPLETED
    assert json.loads(outcome.result or b"") == {"attempt": 1, "password": 0}


@both
@pytest.mark.parametrize("mode", sorted(set(BAD_RESULTS) - LARGE))
async def test_a_result_that_is_not_json_fails_and_says_where(mode: str, kind: str) -> None:
    outcome = await outcome_of(mode, kind)
    assert outcome.kind is OutcomeKind.FAILED
    assert outcome.error is not None
    assert outcome.error.type == "result_not_json"
    assert "result" in outcome.error.message
    assert not outcome.retry, "the next attempt would return the same"


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({"a": [1, float("nan")]}, "result.a[1]: nan"),
        ({"a": {"b": b"x"}}, "result.a.b: bytes"),
        ([{1}], "result[0]: set"),
        ({"a": {2: 1}}, "result.a: a key of type int"),
        ({"a": "\udcff"}, "result.a: a lone surrogate"),
        ({"\udcff": 1}, "result: a key: a lone surrogate"),
    ],
)
def test_the_message_leads_to_the_place(value: Any, where: str) -> None:
    _, problem = encode_result(value)
    assert problem is not None
    assert problem.message.endswith(where)


@both
@pytest.mark.parametrize("mode", sorted(LARGE))
async def test_a_result_that_is_too_large_fails_and_says_so(mode: str, kind: str) -> None:
    outcome = await outcome_of(mode, kind)
    assert outcome.kind is OutcomeKind.FAILED
    assert outcome.error is not None
    assert outcome.error.type == "result_too_large"
    assert outcome.result is None


def test_the_largest_result_that_is_kept_has_65536_bytes() -> None:
    assert encode_result("x" * 65_534) == (b'"' + b"x" * 65_534 + b'"', None)
    assert encode_result("x" * 65_535)[0] is None
    assert encode_result("é" * 32_767)[0] is not None
    assert encode_result("é" * 32_768)[0] is None


def test_a_result_of_a_hundred_megabytes_is_given_up_before_it_is_written_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json, "dumps", lambda *a, **k: pytest.fail("written out"))
    for value in ("x" * 100_000_000, ["x" * 1000] * 100_000, [0] * 10_000_000, {"a": [[1] * 70_000]}):
        _, problem = encode_result(value)
        assert problem is not None
        assert problem.type == "result_too_large"


def test_32_levels_are_kept_and_33_are_not() -> None:
    def nested(levels: int) -> Any:
        value: Any = 1
        for _ in range(levels):
            value = [value]
        return value

    assert encode_result(nested(32))[1] is None
    problem = encode_result(nested(33))[1]
    assert problem is not None
    assert "nested more than 32 deep" in problem.message


@pytest.mark.parametrize(
    ("mode", "kind"), [*((mode, "sync") for mode in ERRORS), *((mode, "async") for mode in ERRORS if mode != "generator_exit")]
)
async def test_an_error_of_any_kind_is_a_failure_and_goes_no_further(mode: str, kind: str) -> None:
    outcome = await outcome_of(mode, kind)
    assert outcome.kind is OutcomeKind.FAILED
    assert outcome.error is not None
    assert outcome.error.type
    json.dumps([outcome.error.type, outcome.error.message, outcome.error.traceback], ensure_ascii=False).encode()  # can be shown


async def test_an_error_keeps_its_type_message_and_traceback() -> None:
    error = (await outcome_of("fail", "sync")).error
    assert error is not None
    assert (error.type, error.message) == ("ValueError", "told to fail")
    assert "scripted.py" in error.traceback


async def test_an_expected_failure_speaks_in_its_own_words_without_a_traceback() -> None:
    outcome = await outcome_of("fail_in_its_own_words", "async")
    assert outcome.error is not None
    assert (outcome.error.type, outcome.error.message, outcome.error.traceback) == ("unreachable", "unreachable", "")
    assert outcome.result == b'{"sent":3}'
    assert outcome.retry


async def test_a_failure_for_good_is_not_tried_again() -> None:
    assert not (await outcome_of("fail_for_good", "async")).retry


@pytest.mark.parametrize(
    "error", [ValueError("x" * 100_000), type("E" * 100_000, (Exception,), {})(), TaskFailure("m" * 99_999, kind="k" * 999)]
)
def test_what_is_kept_of_an_error_is_bounded(error: Exception) -> None:
    try:
        raise error
    except Exception as caught:
        told = raised(caught, a_context()).error
    assert told is not None
    assert len(told.type) <= 80
    assert len(told.message) <= 2_000
    assert len(told.traceback) <= 16_002


def test_an_error_that_cannot_be_read_keeps_its_type() -> None:
    told = raised(scripted.Hostile(), a_context()).error
    assert told is not None
    assert (told.type, told.message) == ("Hostile", "(no text: its __str__ raised KeyboardInterrupt)")


def test_an_error_that_cannot_be_described_is_still_a_failure() -> None:
    class Unspeakable(TaskFailure):
        @property
        def kind(self) -> str:
            raise SystemExit

        @kind.setter
        def kind(self, value: str) -> None:
            pass

    outcome = raised(Unspeakable("x"), a_context())
    assert outcome.kind is OutcomeKind.FAILED
    assert outcome.error is not None
    assert outcome.error.type == "Error"


@both
@pytest.mark.parametrize("mode", ["ok", "fail", "exit", "nan", "fail_in_its_own_words", "hostile"])
@pytest.mark.parametrize("stop", [OutcomeKind.CANCELLED, OutcomeKind.TIMED_OUT, OutcomeKind.INTERRUPTED])
async def test_a_handler_that_was_asked_to_stop_has_stopped_whatever_it_did_in_the_end(mode: str, kind: str, stop: OutcomeKind) -> None:
    outcome = await outcome_of(mode, kind, Stop(stop, "asked"))
    assert outcome.kind is stop
    assert (outcome.error is not None) == (stop is OutcomeKind.TIMED_OUT)


def test_what_a_stopped_handler_returned_is_kept() -> None:
    context = a_context()
    context.request_stop(Stop(OutcomeKind.CANCELLED))
    assert returned({"sent": 3}, context).result == b'{"sent":3}'
    assert returned(None, context).result is None


async def test_a_handler_that_cancels_itself_has_failed_and_may_try_again() -> None:
    async def leaves(params: Any, context: Context) -> None:
        asyncio.current_task().cancel()  # type: ignore[union-attr]
        await asyncio.sleep(1)

    outcome = await run_async(leaves, None, a_context())
    assert outcome.error is not None
    assert (outcome.kind, outcome.error.type, outcome.retry) == (OutcomeKind.FAILED, "Cancelled", True)


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
async def test_a_coroutine_as_result_is_not_json() -> None:
    async def forgotten() -> None: ...

    async def forgets(params: Any, context: Context) -> Any:
        return forgotten()

    outcome = await run_async(forgets, None, a_context())
    assert outcome.error is not None
    assert outcome.error.message.endswith("result: coroutine")


async def test_a_traceback_begins_in_the_handlers_own_code() -> None:
    outcome = await run_async(_raises, None, a_context())
    assert outcome.error is not None
    assert "in _raises" in outcome.error.traceback
    assert "engine/run.py" not in outcome.error.traceback


async def _raises(params: object, context: object) -> None:
    raise LookupError("nothing there")
