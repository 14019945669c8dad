"""The strict JSON door of `tasks_app.strict_json`, as the API opens it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from tasks_app import strict_json
from tasks_app.api.problems import Problem
from tasks_app.engine.errors import InvalidValue


def decode(body: bytes | bytearray) -> dict[str, Any]:
    """The JSON object in a body. Raises Problem: 400 for what is not strict JSON, 413 for too much of it, 422 where it is no object."""
    try:
        return strict_json.decode(body)
    except strict_json.NotStrict as wrong:  # not with _told: this is asked for with every launch, and that takes as long as reading one
        raise Problem(wrong.status, wrong.code, wrong.detail, field=wrong.field) from None


def sole_list(body: bytes | bytearray, name: str) -> list[msgspec.Raw] | None:
    """What stands in the list of this name in a body, not read yet: `element` reads it. None where it is no list. Raises Problem as
    `decode`, InvalidValue where there is anything else beside it."""
    with _told():
        try:
            given = strict_json.members(body)
            others = [other for other in given if other != name]
            found = strict_json.elements(body, given[name]) if given and not others else None
        except strict_json.NotStrict:
            strict_json.look_closely(body)  # what is no JSON is told first
            raise
        if found is None:
            strict_json.look_closely(body)
    if others:
        raise InvalidValue(f"is not known here; only {name} is", field=others[0])
    return found


def element(given: msgspec.Raw, place: str) -> Any:
    """The value of one of them. Raises Problem, whose field stands in this place."""
    with _told(place):
        return strict_json.value(bytes(given), 2)


@contextmanager
def _told(place: str = "") -> Iterator[None]:
    try:
        yield
    except strict_json.NotStrict as wrong:
        field = f"{place}.{wrong.field}" if place and wrong.field else wrong.field
        raise Problem(wrong.status, wrong.code, wrong.detail, field=field) from None
