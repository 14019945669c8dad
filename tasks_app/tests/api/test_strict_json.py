"""The strict JSON door, case by case."""

from __future__ import annotations

import json
import tracemalloc

import msgspec
import pytest

from tasks_app.api import strict_json
from tasks_app.api.problems import Problem

LARGEST = 2**53 - 1

MALFORMED = [
    b"",
    b" \n\t ",
    b"{}{}",
    b'{"a":1,}',
    b"[1,]",
    b"[,1]",
    b'{"a" 1}',
    b'{"a":1 "b":2}',
    b'{"a"}',
    b"{a:1}",
    b"{1:2}",
    b"{'a':1}",
    b'{"a":01}',
    b'{"a":+1}',
    b'{"a":.5}',
    b'{"a":1.}',
    b'{"a":1e}',
    b'{"a":0x10}',
    b'{"a":-}',
    b'{"a":--1}',
    b'{"a":True}',
    b'{"a":nul}',
    b'{"a":undefined}',
    b'{"a":NaN}',
    b'{"a":Infinity}',
    b'{"a":-Infinity}',
    b'{"a":1e400}',
    b'{"a":-1e400}',
    b'{"a":/* */1}',
    b'{"a":1} // end',
    b'{"a":1}\x00',
    b'{"a":"\\x41"}',
    b'{"a":"\\u12"}',
    b'{"a":"\\uZZZZ"}',
    b'{"a":"unended}',
    b'{"a":"raw\nline"}',
    b'{"a":"raw\x00null"}',
    b'{"a":"\x1f"}',
    b'{"a":1',
    b'{"a":[1,2}',
    b"]",
    b"}",
    b'{"a":"\\ud800"}',
    b'{"a":"\\udc00\\ud800"}',
    b'{"a":"\\ud800x"}',
    b'{"\\udfff":1}',
    b'{"a":"\xed\xa0\x80"}',
    b'{"a":"\xc0\xaf"}',
    b'{"a":"\xff"}',
    b'{"\xff":1}',
    b"\xef\xbb\xbf{}",
    '{"a":1}'.encode("utf-16"),
    '{"a":1}'.encode("utf-16-le"),
    '{"a":1}'.encode("utf-32-be"),
    b'{"a":1,"a":2}',
    b'{"a":1,"a":1}',
    b'{"a":1,"\\u0061":2}',
    b'{"x":[{"y":{"b":1,"b":2}}]}',
    b'{"":1,"":2}',
    b'{"a":%d}' % (LARGEST + 1),
    b'{"a":%d}' % (-LARGEST - 1),
    b'{"a":[1,{"b":9223372036854775808}]}',
    b'{"a":18446744073709551616}',
    b'{"a":' + b"1" * 4300 + b"}",
    b'{"a":' + b"1" * 4301 + b"}",
    b'{"a":' + b"1" * 60_000 + b"}",
    b'{"a":1' + b"0" * 400 + b".5}",
    b'{"a":' * 33 + b"1" + b"}" * 33,
    b'{"a":' + b"[" * 32 + b"]" * 32 + b"}",
    b"[" * 1000 + b"]" * 1000,
    b"[" * 100_000 + b"]" * 100_000,
    b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    b'[{"a":' * 50_000,
    b"[" * 100_000,
]

NOT_OBJECTS = [b"[]", b"null", b"true", b"1", b'"text"', b'[{"type":"count"}]', b"-0.5", b"[[[[]]]]"]

FINE = {
    b"{}": {},
    b' \t\r\n{"a" : 1 }\n': {"a": 1},
    b'{"a":-0}': {"a": 0},
    b'{"a":-0.0}': {"a": -0.0},
    b'{"a":1e-400}': {"a": 0.0},
    b'{"a":0.30000000000000004}': {"a": 0.1 + 0.2},
    b'{"a":1E+2}': {"a": 100.0},
    b'{"a":%d}' % LARGEST: {"a": LARGEST},
    b'{"a":%d}' % -LARGEST: {"a": -LARGEST},
    b'{"a":"\\ud83d\\ude00\\n\\/"}': {"a": "\U0001f600\n/"},
    '{"ключ":"значение"}'.encode(): {"ключ": "значение"},
    b'{"a":{"b":1},"b":{"b":1}}': {"a": {"b": 1}, "b": {"b": 1}},
    b'{"a":"{[,:\\"9007199254740999"}': {"a": '{[,:"9007199254740999'},
    b'{"":0}': {"": 0},
    b'{"a":"\x7f"}': {"a": "\x7f"},
}


@pytest.mark.parametrize("body", MALFORMED, ids=lambda body: repr(body[:30]))
def test_what_readers_could_read_differently_is_malformed(body: bytes) -> None:
    with pytest.raises(Problem) as raised:
        strict_json.decode(body)
    assert (raised.value.status, raised.value.code) == (400, "malformed_json")


@pytest.mark.parametrize("body", NOT_OBJECTS, ids=repr)
def test_other_json_than_an_object_is_told_apart_from_malformed_json(body: bytes) -> None:
    with pytest.raises(Problem) as raised:
        strict_json.decode(body)
    assert (raised.value.status, raised.value.code) == (422, "not_an_object")


@pytest.mark.parametrize("body", [b'{"a":"\\u0000"}', b'{"a":[{"b\\u0000":1}]}', b'{"\\u0000":{}}'], ids=repr)
def test_a_null_character_is_refused_wherever_it_stands(body: bytes) -> None:
    with pytest.raises(Problem) as raised:
        strict_json.decode(body)
    assert (raised.value.status, raised.value.code) == (422, "null_character")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"type":"count","name":"a\\u0000"}', "name"),
        (b'{"tasks":[{"name":"a"},{"tags":["b","\\u0000"]}]}', "tasks.1.tags.1"),
        (b'{"params":{"a\\u0000":1}}', "params"),
        (b'{"\\u0000":1}', "body"),
        (b'["\\u0000"]', "0"),
        (b'"\\u0000"', "body"),
    ],
    ids=repr,
)
def test_the_place_of_a_null_character_is_named(body: bytes, field: str) -> None:
    with pytest.raises(Problem) as raised:
        strict_json.decode(body)
    assert raised.value.field == field


@pytest.mark.parametrize(("body", "value"), FINE.items(), ids=lambda part: repr(part)[:30])
def test_plain_json_is_read_as_it_stands(body: bytes, value: object) -> None:
    found = strict_json.decode(body)
    assert repr(found) == repr(value)


def test_thirty_two_levels_are_allowed() -> None:
    body = b'{"a":' * 31 + b"[1]" + b"}" * 31
    assert json.loads(body) == strict_json.decode(body)


def test_ten_thousand_tasks_are_read() -> None:
    task = {"type": "ping", "params": {"address": "127.0.0.1", "port": 8000, "count": 10}, "name": "a name", "tags": ["a", "b"]}
    body = json.dumps({"tasks": [task] * 10_000}).encode()
    assert len(strict_json.decode(body)["tasks"]) == 10_000


@pytest.mark.parametrize("filler", [b"0,", b"{},", b"[],", b'{"a":0},', b'"",'], ids=repr)
def test_a_body_of_millions_of_values_is_refused_before_it_is_read(filler: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(msgspec.json, "decode", lambda body: pytest.fail("it was read"))
    body = b'{"a":[' + filler * (16_000_000 // len(filler)) + b"0]}"
    with pytest.raises(Problem) as raised:
        strict_json.decode(body)
    assert (raised.value.status, raised.value.code) == (413, "too_many_values")


LONG_TEXTS = {
    "wide": ("ж" * 1_000_000).encode(),
    "colons": b":" * 2_000_000,
    "escapes": b"\\n" * 1_000_000,
    "quotes": b'\\":\\\\' * 400_000,
}


@pytest.mark.parametrize("text", LONG_TEXTS.values(), ids=LONG_TEXTS)
def test_a_long_text_is_held_once_and_in_no_other_form(text: bytes) -> None:
    body = b'{"a":"' + text + b'"}'
    held = len(json.loads(body)["a"]) * (2 if b"\xd0" in text else 1)
    tracemalloc.start()
    try:
        strict_json.decode(body)
        assert tracemalloc.get_traced_memory()[1] < 3.2 * held + 500_000, "while Python makes it"
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("many", [b'{"a":[0]}', b'{"a":{"b":""}}', b"[[]]"], ids=repr)
def test_a_list_of_what_is_to_be_launched_takes_no_memory_for_what_is_in_it(many: bytes) -> None:
    body = bytearray(b'{"tasks":[' + b",".join([many] * 30_000) + b"]}")
    tracemalloc.start()
    try:
        found = strict_json.sole_list(body, "tasks")
        assert tracemalloc.get_traced_memory()[1] < 150 * 30_000, "and 100 bytes for each that say where it stands"
    finally:
        tracemalloc.stop()
    assert found is not None
    assert (len(found), strict_json.element(found[-1], "tasks.29999")) == (30_000, json.loads(many))


TWICE = (
    b'{"tasks":[1],"tasks":[2]}',
    b' { "tasks" : [ 11111111111111111111 ] , "\\u0074asks" : [ 2 ] } ',
    b'{"tasks":[1],"tasks":[22222222222222222222222222222222222222222]}',
    b'{"tasks":{"a":1},"tasks":[1]}',
    b'{"tasks":["' + b"a" * 70_000 + b'"],"tasks":["' + b"b" * 70_000 + b'"]}',
)


@pytest.mark.parametrize("body", TWICE, ids=range(len(TWICE)))
def test_a_list_that_stands_twice_is_no_sole_list(body: bytes) -> None:
    with pytest.raises(Problem) as raised:
        strict_json.sole_list(body, "tasks")
    assert (raised.value.status, "twice" in raised.value.detail) == (400, True)


@pytest.mark.parametrize(
    ("body", "status"), [(b"[" * 70_000, 400), (b"[" + b"0," * 40_000 + b"0]", 422), (b'{"tasks":' + b" " * 70_000 + b"1}", 0)]
)
def test_what_is_no_sole_list_is_told_apart_though_it_is_large(body: bytes, status: int) -> None:
    if not status:
        assert strict_json.sole_list(body, "tasks") is None
        return
    with pytest.raises(Problem) as raised:
        strict_json.sole_list(body, "tasks")
    assert raised.value.status == status


@pytest.mark.parametrize(("levels", "refused"), [(30, False), (31, True)])
def test_what_stands_in_a_list_is_as_deep_as_all_of_it(levels: int, refused: bool) -> None:
    found = strict_json.sole_list(b'{"tasks":[' + b"[" * levels + b"]" * levels + b"]}", "tasks")
    assert found is not None
    if refused:
        with pytest.raises(Problem, match="32 levels"):
            strict_json.element(found[0], "tasks.0")
    else:
        strict_json.element(found[0], "tasks.0")


def test_a_null_character_in_a_list_is_found_in_its_place() -> None:
    found = strict_json.sole_list(b'{"tasks":[{},{"a":["","\\u0000"]}]}', "tasks")
    assert found is not None
    with pytest.raises(Problem) as raised:
        strict_json.element(found[1], "tasks.1")
    assert raised.value.field == "tasks.1.a.1"
