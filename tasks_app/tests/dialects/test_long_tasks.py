"""Dialect 003, Long Tasks Service: what is accepted and refused, as recorded, bytes exact."""

from __future__ import annotations

import re

import pytest

from tasks_app.tests.dialects.talk import JSON, Exchange, line, names

BASE = "/api/v1/tasks"
UUID = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
ACCEPTED_BODY = re.compile(rf'\{{"id":"{UUID}","status":"pending"\}}\n'.encode())
NOBODY = "0b6f2f3e-5f0e-4f6b-9d5f-6f1f4b8d9a10"
SOON = b'{"type":"long_computation","params":{"duration":0}}'


def accepted(sent: bytes, **headers: str) -> Exchange:
    """A task that is accepted, whether or not it can be run."""
    return Exchange(f"POST {BASE}", 202, ACCEPTED_BODY, {"Content-Type": JSON, "Allow": None}, sent, headers)


def refused(sent: bytes | None, words: str) -> Exchange:
    """A body that is no task; the words are a pattern."""
    found = line(f"POST {BASE}", 400, "", sent=sent)
    return Exchange(found.request, 400, re.compile(f"{words}\n".encode()), found.headers, sent)


def computation(value: bytes) -> bytes:
    """A body that asks for a computation of this duration."""
    return b'{"type":"long_computation","params":{"duration":%b}}' % value


ACCEPTED = [
    accepted(SOON),
    accepted(SOON, **{"Content-Type": "application/json"}),
    accepted(SOON, **{"Content-Type": "text/plain"}),
    accepted(SOON, **{"Content-Type": "application/x-www-form-urlencoded"}),
    accepted(b' \n{"TYPE":"long_computation","Params":{"duration":0}} \t\r\n'),
    accepted(b'{"type":"nope","type":"long_computation","params":{"duration":0},"id":5,"status":[],"x":1e400}'),
    accepted(b'{"type":5,"type":"long_computation","params":[],"params":{"duration":0,"other":{"a":[null]}}}'),
    accepted(b'{"type":"count","params":{"to":1,"interval":0}}'),
    accepted(b'{"type":"count","params":{"too":1}}'),
    accepted(b'{"type":"nope"}'),
    accepted(b'{"type":"nope","params":null}'),
    accepted(b'{"type":"nope","params":{}}'),
    accepted(b'{"type":" "}'),
    accepted(b'{"type":"Long_Computation"}'),
    accepted(b'{"type":"unknown","params":{"asked":"x","reason":"y"}}'),
    accepted(b'{"type":"bulk_action","params":{"action":"delete","filter":{}}}'),
    accepted(b'{"type":"%b"}' % (b"n" * 100_000)),
    accepted(b'{"type":"\\ud800\\u0000\\n<b>"}'),
    accepted(b'{"type":"ping","params":{"address":%b}}' % (b"[" * 90 + b"]" * 90)),
    accepted(b'{"type":"nope","params":{"\\udfff":"\\ud800\xff"}}'),
]
REFUSED = [
    refused(None, "EOF"),
    refused(b"", "EOF"),
    refused(b" \r\n\t", "EOF"),
    *(
        refused(sent, "unexpected EOF")
        for sent in (b"{", b'{"type"', b'{"type":"long_comp', b'{"type":"x","params":{"duration":1}', b"[1,")
    ),
    *(
        refused(sent, ".+")
        for sent in (b"{bad}", b'{"type":"x"} {}', b'{"type":"x"}x', b"{'type':'x'}", b'{"type":"x",}', b"\xff", b"type=x")
    ),
    *(refused(sent, "json: cannot unmarshal .+") for sent in (b"[]", b'["x"]', b'"x"', b"5", b"true", b"1.5", b"null")),
    *(refused(b'{"type":%b}' % value, "json: cannot unmarshal .+") for value in (b"5", b"1.5", b"true", b"[]", b"{}", b'["x"]')),
    *(refused(b'{"type":"x","params":%b}' % value, "json: cannot unmarshal .+") for value in (b"5", b"true", b"[]", b'"x"', b"[{}]")),
    *(
        refused(sent, "type is required")
        for sent in (b"{}", b'{"type":""}', b'{"type":null}', b'{"params":{"duration":1}}', b'{"kind":"x"}')
    ),
    *(refused(computation(value), ".+") for value in (b"NaN", b"Infinity", b"-Infinity", b"01", b"+1", b".5", b"0x10", b"9" * 5000)),
    *(refused(computation(value), "json: cannot unmarshal number .+") for value in (b"1e400", b"-1e400", b"9" * 400, b"[[1e400]]")),
    refused(b"[" * 100_000, ".+"),
    refused(b'{"type":"x","params":{"a":' + b"[" * 200 + b"]" * 200 + b"}}", "exceeded max depth"),
    line(f"POST {BASE}", 413, "At most 1,048,576 bytes are accepted here.", sent=b'{"type":"%b"}' % (b"n" * 2_000_000)),
]
STRANGE = [
    NOBODY,
    NOBODY.upper(),
    NOBODY.replace("-", ""),
    f"{{{NOBODY}}}",
    f"urn:uuid:{NOBODY}",
    "abc",
    "1",
    "%20",
    "%00",
    "%0A",
    f"{NOBODY}%0A",
    "%FF",
    "%F0%9F%92%A9",
    "a" * 6000,
    "..",
    f"{NOBODY}?a=b",
    "<script>",
]
ONE = f"{BASE}/{NOBODY}"
NOWHERE = [
    "/api/v1",
    "/api/v1/",
    "/api/v1//tasks",
    "/api/v1/other",
    f"{BASE}/",
    f"{BASE}//",
    f"{BASE}//result",
    f"/{BASE[1:]}//{NOBODY}",
    f"{ONE}/",
    f"{ONE}//result",
    f"{ONE}/result/",
    f"{ONE}/results",
    f"{ONE}/cancel",
    f"{ONE}/result/x",
    f"{BASE}x",
    "/api/v1/Tasks",
]
ROUTES = [
    *(line(f"GET {BASE}/{task_id}", 404, "Task not found") for task_id in STRANGE),
    *(line(f"GET {BASE}/{task_id}/result", 404, "Task not found") for task_id in STRANGE if "?" not in task_id),
    *(line(f"{method} {path}", 404, "404 page not found") for path in NOWHERE for method in ("GET", "POST", "DELETE", "OPTIONS")),
    *(
        Exchange(f"{method} {path}", 405, b"", {"Allow": allow, "Content-Type": None, "Content-Length": "0"})
        for path, allow, methods in ((BASE, "POST", "GET"), (ONE, "GET", "POST"), (f"{ONE}/result", "GET", "POST"))
        for method in (methods, "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE")
    ),
]
CONVERSATIONS = ACCEPTED + REFUSED + ROUTES


@pytest.mark.parametrize("exchange", CONVERSATIONS, ids=names(CONVERSATIONS))
def test_a_conversation_as_recorded(spoken, exchange):
    exchange.held(spoken)
