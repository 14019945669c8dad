"""The OpenAPI document: Ninja's paths, schemas made from the structs that are sent and the models that are read, params of each type."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import msgspec
from django.urls import get_script_prefix
from ninja import NinjaAPI

from tasks_app.api.v2 import actions, activity, deliveries, failures, pulse, schedules, shapes, types, wire, workers
from tasks_app.api.v2.describe import REF, ref
from tasks_app.auth import access
from tasks_app.engine.launch import LaunchRequest
from tasks_app.engine.registry import TaskType
from tasks_app.engine.schedule import Missed, ScheduleRequest
from tasks_app.engine.webhook import WebhookRequest

DESCRIPTION = """Launch, watch, cancel, retry and delete tasks. Bodies and answers are JSON; times are RFC 3339 in UTC; errors are RFC 9457
problem+json with a stable `code` and the `field` that is wrong. Unknown fields and parameters are refused."""
LOGIN = "A token made by `manage.py maketoken`. A page of the dashboard sends its session's cookie and X-CSRFToken instead."
SENT = (
    wire.TaskJSON,
    shapes.Page,
    shapes.Ids,
    shapes.ActionPreview,
    shapes.Log,
    deliveries.Deliveries,
    deliveries.DeliveryJSON,
    shapes.Types,
    shapes.TaskTypeJSON,
    shapes.QueueJSON,
    schedules.ScheduleJSON,
    schedules.SchedulesJSON,
    activity.DeedJSON,
    activity.ActivityJSON,
    failures.Failures,
    shapes.Stats,
    pulse.PulseJSON,
    shapes.Settings,
    workers.Workers,
    workers.WorkerDetailJSON,
    workers.WorkerAnswer,
)
_TEXT = {"type": "string"}
PROBLEM: dict[str, Any] = {
    "description": "RFC 9457. `code` is stable; `field` is the first that is wrong, `errors` names all.",
    "type": "object",
    "properties": {
        **dict.fromkeys(("type", "title", "detail", "code", "field"), _TEXT),
        "status": {"type": "integer"},
        "errors": {"type": "array", "items": {"type": "object", "properties": {"field": _TEXT, "message": _TEXT}}},
    },
    "required": ["type", "title", "status", "detail", "code"],
}


def document(api: NinjaAPI, prefix: str, kinds: Iterable[TaskType]) -> dict[str, Any]:
    """The document as JSON values, with these task types: the same object as long as nothing differs, not to be changed."""
    return _document(api, prefix, tuple(kinds), get_script_prefix().rstrip("/") or "/", access.get().open)


@lru_cache(maxsize=4)
def _document(api: NinjaAPI, prefix: str, kinds: Sequence[TaskType], server: str, is_open: bool) -> dict[str, Any]:
    """It takes a tenth of a second to make, in which nobody else is answered."""
    found: dict[str, Any] = dict(api.get_openapi_schema(path_prefix=f"{prefix}/"))
    found["info"]["description"] = DESCRIPTION
    found["paths"] = dict(sorted(found["paths"].items()))  # Ninja has them in the order in which modules were imported
    found["components"] = {"schemas": {**_sent(), **_read(kinds)}}
    found["servers"] = [{"url": server}]
    found["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer", "description": LOGIN}}
    found["security"] = [{}] if is_open else [{"token": []}]
    found["paths"][f"/{prefix}/tasks"]["post"]["requestBody"]["content"]["application/json"]["examples"] = _examples(kinds)
    for operation in (operation for path in found["paths"].values() for operation in path.values()):
        _declare_once(operation)
    return found


def _declare_once(operation: dict[str, Any]) -> None:
    """Ninja derives path parameters from the function; where we describe one ourselves, ours counts."""
    by_name = {(one["in"], one["name"]): one for one in operation["parameters"]}
    operation["parameters"] = list(by_name.values())


def _sent() -> dict[str, Any]:
    _, schemas = msgspec.json.schema_components(SENT, ref_template=REF)
    plain: dict[str, Any] = json.loads(re.sub(r"(\w)JSON\b", r"\1", json.dumps(schemas)))
    plain["Task"]["properties"]["id"]["format"] = "uuid"
    plain["Schedule"]["properties"]["id"]["format"] = "uuid"
    for name in ("Task", "Repeated"):
        plain[name]["properties"]["params"] = {"type": "object"}
    return {**plain, "Tasks": {"type": "array", "items": ref("Task")}, "Problem": PROBLEM}


def _read(kinds: Iterable[TaskType]) -> dict[str, Any]:
    _, found = msgspec.json.schema_components((types.QueueChange, workers.WorkerOrder), ref_template=REF)
    found["QueueChange"]["minProperties"] = 1
    _model(found, "WebhookRequest", WebhookRequest.model_json_schema())
    launchable = [kind for kind in kinds if kind.launchable]
    for kind in launchable:
        _model(found, f"Launch_{kind.name}", _launch_schema(kind))
    found["Launch"] = {
        "description": "What to run.",
        "oneOf": [ref(f"Launch_{kind.name}") for kind in launchable],
        "discriminator": {"propertyName": "type", "mapping": {kind.name: ref(f"Launch_{kind.name}")["$ref"] for kind in launchable}},
    }
    found["LaunchMany"] = {
        "type": "object",
        "properties": {"tasks": {"type": "array", "items": ref("Launch"), "minItems": 1, "maxItems": 10_000}},
        "required": ["tasks"],
        "additionalProperties": False,
    }
    found["ScheduleRequest"] = _schedule_schema()
    act = actions.ActionRequest.model_json_schema(ref_template=REF.format(name="ActionRequest_{model}"))
    act["oneOf"] = [{"required": ["ids"]}, {"required": ["filter"]}]
    _model(found, "ActionRequest", act)
    return found


def _schedule_schema() -> dict[str, Any]:
    """ScheduleRequest, whose task is one of those that may be launched."""
    schema = ScheduleRequest.model_json_schema()
    schema["properties"]["task"] = {**ref("Launch"), "description": "What to launch; run_at and idempotency_key are the schedule's own."}
    schema["properties"]["missed"] = {
        "enum": list(Missed),
        "default": Missed.ONCE,
        "description": schema["properties"]["missed"]["description"],
    }
    del schema["$defs"]
    return schema


def _examples(kinds: Iterable[TaskType]) -> dict[str, Any]:
    """For each type the least that launches it."""
    found = {}
    for kind in kinds:
        if kind.launchable:
            schema = kind.schema()
            params = {name: _sample(name, schema["properties"][name]) for name in schema.get("required", ())}
            found[kind.name] = {"summary": kind.title, "value": {"type": kind.name, "params": params}}
    return found


def _sample(name: str, schema: dict[str, Any]) -> Any:
    by_type = {"integer": schema.get("minimum", 1), "number": schema.get("minimum", 1.0), "boolean": True, "array": [], "object": {}}
    return (schema.get("examples") or [by_type.get(schema.get("type", ""), "https://example.org/" if "url" in name else "example.org")])[0]


def _launch_schema(kind: TaskType) -> dict[str, Any]:
    """LaunchRequest, for one type: with its name and its params."""
    schema = LaunchRequest.model_json_schema()
    params = kind.params.model_json_schema(ref_template=REF.format(name=f"Launch_{kind.name}_{{model}}"))
    schema["properties"] |= {"type": {"const": kind.name}, "params": params}
    schema["required"] = ["type", "params"] if params.get("required") else ["type"]
    schema["title"] = f"Launch {kind.name}"
    schema["description"] = kind.description
    schema["properties"]["webhook"] = ref("WebhookRequest")
    schema["$defs"] = params.pop("$defs", {})
    return schema


def _model(found: dict[str, Any], name: str, schema: dict[str, Any]) -> None:
    """Put a model's schema in, and what it refers to beside it."""
    found |= {f"{name}_{part}": definition for part, definition in schema.pop("$defs", {}).items()}
    found[name] = schema
