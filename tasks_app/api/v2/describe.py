"""Describes operations for the OpenAPI document: what they take and what they answer. Validation is the code's; this is for readers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

REF = "#/components/schemas/{name}"
SENTENCES = {
    400: "The request cannot be read.",
    401: "Nobody is known by what was sent: a token is missing or wrong.",
    403: "Not allowed: the role is too low, the server is read-only, or another site's page asks.",
    404: "There is no such thing.",
    409: "The present state does not allow this.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "A value is not allowed; `field` says which.",
    429: "More than one person may ask for at once, or have waiting; `Retry-After` says when to try again.",
    503: "Not possible at the moment; `Retry-After` says when to try again.",
}
ALWAYS = (400, 401, 403, 405, 422, 429)


def ref(name: str) -> dict[str, Any]:
    """A reference to a schema of the document."""
    return {"$ref": REF.format(name=name)}


def parameter(name: str, schema: Mapping[str, Any], description: str, *, where: str = "query") -> dict[str, Any]:
    """A parameter of an operation."""
    required = {"required": True} if where == "path" else {}
    return {"name": name, "in": where, "description": description, "schema": dict(schema), **required}


def described(
    *,
    answers: Mapping[int, str | None],
    problems: Sequence[int] = (),
    body: str | None = None,
    parameters: Sequence[Mapping[str, Any]] = (),
    media: str = "application/json",
    headers: Mapping[str, str] | None = None,
    others: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Keywords for an operation: answers and body by the names of their schemas; `headers` of the answers that succeed; `others` are the
    further media types of those, each with the name of its schema."""
    responses: dict[int, dict[str, Any]] = {status: _answer(status, name, media, headers or {}) for status, name in answers.items()}
    for found in responses.values():
        if others:
            found["content"] |= {other: {"schema": _schema(name)} for other, name in others.items()}
    responses |= {status: _problem(status) for status in sorted({*ALWAYS, *problems})}
    extra: dict[str, Any] = {"responses": responses, "parameters": [dict(one) for one in parameters]}
    if body is not None:
        extra["requestBody"] = {"required": True, "content": {"application/json": {"schema": ref(body)}}}
    return {"response": dict.fromkeys(responses), "openapi_extra": extra}


def _answer(status: int, name: str | None, media: str, headers: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if name is not None:
        found["content"] = {media: {"schema": _schema(name)}}
    if headers:
        found["headers"] = {name: {"description": text, "schema": {"type": "string"}} for name, text in headers.items()}
    return found


def _schema(name: str) -> dict[str, Any]:
    return ref(name) if name[0].isupper() else {"type": name}


def _problem(status: int) -> dict[str, Any]:
    sentence = SENTENCES.get(status, HTTPStatus(status).phrase)
    return {"description": sentence, "content": {"application/problem+json": {"schema": ref("Problem")}}}
