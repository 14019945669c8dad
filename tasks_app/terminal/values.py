"""Params as they are typed, `count=3 tags=a,b note=@file`, made what the type's JSON Schema asks for."""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tasks_app.terminal.exits import Ends, Exit

_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_KINDS = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "an object of JSON",
    "array": "a list such as a,b",
}


def params_of(given: Iterable[str], schema: dict[str, Any]) -> dict[str, Any]:
    """The params that NAME=VALUE texts say. Raises Ends for a name the type does not have and a value of another kind."""
    found: dict[str, Any] = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not sign:
            raise Ends(Exit.USAGE, f"{text!r} is no param: write NAME=VALUE.")
        if name in found:
            raise Ends(Exit.USAGE, f"{name} is given twice.")
        found[name] = value_of(name, content_of(value), _field(name, schema), schema)
    return found


def content_of(text: str) -> str:
    """The text itself; `@file` is that file's content, `-` what stdin holds, `@@…` begins with one @. Raises Ends."""
    if text.startswith("@@"):
        return text[1:]
    if text != "-" and not text.startswith("@"):
        return text
    try:
        read = sys.stdin.read() if text == "-" else Path(text[1:]).expanduser().read_text("utf-8")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise Ends(Exit.USAGE, f"{text} cannot be read: {getattr(error, 'strerror', None) or error}.") from None
    return read.removesuffix("\n").removesuffix("\r")


def json_of(text: str) -> dict[str, Any]:
    """The object that `--params` holds. Raises Ends."""
    try:
        found = json.loads(content_of(text))
    except ValueError as error:
        raise Ends(Exit.USAGE, f"--params is no JSON: {error}.") from None
    if not isinstance(found, dict):
        raise Ends(Exit.USAGE, '--params has to be an object of JSON, such as {"count": 3}.')
    return found


def value_of(name: str, text: str, field: dict[str, Any], schema: dict[str, Any]) -> Any:
    """What a text means for a field. Raises Ends with what it has to be."""
    kinds = kinds_of(field, schema)
    try:
        return _first_of(text, kinds, schema)
    except ValueError:
        wanted = dict.fromkeys(_KINDS.get(str(kind.get("type")), "a text") for kind in kinds if kind.get("type") != "null")
        raise Ends(Exit.USAGE, f"{name}={text[:80]}: {name} has to be {' or '.join(wanted)}.") from None


def kinds_of(field: dict[str, Any], schema: dict[str, Any]) -> list[dict[str, Any]]:
    """The schemas that a field's value may be of; texts last, since anything is one."""
    field = _resolved(field, schema)
    found = [_resolved(one, schema) for one in field.get("anyOf") or field.get("oneOf") or field.get("allOf") or [field]]
    return sorted(found, key=lambda kind: kind.get("type") == "string")


def _first_of(text: str, kinds: Iterable[dict[str, Any]], schema: dict[str, Any]) -> Any:
    """The first of these kinds that the text can be. Raises ValueError."""
    for kind in kinds:
        with suppress(ValueError):
            return _read(text, kind, schema)
    raise ValueError(text)


def _read(text: str, kind: dict[str, Any], schema: dict[str, Any]) -> Any:
    """Raises ValueError for a text that is not of this kind."""
    match kind.get("type"):
        case "integer":
            return int(text)
        case "number":
            return _number(text)
        case "boolean":
            return _flag(text)
        case "null":
            return _nothing(text)
        case "array":
            return _list(text, kind.get("items") or {}, schema)
        case "object":
            return _object(text)
    return text


def _number(text: str) -> float:
    found = float(text)
    if found != found or found in (float("inf"), float("-inf")):
        raise ValueError(text)
    return int(text) if text.lstrip("+-").isdigit() else found


def _flag(text: str) -> bool:
    if text.lower() not in _WORDS:
        raise ValueError(text)
    return _WORDS[text.lower()]


def _nothing(text: str) -> None:
    if text not in ("", "null"):
        raise ValueError(text)


def _list(text: str, items: dict[str, Any], schema: dict[str, Any]) -> list[Any]:
    if text.lstrip().startswith("["):
        found = json.loads(text)
        if isinstance(found, list):
            return found
        raise ValueError(text)
    return [_first_of(part.strip(), kinds_of(items, schema), schema) for part in text.split(",") if part.strip()]


def _object(text: str) -> dict[str, Any]:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError(text)
    return found


def _field(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, dict[str, Any]] = schema.get("properties") or {}
    if name in fields:
        return fields[name]
    close = difflib.get_close_matches(name, fields, n=1)
    hint = f" Was it {close[0]}?" if close else f" There are: {', '.join(fields)}." if fields else " It has none."
    raise Ends(Exit.USAGE, f"This type has no param {name[:80]!r}.{hint}")


def _resolved(kind: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    ref = kind.get("$ref")
    return schema.get("$defs", {}).get(str(ref).rpartition("/")[2], kind) if ref else kind
