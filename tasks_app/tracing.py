"""OpenTelemetry: a span around each attempt, in the trace of the request that launched it.

Nothing of it is imported here. Who wants traces sets up a provider, in a module that IOTASK_HANDLERS names, say; as long as nobody has, an
attempt costs a look at a dictionary.
"""

from __future__ import annotations

import logging
import sys
from types import ModuleType
from typing import Any

from tasks_app.engine.context import Context
from tasks_app.engine.spans import Span
from tasks_app.engine.task import Outcome, OutcomeKind
from tasks_app.engine.whose import launched_in

logger = logging.getLogger("iotask.tracing")
_API = "opentelemetry.trace"
_FAILURES = frozenset({OutcomeKind.FAILED, OutcomeKind.TIMED_OUT})


def begin(context: Context) -> Span | None:
    """The span of an attempt that begins here; None where nobody traces. Never raises."""
    api = sys.modules.get(_API)
    if api is None:
        return None
    try:
        provider = api.get_tracer_provider()
        if isinstance(provider, api.ProxyTracerProvider | api.NoOpTracerProvider):
            return None
        return _Attempt(api, provider, context)
    except Exception:
        logger.exception("A span could not be begun")
        return None


def adopt(traceparent: str) -> None:
    """In a worker process: what the handler traces from now on belongs to this span, if it traces."""
    if traceparent and (api := sys.modules.get(_API)) is not None:
        _context_api().attach(_parent(api, traceparent))


class _Attempt:
    """A span, current as long as the attempt runs."""

    def __init__(self, api: ModuleType, provider: Any, context: Context) -> None:
        self._api = api
        self._span = provider.get_tracer("iotask").start_span(
            f"task {context.type}", context=_parent(api, context.trace), kind=api.SpanKind.CONSUMER, attributes=_attributes(context)
        )
        found = self._span.get_span_context()
        context.trace = f"00-{found.trace_id:032x}-{found.span_id:016x}-{found.trace_flags:02x}"
        self._launching = launched_in.set(context.trace)  # what the handler launches belongs to it
        self._token = _context_api().attach(api.set_span_in_context(self._span))

    def end(self, outcome: Outcome, error: BaseException | None) -> None:
        """The attempt has ended so. Never raises."""
        try:
            self._span.set_attribute("iotask.task.outcome", outcome.kind.value)
            if outcome.kind in _FAILURES:
                self._failed(outcome, error)
            self._span.end()
            _context_api().detach(self._token)
            launched_in.reset(self._launching)
        except Exception:
            logger.exception("A span could not be ended")

    def _failed(self, outcome: Outcome, error: BaseException | None) -> None:
        if error is not None:
            self._span.record_exception(error)
        said = outcome.error.message if outcome.error else ""
        self._span.set_attribute("error.type", outcome.error.type if outcome.error else outcome.kind.value)
        self._span.set_status(self._api.Status(self._api.StatusCode.ERROR, said))


def _attributes(context: Context) -> dict[str, str | int]:
    """By the semantic conventions for messaging, where they have a word; the others are ours."""
    return {
        "messaging.system": "iotask",
        "messaging.operation.type": "process",
        "messaging.operation.name": "process",
        "messaging.destination.name": context.type,
        "messaging.message.id": context.task_id,
        "iotask.task.number": context.number,
        "iotask.task.attempt": context.attempt,
    }


def _parent(api: ModuleType, traceparent: str) -> Any:
    """A context with a remote span as its current one; an empty one where there is none."""
    empty = sys.modules["opentelemetry.context"].Context()
    if not traceparent:
        return empty
    _, trace_id, span_id, flags = traceparent.split("-")
    remote = api.SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=api.TraceFlags(int(flags, 16)))
    return api.set_span_in_context(api.NonRecordingSpan(remote), empty)


def _context_api() -> ModuleType:
    return sys.modules["opentelemetry.context"]
