"""The OpenAPI document as a page of Markdown: docs/reference/api.md, for those who read before there is a server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

BEGINNING = """# Reference: /api/v2

Made from the OpenAPI document by `make reference`; a server shows the same at `/api/v2/docs`, and the document itself at
`/api/v2/openapi.json`, with its own task types. Bodies and answers are JSON; times are RFC 3339 in UTC; errors are RFC 9457
`application/problem+json` with a stable `code` and the `field` that is wrong. Unknown fields and parameters are refused."""
_METHODS = ("get", "post", "put", "patch", "delete")


def page(document: dict[str, Any]) -> str:
    """The whole page."""
    parts = [BEGINNING, "", *_contents(document), ""]
    for tag, operations in _by_tag(document).items():
        parts += [f"## {tag}", ""]
        for method, path, operation in operations:
            parts += [*_operation(method, path, operation), ""]
    parts += ["## What is sent and read", ""]
    for name, schema in sorted(document["components"]["schemas"].items()):
        if not name.startswith("Launch_"):
            parts += [*_schema(name, schema), ""]
    return "\n".join(parts).rstrip() + "\n"


def _contents(document: dict[str, Any]) -> Iterator[str]:
    yield "| | |"
    yield "| --- | --- |"
    for operations in _by_tag(document).values():
        for method, path, operation in operations:
            yield f"| [`{method.upper()} {path}`](#{_anchor(operation['summary'])}) | {operation['summary']} |"


def _by_tag(document: dict[str, Any]) -> dict[str, list[tuple[str, str, dict[str, Any]]]]:
    found: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
    for path, operations in document["paths"].items():
        for method in _METHODS:
            if operation := operations.get(method):
                found.setdefault(operation["tags"][0], []).append((method, path, operation))
    return found


def _operation(method: str, path: str, operation: dict[str, Any]) -> Iterator[str]:
    yield f"### {operation['summary']}"
    yield ""
    yield f"`{method.upper()} {path}`"
    yield ""
    yield _text(operation.get("description", ""))
    if parameters := operation.get("parameters"):
        yield from ("", "| parameter | in | | |", "| --- | --- | --- | --- |")
        for one in parameters:
            yield f"| `{one['name']}` | {one['in']} | {_kind(one['schema'])} | {_cell(one.get('description', ''))} |"
    if body := operation.get("requestBody"):
        yield ""
        yield "Body: " + " or ".join(_kind(content.get("schema", {})) for content in body["content"].values()) + "."
    yield from ("", "| answer | |", "| --- | --- |")
    for status, answer in operation["responses"].items():
        kinds = [_kind(content["schema"]) for content in answer.get("content", {}).values() if content.get("schema")]
        yield f"| {status} | {_cell(answer.get('description', ''))} {'· ' + ' or '.join(dict.fromkeys(kinds)) if kinds else ''} |"


def _schema(name: str, schema: dict[str, Any]) -> Iterator[str]:
    yield f"### {name}"
    yield ""
    yield _text(schema.get("description", ""))
    if "enum" in schema:
        yield _kind(schema)
    if fields := schema.get("properties"):
        yield from ("", "| field | | |", "| --- | --- | --- |")
        needed = schema.get("required", ())
        for field, kind in fields.items():
            mark = "" if field in needed else _default(kind)
            yield f"| `{field}` | {_kind(kind)}{mark} | {_cell(kind.get('description', ''))} |"
    elif name == "Launch":
        yield "One of the task types that are installed; `type` says which, and `params` is what that type declares."


def _default(schema: dict[str, Any]) -> str:
    return f", {_cell(repr(schema['default']))} by default" if schema.get("default") not in (None, "", [], {}) else ", optional"


def _kind(schema: dict[str, Any]) -> str:
    """What a value may be, in a few words; other schemas as links."""
    if ref := schema.get("$ref"):
        name = ref.rpartition("/")[2]
        return f"[{name}](#{_anchor(name)})" if not name.startswith("Launch_") else "[Launch](#launch)"
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return " or ".join(dict.fromkeys(_kind(one) for one in schema[key]))
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    kind = schema.get("type", "any")
    kind = " or ".join(kind) if isinstance(kind, list) else str(kind)
    if kind == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return kind + _bounds(schema)


def _bounds(schema: dict[str, Any]) -> str:
    low, high = schema.get("minimum", schema.get("minLength")), schema.get("maximum", schema.get("maxLength"))
    words = " characters" if "maxLength" in schema else ""
    if low is not None and high is not None:
        return f" ({low:,} to {high:,}{words})"
    return f" (to {high:,}{words})" if high is not None else f" (from {low:,})" if low else ""


def _anchor(heading: str) -> str:
    """As GitHub makes one of a heading."""
    return "".join(c for c in heading.lower().replace(" ", "-") if c.isalnum() or c in "-_")


def _text(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    return _text(text).replace("|", "\\|")
