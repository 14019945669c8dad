"""The strict JSON door, the same for API, forms and sockets: what every reader of JSON would read the same way, and nothing else.

RFC 8259 and RFC 7493 (I-JSON).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Never

import msgspec

from tasks_app.engine.sentences import kept

LARGEST = 2**53 - 1  # past this, integers differ from reader to reader
MAX_DEPTH = 32
MAX_VALUES = 200_000  # in one body: what they cost grows with their number, not with their size
PART = 262_144  # bytes that are looked through at once: no other thread can do anything meanwhile
LITTLE = 65_536  # bytes of a body that may take many times the memory, so that what is wrong with it can be told exactly
_TWICE = kept("The key {name!r} stands twice in one object.")
_SOMEWHERE_TWICE = kept("A key stands twice in one object.")
_EMPTY = kept("The body is empty; JSON is expected.")
_TOO_MANY = kept("At most {most:,} values are accepted in one body.")
_TOO_DEEP = kept("Nested more than {most:d} levels deep.")
_NOT_UTF_8 = kept("The body is not UTF-8.")
_NOT_JSON = kept("The body is not JSON: {why}.")
_TOO_LARGE = kept("Integers are accepted from {low} to {high}.")
_NULL = kept("Text must not contain the character U+0000.")
_NO_OBJECT = kept("A JSON object is expected.")


class NotStrict(Exception):
    """What is wrong with a text: the `status` that says so over HTTP (400, 413, 422), a stable `code`, a sentence, and the `field` it is
    about."""

    def __init__(self, status: int, code: str, detail: str, field: str | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.field = field


class _Twice(ValueError):
    """A key stands twice in one object."""


def _keys(pairs: list[tuple[str, Any]]) -> None:
    seen = set()
    for key, _ in pairs:
        if key in seen:
            raise _Twice(str(_TWICE(name=key[:80])))
        seen.add(key)


_SOMETHING = re.compile(rb"[^ \t\r\n]")
_TEXT_OR_COLON = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|:', re.DOTALL)
_anything = msgspec.json.Decoder(msgspec.Raw)
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_elements = msgspec.json.Decoder(list[msgspec.Raw])
# msgspec keeps the last of equal keys and does not tell; this one tells, and takes many times as long.
_second_look = json.JSONDecoder(object_pairs_hook=_keys)


def decode(body: bytes | bytearray) -> dict[str, Any]:
    """The JSON object in a body. Raises NotStrict: 400 for what is not such JSON, 422 where it is not an object."""
    found = value(body)
    if not isinstance(found, dict):
        raise NotStrict(422, "not_an_object", str(_NO_OBJECT()), field="body")
    return found


def members(body: bytes | bytearray) -> Mapping[str, msgspec.Raw]:
    """What stands in the object in a body, not read yet: `value` reads it, 1 level deep, `elements` where it is a list. Of equal keys the
    last is here. Raises NotStrict as `decode`."""
    _not_empty_nor_too_much(body)
    try:
        return _members.decode(body)
    except msgspec.ValidationError:
        raise NotStrict(422, "not_an_object", str(_NO_OBJECT()), field="body") from None
    except RecursionError:
        _malformed(str(_TOO_DEEP(most=MAX_DEPTH)))
    except (msgspec.DecodeError, ValueError) as error:
        _malformed(str(_NOT_JSON(why=str(error))))


def elements(body: bytes | bytearray, last: msgspec.Raw) -> list[msgspec.Raw] | None:
    """What stands in a list that is all there is in the object in a body, not read yet: `value` reads it, 2 levels deep. None where it is
    no list. Its values take no memory this way. Raises NotStrict where its key stands twice."""
    try:
        found = _elements.decode(last)
    except msgspec.ValidationError:
        return None
    end = body.rindex(b"]") + 1
    if body.count(b":", 0, end - len(memoryview(last))) > 1:
        _malformed(str(_SOMEWHERE_TWICE()))
    return found


def look_closely(body: bytes | bytearray) -> None:
    """Raise NotStrict where a body is no such object, or no JSON: what is not strict in a large one is not looked for."""
    if len(body) <= LITTLE:
        decode(body)
    try:
        _anything.decode(body)
    except RecursionError:
        _malformed(str(_TOO_DEEP(most=MAX_DEPTH)))
    except (msgspec.DecodeError, ValueError) as error:
        _malformed(str(_NOT_JSON(why=str(error))))


def value(body: bytes | bytearray, depth: int = 0) -> Any:
    """Any JSON value, which stands so many levels deep already. Raises NotStrict: 400 for what is not such JSON."""
    _not_empty_nor_too_much(body)
    try:
        found = msgspec.json.decode(body)
        names = _names(found)
        if body.count(b":") != names and _colons(body) != names:
            _say_what_is_twice(body)
    except RecursionError:
        _malformed(str(_TOO_DEEP(most=MAX_DEPTH)))
    except UnicodeError:
        _malformed(str(_NOT_UTF_8()))
    except _Twice as error:
        _malformed(str(error))
    except (msgspec.DecodeError, ValueError) as error:
        _malformed(str(_NOT_JSON(why=str(error))))
    _inspect(found, depth)
    return found


def _not_empty_nor_too_much(body: bytes | bytearray) -> None:
    if _SOMETHING.search(body) is None:
        _malformed(str(_EMPTY()))
    if len(body) <= MAX_VALUES:
        return  # it has more bytes than values
    values = 0
    for start in range(0, len(body), PART):
        values += sum(body.count(mark, start, start + PART) for mark in (b",", b"[", b"{"))
        if values > MAX_VALUES:
            raise NotStrict(413, "too_many_values", str(_TOO_MANY(most=MAX_VALUES)))


def _colons(body: bytes | bytearray) -> int:
    """How many names objects were given: their colons, not those in texts. Nothing is copied for it, however long the texts are."""
    return sum(1 for found in _TEXT_OR_COLON.finditer(body) if found.end() - found.start() == 1)


def _say_what_is_twice(body: bytes | bytearray) -> None:
    if len(body) <= LITTLE:
        _second_look.decode(body.decode())
    _malformed(str(_SOMEWHERE_TWICE()))


def _names(value: Any) -> int:
    """How many names its objects have. Where as many were given, no name stands twice in one object."""
    parts, found = value, 0
    if type(value) is dict:
        parts, found = value.values(), len(value)
    elif type(value) is not list:
        return 0
    for part in parts:
        if type(part) is dict or type(part) is list:
            found += _names(part)
    return found


def _inspect(whole: Any, above: int) -> None:
    """Depth, integers and characters of the whole value, level by level."""
    level = [whole]
    for depth in range(above, MAX_DEPTH + 1):
        following: list[Any] = []
        for item in level:
            kind = type(item)
            if kind in (dict, list) and depth == MAX_DEPTH:
                _malformed(str(_TOO_DEEP(most=MAX_DEPTH)))
            if kind is dict:
                following.extend(item)
                following.extend(item.values())
            elif kind is list:
                following.extend(item)
            elif kind is int:
                if not -LARGEST <= item <= LARGEST:
                    _malformed(str(_TOO_LARGE(low=-LARGEST, high=LARGEST)))
            elif kind is str and "\0" in item:
                raise NotStrict(422, "null_character", str(_NULL()), field=_place(whole))
        if not following:
            return
        level = following


def _place(value: Any, path: str = "") -> str | None:
    """Where the first text with U+0000 stands: names and indexes, set apart by dots. For a key, what holds it."""
    if isinstance(value, str):
        return path or "body" if "\0" in value else None
    if isinstance(value, dict):
        if any("\0" in key for key in value):
            return path or "body"
        inner: Iterable[tuple[Any, Any]] = value.items()
    else:
        inner = enumerate(value) if isinstance(value, list) else ()
    places = (_place(item, f"{path}.{name}" if path else str(name)) for name, item in inner)
    return next((place for place in places if place), None)


def _malformed(detail: str) -> Never:
    raise NotStrict(400, "malformed_json", detail)
