"""Dialect 001, IO Bound Task API: what is accepted and refused, as recorded, bytes exact."""

from __future__ import annotations

import re

import pytest

from tasks_app.tests.dialects.talk import JSON, Exchange, names

UUID = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
NOBODY = "0b6f2f3e-5f0e-4f6b-9d5f-6f1f4b8d9a10"
BARE = NOBODY.replace("-", "")
TYPED = {"Content-Type": JSON}
EMPTY = b'{"error":"Invalid input. Task name cannot be empty"}\n'
NOT_A_STRING = b'{"error":"Invalid input. Task name must be a string"}\n'
NOT_FOUND = b'{"message":"Not Found"}\n'
NOT_ALLOWED = b'{"message":"Method Not Allowed"}\n'
TOO_LARGE = b'{"message":"Request Entity Too Large"}\n'


def accepted(sent: bytes, name: str, content_type: str = JSON, query: str = "") -> Exchange:
    """A report that is accepted under the name, which stands as it is written in the answer."""
    body = re.compile(rf'\{{"id":"{UUID}","name":"{re.escape(name)}","status":"pending","file_path":""\}}\n'.encode())
    return Exchange(f"POST /create-task{query}", 201, body, {"Content-Type": JSON, "Allow": None}, sent, {"Content-Type": content_type})


def refused(sent: bytes | None, body: bytes, content_type: str | None = JSON) -> Exchange:
    """A report that is not accepted."""
    given = {} if content_type is None else {"Content-Type": content_type}
    return Exchange("POST /create-task", 400, body, {"Content-Type": JSON}, sent, given)


ACCEPTED = [
    accepted(b'{"name":"sample_name"}', "sample_name"),
    accepted(b'{"name":"  "}', "  "),
    accepted(b'{"NAME":"x"}', "x"),
    accepted(b'{"name":"a","name":"b"}', "b"),
    accepted(b'{"name":"a","Name":"b"}', "b"),
    accepted(b'{"name":"a","Name":null}', "a"),
    accepted(b'{"id":5,"status":"completed","file_path":"/etc/passwd","extra":[1e400,{}],"name":"x"}', "x"),
    accepted(b' \r\n{"name":"x"}\t\n', "x"),
    accepted(b'{"name":"<b>&\\u2028"}', "\\u003cb\\u003e\\u0026\\u2028"),
    accepted(b'{"name":"\\ud800"}', "\ufffd"),
    accepted(b'{"name":"\\ud83d\\ude00 \xd0\xb6"}', "\U0001f600 ж"),
    accepted(b'{"name":"\xff"}', "\ufffd"),
    accepted(b'{"name":"a\\u0000\\n\\"b\\\\"}', 'a\\u0000\\n\\"b\\\\'),
    accepted(b'{"name":"%b"}' % (b"n" * 10_000), "n" * 10_000),
    accepted(b'{"name":"x"}', "x", "application/json; charset=utf-8"),
    accepted(b'{"name":"x"}', "x", "Application/JSON"),
    accepted(b'{"name":"x"}', "x", "application/json ; a=b"),
    accepted(b'{"name":"x"}', "x", query="?name=y&status=completed"),
]
FORMS = ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", "text/xml; charset=utf-8"]
REFUSED = [
    *(refused(sent, EMPTY) for sent in (None, b"", b"{}", b'{"name":""}', b'{"name":null}', b"null", b'{"nom":"x"}')),
    *(refused(sent, EMPTY, None) for sent in (None, b"")),
    *(refused(b"name=x", EMPTY, content_type) for content_type in FORMS),
    *(
        refused(sent, NOT_A_STRING)
        for sent in (
            b"{oops}",
            b'{"name":"x',
            b'{"name":',
            b" ",
            b"[]",
            b'["name"]',
            b'"name"',
            b"5",
            b"true",
            b'{"name":"x"} {}',
            b'{"name":"x"}x',
            b'{"name":NaN}',
            b'{"name":"x","y":Infinity}',
            b"{'name':'x'}",
            b'{"name":"x",}',
            b'{"name":"a\nb"}',
            b'\xef\xbb\xbf{"name":"x"}',
            b"[" * 100_000,
            b'{"name":"x","y":' + b"[" * 200 + b"]" * 200 + b"}",
        )
    ),
    *(refused(b'{"name":%b}' % value, NOT_A_STRING) for value in (b"5", b"1.5", b"true", b"[]", b"{}", b'["x"]', b"9" * 5000)),
    *(refused(b'{"name":"x"}', NOT_A_STRING, kind) for kind in (None, "", "text/plain", "application/jsonx", "json", "text/json")),
    Exchange("POST /create-task", 413, TOO_LARGE, {"Content-Type": JSON}, b'{"name":"%b"}' % (b"n" * 10_001), TYPED),
    Exchange(
        "POST /create-task",
        413,
        re.compile(rb'\{"message":"At most 1,048,576 bytes are accepted here."\}\n'),
        {"Content-Type": JSON},
        b'{"name":"%b"}' % (b"n" * 2_000_000),
        TYPED,
    ),
]


def wrong_id(target: str, length: int | None) -> Exchange:
    """A poll whose id has so many bytes too many or too few; None: it has as many as a UUID."""
    reason = "format" if length is None else f"length: {length}"
    return Exchange(f"GET /poll-task/{target}", 400, f'{{"error":"Invalid UUID format: invalid UUID {reason}"}}\n'.encode(), TYPED)


def unknown(spelling: str) -> Exchange:
    """A poll of a task that does not exist."""
    body = f'{{"error":"Task GET request error: Task with id {NOBODY} not found"}}\n'
    return Exchange(f"GET /poll-task/{spelling}", 404, body.encode(), TYPED)


SPELLINGS = [
    NOBODY,
    NOBODY.upper(),
    BARE,
    BARE.upper(),
    f"%7B{NOBODY}%7D",
    f"{{{NOBODY}}}",
    f"urn:uuid:{NOBODY}",
    f"URN:UUID:{NOBODY.upper()}",
    f"{NOBODY}?x=y",
    NOBODY.replace("-", "%2D"),
]
POLLED = [
    *map(unknown, SPELLINGS),
    wrong_id("abc", 3),
    wrong_id("1", 1),
    wrong_id(f"{NOBODY}/", 37),
    wrong_id(f"{NOBODY}%2F", 37),
    wrong_id(f"{NOBODY}/file", 41),
    wrong_id(f"{NOBODY}%0A", 37),
    wrong_id(f"%20{NOBODY}", 37),
    wrong_id("%D0%B6", 2),
    wrong_id("%ff", 1),
    wrong_id("%00", 1),
    wrong_id("a" * 5000, 5000),
    wrong_id("..%2f..%2fx", 7),
    wrong_id("/", 1),
    wrong_id("g" * 36, None),
    wrong_id("g" * 32, None),
    wrong_id("g" * 38, None),
    wrong_id("g" * 45, None),
    wrong_id(BARE + "-" * 4, None),
    wrong_id(f"({NOBODY})", None),
    wrong_id(f"{{{NOBODY}x", None),
    wrong_id(f"urn-uuid:{NOBODY}", None),
    wrong_id(f"{NOBODY[:-2]}%D0%B6", None),
    wrong_id(f"{NOBODY[:-1]}%0A", None),
]
POST, GET = {"Allow": "OPTIONS, POST", **TYPED}, {"Allow": "OPTIONS, GET", **TYPED}
KNOWN = (f"/poll-task/{NOBODY}", "/poll-task/abc", "/files/x", f"/files/task_{NOBODY}.json")
ROUTES = [
    *(
        Exchange(f"GET {path}", 404, NOT_FOUND, {**TYPED, "Allow": None})
        for path in ("/poll-task", "/poll-task/", "/create-task/", "/create-task/x", "/files/x", "/files/", "/files")
    ),
    Exchange("POST /create-task/", 404, NOT_FOUND, TYPED, b'{"name":"x"}', TYPED),
    *(Exchange(f"{method} /create-task", 405, NOT_ALLOWED, POST) for method in ("GET", "PUT", "PATCH", "DELETE")),
    *(Exchange(f"{method} {path}", 405, NOT_ALLOWED, GET) for method in ("POST", "PUT", "PATCH", "DELETE") for path in KNOWN),
    Exchange("HEAD /create-task", 405, b"", POST),
    *(Exchange(f"HEAD {path}", 405, b"", GET) for path in KNOWN),
    Exchange("OPTIONS /create-task", 204, b"", {"Allow": "OPTIONS, POST", "Content-Type": None, "Content-Length": None}),
    *(Exchange(f"OPTIONS {path}", 204, b"", {"Allow": "OPTIONS, GET", "Content-Type": None}) for path in KNOWN),
]
CONVERSATIONS = ACCEPTED + REFUSED + POLLED + ROUTES


@pytest.mark.parametrize("exchange", CONVERSATIONS, ids=names(CONVERSATIONS))
def test_a_conversation_as_recorded(spoken, exchange):
    exchange.held(spoken)
