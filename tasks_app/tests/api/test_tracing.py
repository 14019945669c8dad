"""Spans of attempts, as the SDK's in-memory exporter gets them; and that nothing of OpenTelemetry is here by itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tasks_app.engine.context import Context
from tasks_app.engine.errors import TaskFailure
from tasks_app.engine.launch import LaunchRequest
from tasks_app.engine.registry import Backoff, Params, task_type
from tasks_app.engine.task import TERMINAL
from tasks_app.engine.whose import traceparent
from tasks_app.runtime import Runtime
from tasks_app.tests.api.conftest import until

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class TraceParams(Params):
    """What to do."""

    fail: bool = False


def work(params: TraceParams) -> None:
    with trace.get_tracer("acme").start_as_current_span("inner"):
        if params.fail:
            raise TaskFailure("It is broken.", kind="Broken")


@task_type("traced", params=TraceParams, backoff=Backoff(base=0, jitter=0))
async def traced(params: TraceParams, context: Context) -> None:
    """On the loop."""
    work(params)


@task_type("traced_thread", params=TraceParams)
def traced_thread(params: TraceParams, context: Context) -> None:
    """In a thread."""
    work(params)


@task_type("traced_process", params=TraceParams, cpu_bound=True)
def traced_process(params: TraceParams, context: Context) -> dict[str, str]:
    """In a process, which tells whose child a span of its own would be."""
    found = trace.get_current_span().get_span_context()
    return {"trace": f"{found.trace_id:032x}", "span": f"{found.span_id:016x}"}


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch, now: Runtime) -> Iterator[InMemorySpanExporter]:
    """What is exported while a provider is set."""
    for kind in (traced, traced_thread, traced_process):
        now.registry.register(kind)
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    monkeypatch.setattr(trace, "get_tracer", lambda name: provider.get_tracer(name))
    yield exporter
    provider.shutdown()


async def launched(client: httpx.AsyncClient, type: str, ends: str = "completed", /, **more: Any) -> dict[str, Any]:
    headers = more.pop("headers", {})
    task = (await client.post("/api/v2/tasks", json={"type": type, **more}, headers=headers)).json()
    return await until(client, task["id"], ends, seconds=60.0)


def named(spans: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [span for span in spans.get_finished_spans() if span.name == name]


@pytest.mark.parametrize("kind", ["traced", "traced_thread"])
async def test_an_attempt_is_a_span_in_the_trace_of_its_launch_and_the_handlers_own_nest_in_it(
    client: httpx.AsyncClient,
    spans: InMemorySpanExporter,
    kind: str,
):
    task = await launched(client, kind, headers={"traceparent": PARENT})
    (attempt,) = named(spans, f"task {kind}")
    (inner,) = named(spans, "inner")
    assert f"{attempt.context.trace_id:032x}" == PARENT.split("-")[1]
    assert attempt.parent is not None
    assert f"{attempt.parent.span_id:016x}" == PARENT.split("-")[2]
    assert inner.parent is not None
    assert inner.parent.span_id == attempt.context.span_id
    assert attempt.attributes is not None
    assert attempt.attributes["messaging.message.id"] == task["id"]
    assert attempt.attributes["messaging.destination.name"] == kind
    assert attempt.attributes["iotask.task.outcome"] == "completed"
    assert attempt.kind is trace.SpanKind.CONSUMER
    assert attempt.status.status_code is trace.StatusCode.UNSET


async def test_each_attempt_that_fails_is_a_span_with_an_error(client: httpx.AsyncClient, spans: InMemorySpanExporter):
    await launched(client, "traced", "failed", params={"fail": True}, max_attempts=2)
    first, second = named(spans, "task traced")
    assert first.attributes is not None
    assert second.attributes is not None
    assert (first.attributes["iotask.task.attempt"], second.attributes["iotask.task.attempt"]) == (1, 2)
    assert first.status.status_code is trace.StatusCode.ERROR
    assert first.status.description == "It is broken."
    assert first.attributes["error.type"] == "Broken"
    assert [event.name for event in first.events] == ["exception"]
    assert first.parent is None


async def test_a_process_is_given_the_span_of_its_attempt(client: httpx.AsyncClient, spans: InMemorySpanExporter):
    task = await launched(client, "traced_process", headers={"traceparent": PARENT})
    (attempt,) = named(spans, "task traced_process")
    assert task["result"] == {"trace": PARENT.split("-")[1], "span": f"{attempt.context.span_id:016x}"}


async def test_what_a_handler_launches_belongs_to_its_span(client: httpx.AsyncClient, spans: InMemorySpanExporter, now: Runtime):
    @task_type("launches", params=Params)
    async def launches(params: Params, context: Context) -> str:
        """Starts another."""
        return now.engine.submit(LaunchRequest(type="traced")).id

    now.registry.register(launches)
    task = await launched(client, "launches")
    await until(client, task["result"], "completed")
    (outer,), (inner,) = named(spans, "task launches"), named(spans, "task traced")
    assert inner.parent is not None
    assert inner.parent.span_id == outer.context.span_id


async def test_bulk_launches_keep_their_trace_too(client: httpx.AsyncClient, spans: InMemorySpanExporter, now: Runtime):
    answer = await client.post("/api/v2/tasks/bulk", json={"tasks": [{"type": "traced"}] * 2}, headers={"traceparent": PARENT})
    for task_id in answer.json()["ids"]:
        assert now.store.get(task_id).trace == PARENT
        await until(client, task_id, "completed")


async def test_without_a_provider_there_are_no_spans_and_all_goes_on(client: httpx.AsyncClient, now: Runtime):
    now.registry.register(traced)
    task = await launched(client, "traced", headers={"traceparent": PARENT})
    assert now.store.get(task["id"]).status in TERMINAL


@pytest.mark.parametrize(
    "header",
    [
        "",
        "x",
        PARENT.upper(),
        PARENT + "-x",
        "ff" + PARENT[2:],
        f"00-{32 * '0'}-b7ad6b7169203331-01",
        f"00-{32 * 'a'}-{16 * '0'}-01",
        "\u0660" * 55,
    ],
)
def test_a_header_that_is_none_is_left_out(header: str):
    assert traceparent(header) == ""


def test_a_server_imports_nothing_of_opentelemetry_by_itself():
    code = "import django, sys; django.setup(); import tasks_app.runtime, tasks_app.asgi; print([m for m in sys.modules if 'opentel' in m])"
    environment = {"DJANGO_SETTINGS_MODULE": "iotask_site.settings", "PATH": "", "SECRET_KEY": "x" * 50}
    found = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
