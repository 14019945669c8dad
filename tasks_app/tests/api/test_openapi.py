"""The OpenAPI document describes what the API does, and the API holds to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from jsonschema_rs import Draft202012Validator, meta
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from tasks_app.api.v2 import openapi
from tasks_app.api.v2.api import PREFIX, api
from tasks_app.asgi import Handler
from tasks_app.runtime import Runtime
from tasks_app.tests.api.conftest import launch, until

EVENTS = "/api/v2/events"
TABLE = {
    "/api/v2/tasks": {"get", "post"},
    "/api/v2/tasks/bulk": {"post"},
    "/api/v2/tasks/export": {"get"},
    "/api/v2/tasks/{task_id}": {"get", "delete"},
    "/api/v2/tasks/{task_id}/restore": {"post"},
    "/api/v2/tasks/{task_id}/cancel": {"post"},
    "/api/v2/tasks/{task_id}/retry": {"post"},
    "/api/v2/tasks/{task_id}/rerun": {"post"},
    "/api/v2/tasks/{task_id}/start": {"post"},
    "/api/v2/tasks/{task_id}/logs": {"get"},
    "/api/v2/tasks/{task_id}/deliveries": {"get"},
    "/api/v2/tasks/{task_id}/deliveries/{delivery_id}/redeliver": {"post"},
    "/api/v2/actions": {"post"},
    "/api/v2/actions/{task_id}/undo": {"post"},
    "/api/v2/types": {"get"},
    "/api/v2/types/{name}": {"get"},
    "/api/v2/failures": {"get"},
    "/api/v2/queues/{name}": {"get", "patch"},
    "/api/v2/schedules": {"get", "post"},
    "/api/v2/schedules/{schedule_id}": {"get", "put", "delete"},
    "/api/v2/schedules/{schedule_id}/pause": {"post"},
    "/api/v2/schedules/{schedule_id}/resume": {"post"},
    "/api/v2/schedules/{schedule_id}/restore": {"post"},
    "/api/v2/schedules/{schedule_id}/run": {"post"},
    "/api/v2/activity": {"get"},
    "/api/v2/stats": {"get"},
    "/api/v2/settings": {"get"},
    "/api/v2/workers": {"get"},
    "/api/v2/workers/{name}": {"get"},
    "/api/v2/workers/{name}/{order}": {"post"},
    "/api/v2/pulse": {"get"},
    EVENTS: {"get"},
}


@pytest.fixture
async def document(client: httpx.AsyncClient) -> dict[str, Any]:
    """The document as it is served."""
    answer = await client.get("/api/v2/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    return answer.json()  # type: ignore[no-any-return]


def _refs(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            yield from _refs(item)
    elif isinstance(value, list):
        for item in value:
            yield from _refs(item)


async def test_the_document_names_every_operation_once(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert {path: set(item) for path, item in document["paths"].items()} == TABLE
    ids = [operation["operationId"] for item in document["paths"].values() for operation in item.values()]
    assert len(ids) == len(set(ids))


async def test_every_reference_and_every_schema_is_good(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert {ref.removeprefix("#/components/schemas/") for ref in _refs(document)} <= schemas.keys()
    for schema in schemas.values():
        meta.validate(schema)
    for item in document["paths"].values():
        for operation in item.values():
            names = [(one["in"], one["name"]) for one in operation["parameters"]]
            assert len(names) == len(set(names))
            assert {"400", "405", "422"} <= operation["responses"].keys()


async def test_a_launch_is_described_for_each_type(document: dict[str, Any], now: Runtime) -> None:
    mapping = document["components"]["schemas"]["Launch"]["discriminator"]["mapping"]
    assert mapping.keys() == {kind.name for kind in now.registry if kind.launchable}
    assert document["components"]["schemas"]["Launch_ping"]["properties"]["params"]["properties"]["port"]["maximum"] == 65_535


async def test_the_examples_of_the_document_can_be_launched(document: dict[str, Any], client: httpx.AsyncClient, now: Runtime) -> None:
    examples = document["paths"]["/api/v2/tasks"]["post"]["requestBody"]["content"]["application/json"]["examples"]
    assert examples.keys() >= {"count", "ping"}
    for name, example in examples.items():
        now.engine.pause(name)
        answer = await client.post("/api/v2/tasks", json=example["value"])
        assert answer.status_code == 201, (name, answer.text)


async def test_a_task_in_every_state_fits_its_schema(document: dict[str, Any], client: httpx.AsyncClient) -> None:
    schema = {"$ref": "#/components/schemas/Task", "components": document["components"]}
    validator = Draft202012Validator(schema)
    done = await launch(client, params={"to": 2, "interval": 0})
    failed = await launch(client, "scripted", params={"mode": "fail"})
    running = await launch(client, params={"to": 100, "interval": 60})
    later = await launch(client, run_at="2500-01-01T00:00:00Z")
    for task, status in ((done, "completed"), (failed, "failed"), (running, "processing"), (later, "scheduled")):
        validator.validate(await until(client, task["id"], status))
    await client.post(f"/api/v2/tasks/{running['id']}/cancel")
    validator.validate(await until(client, running["id"], "cancelled"))


async def test_the_documentation_page_brings_everything_from_here(client: httpx.AsyncClient) -> None:
    page = (await client.get("/api/v2/docs")).text
    sources = re.findall(r'(?:src|href)="([^"#]+)"', page)
    assert sources
    for source in sources:
        assert source.startswith("/"), source
        assert (await client.get(source)).status_code == 200, source
    assert not re.search(r"<script(?![^>]*src=)|<style|\son\w+=|\sstyle=", page)


async def test_what_is_vendored_is_what_its_note_says() -> None:
    folder = Path("static/vendor/swagger-ui")
    note = (folder / "VENDORED.md").read_text("utf-8")
    for name in ("swagger-ui-bundle.js", "swagger-ui.css"):
        assert sha256((folder / name).read_bytes()).hexdigest() in note


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
]


@pytest.fixture
def described(application: Handler, now: Runtime) -> Any:
    """The document, for schemathesis. Nothing that it makes up is run."""
    for kind in now.registry:
        now.engine.pause(kind.name)
    made = openapi.document(api, PREFIX, now.registry)
    del made["paths"][EVENTS]  # a stream has no end
    found = schemathesis.openapi.from_dict(msgspec.json.decode(msgspec.json.encode(made)))
    found.app = application
    return found


NOTHING_TO_GET_WRONG = {  # with GET: any text is a name
    *("/api/v2/types", "/api/v2/types/{name}", "/api/v2/queues/{name}", "/api/v2/stats", "/api/v2/settings", "/api/v2/schedules"),
    *("/api/v2/workers", "/api/v2/workers/{name}"),
}


def _made_up() -> Iterator[tuple[str, str, GenerationMode]]:
    for path, methods in TABLE.items():
        for method in sorted(methods) if path != EVENTS else ():
            yield path, method, GenerationMode.POSITIVE
            if method != "get" or path not in NOTHING_TO_GET_WRONG:
                yield path, method, GenerationMode.NEGATIVE


@pytest.mark.timeout(300)
@pytest.mark.files_stay("its client keeps a loop in a thread, for all of these tests")
@pytest.mark.parametrize(("path", "method", "mode"), list(_made_up()))
def test_made_up_requests_are_answered_as_the_document_says(described: Any, path: str, method: str, mode: GenerationMode) -> None:
    @settings(max_examples=12, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(described[path][method.upper()].as_strategy(generation_mode=mode))
    def tries(case: Any) -> None:
        case.call_and_validate(base_url="http://localhost", checks=CHECKS)

    tries()
