"""JSON and text as services written in Go read and write them: what the foreign contracts were seen to do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Never

import msgspec
from django.http import HttpResponse

_ESCAPES = str.maketrans({c: f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"})
MAX_DEPTH = 100  # levels; deeper ones are nobody's task
_CUT_OFF = "unexpected EOF"


class Unreadable(ValueError):
    """A body that is not the JSON a service takes; the message is one line for the client."""


def text(status: int, line: str, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """One line of plain text, as Go's http.Error sends it."""
    return HttpResponse(f"{line}\n", status=status, content_type="text/plain; charset=utf-8", headers=headers)


def wrong_method(method: str, allow: str) -> HttpResponse:
    """405, as Go's own router sends it, with the Allow header that some services left out."""
    return text(405, "Method Not Allowed", {"Allow": allow})


def document(value: Any, status: int = 200, *, end: str = "\n", headers: Mapping[str, str] | None = None) -> HttpResponse:
    """JSON, closed by `end`."""
    return HttpResponse(encode(value) + end, status=status, content_type="application/json", headers=headers)


def encode(value: Any) -> str:
    """JSON text with `<`, `>` and `&` escaped. Keys stay in their order."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).translate(_ESCAPES)


def decode(body: bytes | bytearray) -> Any:
    """The one JSON value of a body; of equal keys the last wins, and stands where it stood. Raises Unreadable.

    The words for an empty and for a cut body are those clients know: `EOF` and `unexpected EOF`.
    """
    given = body.decode("utf-8", "replace")
    if not given.strip(" \t\r\n"):
        raise Unreadable("EOF")
    try:
        value = json.loads(given, object_pairs_hook=_ordered, parse_constant=_refused)
    except RecursionError:
        raise Unreadable("exceeded max depth") from None
    except ValueError as error:  # integers of thousands of digits are among them
        raise Unreadable(_CUT_OFF if _is_cut(body) else _one_line(error)) from None
    _check_depth(value)
    return value


def fields(value: Any, *names: str) -> dict[str, Any]:
    """The fields of a JSON object that a service looks at, whatever the case of their letters; null counts as left out.
    Raises Unreadable where it is no object."""
    if not isinstance(value, dict):
        raise Unreadable(f"json: cannot unmarshal {kind(value)} into Go value of type object")
    found: dict[str, Any] = {}
    for key, item in value.items():
        name = key.casefold()
        if name in names and item is not None:
            found[name] = item
    return found


def kind(value: Any) -> str:
    """What Go's decoder calls a JSON value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return "string"
    if isinstance(value, int | float):
        return f"number {value}" if isinstance(value, float) or abs(value) < 10**30 else "number"
    return "array" if isinstance(value, list) else "object"


def wrong_kind(value: Any, field: str, wanted: str) -> Unreadable:
    """The error for a field that holds something else."""
    return Unreadable(f"json: cannot unmarshal {kind(value)} into field {field} of type {wanted}")


def number(value: float) -> int | float:
    """A number as Go writes a float64: without `.0`, and without an exponent below 1e21."""
    value = float(value)
    return int(Decimal(repr(value))) if value.is_integer() and abs(value) < 1e21 else value


def moment(seconds: float, *, digits: int = 6) -> str:
    """RFC 3339 in UTC with `Z` and up to so many digits of a second, 0 or 6; zeros at the end are left out."""
    at = datetime.fromtimestamp(seconds, UTC)
    whole = at.strftime("%Y-%m-%dT%H:%M:%S")
    part = f".{at.microsecond:06d}".rstrip("0").rstrip(".") if digits else ""
    return f"{whole}{part}Z"


def _ordered(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        found.pop(key, None)
        found[_writable(key)] = _writable(value) if isinstance(value, str) else value
    return found


def _writable(given: str) -> str:
    """Go reads half of a surrogate pair as U+FFFD."""
    return given if given.isascii() else given.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _refused(word: str) -> Never:
    raise ValueError(f"invalid character {word[0]!r} looking for beginning of value")


def _is_cut(body: bytes | bytearray) -> bool:
    """Whether more bytes could have made it JSON: as it is, or, where it ends within a number, with one more digit."""
    return any(_may_go_on(part) for part in (body, body + b"0"))


def _may_go_on(part: bytes | bytearray) -> bool:
    """msgspec tells what is cut from what is broken."""
    try:
        msgspec.json.decode(part)
    except (msgspec.DecodeError, RecursionError) as error:
        return "truncated" in str(error)
    except UnicodeError:
        return False
    return True


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [part for item in level if isinstance(item, dict | list) for part in (item.values() if isinstance(item, dict) else item)]
        if not level:
            return
    raise Unreadable("exceeded max depth")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or "invalid JSON"
