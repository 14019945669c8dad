"""Bodies made up by changing good ones: half of them nearly right, half of them nearly JSON."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

GOOD: tuple[tuple[str, str, Any], ...] = (
    (
        "POST",
        "/api/v2/tasks",
        {"type": "count", "params": {"to": 3, "interval": 0.01}, "name": "a name", "tags": ["a", "b"], "priority": 5},
    ),
    (
        "POST",
        "/api/v2/tasks",
        {"type": "ping", "params": {"address": "127.0.0.1", "port": 9, "count": 1}, "run_at": "2500-01-01T00:00:00Z"},
    ),
    ("POST", "/api/v2/tasks/bulk", {"tasks": [{"type": "count", "params": {"to": 1}, "timeout": 2.5}] * 3}),
    ("POST", "/api/v2/actions", {"action": "cancel", "filter": {"status": ["pending"], "type": ["count"], "q": "x"}}),
    ("POST", "/api/v2/actions", {"action": "retry", "ids": ["00000000-0000-4000-8000-000000000000"]}),
    ("PATCH", "/api/v2/queues/count", {"paused": True, "concurrency": 3}),
)
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**53 - 1, 2**53, -(2**63), 10**400, 0.5, -0.0, 1e308, 1e-320),
    *("", "x", "\0", "a\nb", "\u202e\u200d", "\ud800", "x" * 70_000, "1", "NaN", "__proto__", "__class__", "constructor"),
    *("{{7*7}}", "%s%n", "../../etc/passwd", "2030-02-30T00:00:00Z", "9" * 5000),
    *([], {}, [[]], [None], {"": {}}, {"a": {"b": {"c": {}}}}, ["x"] * 300),
)
TEXTS: tuple[bytes, ...] = (
    *(b"NaN", b"Infinity", b"-Infinity", b"1e400", b"01", b"+1", b".5", b"1.", b"0x1", b"'a'", b"True", b"undefined"),
    *(b"/**/", b"//", b",", b",,", b":", b"[", b"]", b"{", b"}", b'"', b"\\", b"\\u0000", b"\\ud800", b"\0", b"\x1f", b"\xe2\x80\xa8"),
    *(b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"[" * 40, b'{"a":' * 40, b"9" * 4301, b'"type":"count",'),
)


def made_up(count: int, seed: int) -> Iterator[tuple[str, str, bytes]]:
    """So many requests: method, path, body. The same for the same seed."""
    chance = random.Random(seed)
    for _ in range(count):
        method, path, good = chance.choice(GOOD)
        value = json.loads(json.dumps(good))
        for _ in range(chance.randint(0, 3)):
            value = _changed(value, chance)
        body = json.dumps(value, ensure_ascii=chance.random() < 0.8).encode("utf-8", "surrogatepass")
        for _ in range(chance.choice((0, 0, 1, 2, 5))):
            body = _torn(body, chance)
        yield method, path, body


def _changed(value: Any, chance: random.Random) -> Any:
    """The value with one place in it changed, anywhere."""
    if isinstance(value, dict) and value and chance.random() < 0.8:
        key = chance.choice(list(value))
        return {**value, key: _changed(value[key], chance)} if chance.random() < 0.6 else chance.choice(_OF_DICTS)(value, key, chance)
    if isinstance(value, list) and value and chance.random() < 0.8:
        place = chance.randrange(len(value))
        return [*value[:place], _changed(value[place], chance), *value[place + 1 :]]
    return chance.choice(ODD)


_OF_DICTS: tuple[Callable[[dict[str, Any], str, random.Random], Any], ...] = (
    lambda value, key, chance: {name: item for name, item in value.items() if name != key},
    lambda value, key, chance: {**value, key: chance.choice(ODD)},
    lambda value, key, chance: {**value, str(chance.choice(ODD))[:100]: chance.choice(ODD)},
    lambda value, key, chance: {**value, chance.choice(("id", "status", "owner", "created_at", "result", "version")): chance.choice(ODD)},
    lambda value, key, chance: {key: value},
)


def _torn(body: bytes, chance: random.Random) -> bytes:
    """The text with a piece of it lost, doubled, exchanged or put in."""
    first = chance.randrange(len(body) + 1)
    last = min(len(body), first + chance.choice((0, 1, 1, 3, 20, 500)))
    piece = chance.choice((b"", chance.choice(TEXTS), body[first:last] * 2, bytes(chance.randrange(256) for _ in range(3))))
    return body[:first] + piece + body[last:]
