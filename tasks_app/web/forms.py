"""From form strings to JSON values by the schema, and back. The engine says what is wrong: it reads the same JSON as from the API."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from tasks_app import strict_json
from tasks_app.presenters.fields import Field
from tasks_app.presenters.sentences import translated
from tasks_app.strict_json import NotStrict

PARAMS = "params."
OPTIONS = ("name", "tags", "priority", "timeout", "max_attempts", "webhook")
_INTEGER = re.compile(r"[+-]?[0-9]{1,400}")
_SEPARATORS = re.compile(r"[\s,]+")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?")
Problems = list[tuple[str, str]]


def launch_of(type_name: str, fields: Iterable[Field], given: Mapping[str, str], *, as_json: bool) -> tuple[dict[str, Any], Problems]:
    """A launch as JSON values, as `parse_launch` takes it, and what could not even be turned into JSON."""
    problems: Problems = []
    params = _json_params(given, problems) if as_json else params_of(fields, given, problems)
    launch: dict[str, Any] = {"type": type_name, "params": params, "name": given.get("name", "").strip()}
    launch["tags"] = [tag.removeprefix("#") for tag in _SEPARATORS.split(given.get("tags", "")) if tag.removeprefix("#")]
    for name, read in (("priority", integer), ("timeout", number), ("max_attempts", integer)):
        if text := given.get(name, "").strip():
            launch[name] = read(text)
    if url := given.get("webhook", "").strip():
        launch["webhook"] = {"url": url}
    if key := given.get("idempotency_key", ""):
        launch["idempotency_key"] = key
    if start := given.get("start", "").strip():
        launch["run_at"] = _moment(start, given.get("start_offset", ""))
    return launch, problems


def params_of(fields: Iterable[Field], given: Mapping[str, str], problems: Problems) -> dict[str, Any]:
    """Params as JSON values. Fields nobody knows are passed on, so that the engine can refuse them by name."""
    params: dict[str, Any] = {}
    known = set()
    for field in fields:
        known.add(PARAMS + field.name)
        try:
            _read(field, given.get(PARAMS + field.name, ""), params)
        except ValueError:
            problems.append((PARAMS + field.name, _("This is not JSON.")))
    for name, text in given.items():
        if name.startswith(PARAMS) and name not in known:
            params[name.removeprefix(PARAMS)] = text
    return params


def _read(field: Field, text: str, params: dict[str, Any]) -> None:
    if field.kind == "boolean":
        params[field.name] = text == "on"
    elif field.kind in ("text", "secret"):
        _read_text(field, text, params)
    elif not text.strip():
        if field.nullable and field.has_default:
            params[field.name] = None
    elif field.kind == "integer":
        params[field.name] = integer(text.strip())
    elif field.kind == "number":
        params[field.name] = number(text.strip())
    else:
        params[field.name] = json_value(text)


def _read_text(field: Field, text: str, params: dict[str, Any]) -> None:
    if text:
        params[field.name] = text
    elif field.nullable:
        params[field.name] = None
    elif field.has_default and field.kind == "text":
        params[field.name] = ""  # emptied on purpose


def integer(text: str) -> int | str:
    """A whole number; what is none stays text, for the engine to refuse."""
    return int(text) if _INTEGER.fullmatch(text) else text


def number(text: str) -> int | float | str:
    """A number; what is none, and what no JSON can hold, stays text."""
    whole = integer(text)
    if isinstance(whole, int):
        return whole
    try:
        found = float(text)
    except ValueError:
        return text
    return found if math.isfinite(found) else text


def json_value(text: str) -> Any:
    """A JSON value, as strict as a body of the API has to be. Raises ValueError."""
    try:
        json.loads(text, parse_constant=_no_number)  # says line and column
        return strict_json.value(text.encode())
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except NotStrict as wrong:
        raise ValueError(wrong.detail) from None


def texts_of(fields: Iterable[Field], params: Mapping[str, Any]) -> dict[str, str]:
    """JSON values as form strings. Secrets are never filled in; what is missing takes its default."""
    texts: dict[str, str] = {}
    for field in fields:
        value = params.get(field.name, field.default)
        if field.kind == "boolean":
            texts[PARAMS + field.name] = "on" if value else ""
        elif field.kind != "secret" and value is not None:
            texts[PARAMS + field.name] = _text(field, value)
    return texts


def _text(field: Field, value: Any) -> str:
    if field.kind == "text" and isinstance(value, str):
        return value
    if field.kind == "number" and isinstance(value, float):
        return f"{value:.15g}"
    return json.dumps(value, ensure_ascii=False)


def params_text(params: Mapping[str, Any]) -> str:
    """Params as they stand in the JSON box."""
    return json.dumps(params, indent=2, ensure_ascii=False)


def _json_params(given: Mapping[str, str], problems: Problems) -> Any:
    try:
        return json_value(given.get("params", "") or "{}")
    except ValueError as error:
        problems.append(("params", _not_json(error)))
        return {}


def _not_json(error: ValueError) -> str:
    if not isinstance(error, json.JSONDecodeError):
        return _("This is not JSON: %(why)s") % {"why": translated(str(error))}
    found = {"why": translated(error.msg), "line": error.lineno, "column": error.colno}
    return _("This is not JSON: %(why)s, line %(line)s column %(column)s") % found


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is not a number JSON has")


def _moment(start: str, offset: str) -> str:
    if not _MOMENT.fullmatch(start):
        return start
    return f"{start}{'' if start.count(':') > 1 else ':00'}{offset or 'Z'}"
