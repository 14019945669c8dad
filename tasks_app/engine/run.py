"""Run ends in a value: whatever a handler does becomes an Outcome. The only try/except around user code."""

from __future__ import annotations

import asyncio
import json
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Any

from tasks_app.engine.context import Context, writable
from tasks_app.engine.errors import TaskCancelled, TaskFailure
from tasks_app.engine.sentences import kept
from tasks_app.engine.spans import spans
from tasks_app.engine.task import Outcome, OutcomeKind, TaskError
from tasks_app.engine.whose import running

MAX_RESULT = 65_536  # bytes of JSON text
MAX_DEPTH = 32
MAX_ERROR = 2_000
MAX_TRACEBACK = 16_000
_NULL = b"null"
_NOTHING = Outcome(kind=OutcomeKind.COMPLETED, result=_NULL)  # returned by most
_RETURNED_TOO_MUCH = kept("The handler returned more than {most:,} bytes of JSON, the most that is kept.")
_TOO_LARGE = TaskError("result_too_large", str(_RETURNED_TOO_MUCH(most=MAX_RESULT)))
_FORGOTTEN = kept("Coroutines it had started and not waited for: {count:,}. They were cancelled with it.")
_NOT_JSON = kept("The handler returned something that is not JSON: {where}")
_NO_WORDS = TaskError("Error", str(kept("The handler raised an error that cannot be described.")()))
_BY_ITSELF = TaskError("Cancelled", str(kept("The handler cancelled itself.")()))


async def run_async(function: Callable[..., Any], params: Any, context: Context) -> Outcome:
    """Run an `async def` handler on this loop, and see that what it started beside itself ends with it."""
    family = context.family
    family.settle_here()
    running.set(context)
    span = spans.begin(context) if spans.begin is not None else None
    why: BaseException | None = None
    try:
        outcome = returned(await function(params, context), context)
    except GeneratorExit:
        raise  # the loop is gone: nobody is left to tell
    except BaseException as error:
        outcome, why = raised(error, context), (error if span is not None else None)
    if span is not None:
        span.end(outcome, why)
        why = None  # it refers to this frame
    if not family.is_empty:
        forgotten = await family.end()
        if forgotten:
            context.log(_FORGOTTEN(count=forgotten), "warning")
    return outcome


def run_sync(function: Callable[..., Any], params: Any, context: Context) -> Outcome:
    """Run a `def` handler in this thread or process."""
    token = running.set(context)
    span = spans.begin(context) if spans.begin is not None else None
    why: BaseException | None = None
    try:
        outcome = returned(function(params, context), context)
    except BaseException as error:
        outcome, why = raised(error, context), (error if span is not None else None)
    if span is not None:
        span.end(outcome, why)
        why = None  # it refers to this frame
    running.reset(token)  # a worker process runs one after the other in one thread
    return outcome


def returned(value: Any, context: Context) -> Outcome:
    """The outcome of a handler that returned. One that was asked to stop has stopped, whatever it returned."""
    if value is None and context.stop is None:
        return _NOTHING
    result, problem = encode_result(value)
    if context.stop is not None:
        return _stopped(context, result)
    if problem is not None:
        return Outcome(kind=OutcomeKind.FAILED, error=problem, retry=False)
    return Outcome(kind=OutcomeKind.COMPLETED, result=result)


def raised(error: BaseException, context: Context) -> Outcome:
    """The outcome of a handler that raised. Never raises itself, whatever the error is."""
    if context.stop is not None:
        return _stopped(context)
    try:
        return _failure(error)
    except BaseException:  # an error whose own attributes raise
        return Outcome(kind=OutcomeKind.FAILED, error=_NO_WORDS)


def encode_result(value: Any) -> tuple[bytes | None, TaskError | None]:
    """A handler's result as JSON text, or why it cannot be kept: strict JSON of MAX_RESULT bytes and MAX_DEPTH levels. Never raises."""
    if value is None:
        return _NULL, None
    try:
        where = _not_json(value, "result", 0, _Room())
        text = b"" if where else json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()
    except _TooLarge:
        return None, _TOO_LARGE
    except BaseException:  # what a value's own methods raise, and integers too long to write down
        where, text = "result", b""
    if where:
        return None, TaskError("result_not_json", str(_NOT_JSON(where=where)))
    return (text, None) if len(text) <= MAX_RESULT else (None, _TOO_LARGE)


class _TooLarge(Exception):
    pass


class _Room:
    """How many bytes of JSON may still come: a value that is too large is given up early, not written out first."""

    def __init__(self) -> None:
        self.left = MAX_RESULT

    def take(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise _TooLarge


def _not_json(value: Any, path: str, depth: int, room: _Room) -> str:
    """Where `value` stops being JSON, as a path and a word; empty when all of it is."""
    room.take(1)
    if depth > MAX_DEPTH:
        return f"{path[:200]}: nested more than {MAX_DEPTH} deep"
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                return f"{path}: a key of type {type(key).__name__}"
            if where := _not_text(key, f"{path}: a key") or _not_json(item, f"{path}.{key[:40]}", depth + 1, room):
                return where
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            if where := _not_json(item, f"{path}[{index}]", depth + 1, room):
                return where
    elif isinstance(value, float):
        return "" if value - value == 0 else f"{path}: {value}"
    elif isinstance(value, str):
        room.take(len(value))
        return _not_text(value, path)
    elif value is not None and not isinstance(value, bool | int):
        return f"{path}: {type(value).__name__}"
    return ""


def _not_text(text: str, path: str) -> str:
    return "" if text.isascii() or not any("\ud800" <= c <= "\udfff" for c in text) else f"{path}: a lone surrogate"


def _failure(error: BaseException) -> Outcome:
    if isinstance(error, asyncio.CancelledError | TaskCancelled):
        return Outcome(kind=OutcomeKind.FAILED, error=_BY_ITSELF)
    if isinstance(error, TaskFailure):
        result, problem = encode_result(error.result)
        told = problem or TaskError(_text(error.kind, 80), _text(error.message, MAX_ERROR))
        return Outcome(kind=OutcomeKind.FAILED, error=told, result=None if error.result is None else result, retry=bool(error.retry))
    told = TaskError(_text(type(error).__name__, 80), _text(error, MAX_ERROR), _traceback(error))
    return Outcome(kind=OutcomeKind.FAILED, error=told)


def _stopped(context: Context, result: bytes | None = None) -> Outcome:
    assert context.stop is not None
    kind = context.stop.kind
    error = TaskError("Timeout", context.stop.reason) if kind is OutcomeKind.TIMED_OUT else None
    return Outcome(kind=kind, error=error, result=None if result == _NULL else result)


def _text(value: object, limit: int) -> str:
    try:
        text = str(value)
    except BaseException as error:
        text = f"(no text: its __str__ raised {type(error).__name__})"
    text = writable(text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _traceback(error: BaseException) -> str:
    try:
        lines = traceback.format_exception(type(error), error, _in_handler(error.__traceback__), limit=-30)
    except BaseException:  # an exception whose own methods raise
        lines = traceback.format_tb(error.__traceback__, limit=-30)
    text = "".join(lines)
    return _text(text if len(text) <= MAX_TRACEBACK else "…\n" + text[-MAX_TRACEBACK:], MAX_TRACEBACK + 2)


def _in_handler(begin: TracebackType | None) -> TracebackType | None:
    """The traceback without our own frame: where a handler was called from says nothing about what went wrong in it."""
    if begin is None or begin.tb_next is None or begin.tb_frame.f_code not in (run_async.__code__, run_sync.__code__):
        return begin
    return begin.tb_next
