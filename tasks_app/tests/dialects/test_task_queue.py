"""Dialect 004, Go Task Queue, alone under `/compat/taskqueue`: recorded conversations, bytes exact."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.test import RequestFactory
from msgspec.structs import replace

from tasks_app.api.dialects import task_queue
from tasks_app.engine.task import Status
from tasks_app.tests.dialects.talk import JSON, Answer, Exchange, Talk, line, names, speaking
from tasks_app.tests.engine.records import IN_STATUS

BASE = "/compat/taskqueue"
HIGHEST = 2**63 - 1
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def posted(body: bytes, value: int, **headers: str) -> Exchange:
    """A task that is accepted with this number."""
    recorded = re.compile(rb'\{"id":[1-9][0-9]*,"status":"queued","result":%d\}\n' % value)
    return Exchange(f"POST {BASE}/tasks", 201, recorded, {"Content-Type": JSON}, body, headers)


def refused(body: bytes, words: str | re.Pattern[bytes]) -> Exchange:
    """A body that is not taken."""
    said = words if isinstance(words, re.Pattern) else f"{words}\n".encode()
    return Exchange(f"POST {BASE}/tasks", 400, said, {"Content-Type": "text/plain; charset=utf-8"}, body)


def done(talk: Talk, serial: int) -> Answer:
    """The task's answer once it is completed."""
    return talk.until(f"GET {BASE}/tasks/{serial}", lambda answer: answer.json["status"] == "completed")


ACCEPTED = [
    posted(b'{"status":"new","result":21}', 21),
    posted(b'{"id":900,"status":"completed","result":-7}', -7),
    posted(b'{"result":5,"priority":[1,{"deep":true}],"name":null}', 5),
    posted(b'{"RESULT":6,"Status":"x"}', 6),
    posted(b'{"result":1,"result":8}', 8),
    posted(b' \r\n\t{"result" : 9 } \n', 9),
    posted(b'{"result":-0}', 0),
    posted(b'{"status":"new"}', 0),
    posted(b'{"result":3}', 3),
    posted(b'{"status":null,"result":null,"id":null}', 0),
    posted(b"{}", 0),
    posted(b'{"result":%d}' % HIGHEST, HIGHEST),
    posted(b'{"result":%d}' % -(2**63), -(2**63)),
    posted(b'{"result":4}', 4, **{"Content-Type": "text/plain"}),
    posted(b'{"result":4}', 4, **FORM),
]
WRONG_KIND = re.compile(rb"json: cannot unmarshal [^\n]+\n")
ANY_LINE = re.compile(rb"[^\n]+\n")
REFUSED = [
    refused(b"", "EOF"),
    refused(b" \n", "EOF"),
    refused(b'{"result":2', "unexpected EOF"),
    refused(b'{"status":"ne', "unexpected EOF"),
    refused(b"[1,", "unexpected EOF"),
    refused(b'{"result":-', "unexpected EOF"),
    refused(b'{"result":1e', "unexpected EOF"),
    refused(b'{"result":1x', ANY_LINE),
    refused(b"{oops}", ANY_LINE),
    refused(b"status=new&result=21", ANY_LINE),
    refused(b'{"result":1} {"result":2}', ANY_LINE),
    refused(b'{"result":1}x', ANY_LINE),
    refused(b'{"result":NaN}', ANY_LINE),
    refused(b'{"result":Infinity}', ANY_LINE),
    refused(b'{"result":007}', ANY_LINE),
    refused(b'{"result":' + b"9" * 5000 + b"}", ANY_LINE),
    refused(b"[" * 100_000, ANY_LINE),
    refused(b'{"result":1,"deep":' + b"[" * 5000 + b"]" * 5000 + b"}", ANY_LINE),
    refused(b"null", WRONG_KIND),
    refused(b"[]", WRONG_KIND),
    refused(b'"text"', WRONG_KIND),
    refused(b"5", WRONG_KIND),
    refused(b"true", WRONG_KIND),
    *(
        refused(b'{"result":%s}' % value, WRONG_KIND)
        for value in (b'"21"', b"true", b"1.5", b"2.0", b"1e2", b"1e400", b"[]", b"{}", b"9223372036854775808", b"-9223372036854775809")
    ),
    refused(b'{"status":5,"result":1}', "json: cannot unmarshal number 5 into field Task.status of type string"),
    refused(b'{"id":"1","result":1}', "json: cannot unmarshal string into field Task.id of type int"),
    refused(b'{"id":1.0,"result":1}', WRONG_KIND),
]
POST, GET = "POST", "GET, HEAD"
UNKNOWN = ["999999999", "0", "-1", "+0", "-0", str(HIGHEST), str(-(2**63)), "0" * 3000 + "999999999"]
MALFORMED = ["abc", "1.5", "1e3", "0x1", "%20", "1%20", "--1", "+", "1_000", "%D9%A1", "1%0A", str(2**63), str(-(2**63) - 1), "9" * 5000]
WITHOUT_A_TASK = [
    *(line(f"GET {BASE}/tasks/{task_id}", 404, "task not found") for task_id in UNKNOWN),
    *(line(f"GET {BASE}/tasks/{task_id}", 400, "Invalid task ID") for task_id in MALFORMED),
    *(line(f"{method} {BASE}/tasks", 405, "Method Not Allowed", allow=POST) for method in ("GET", "PUT", "PATCH", "DELETE", "OPTIONS")),
    *(line(f"{method} {BASE}/tasks/1", 405, "Method Not Allowed", allow=GET) for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS")),
    line(f"DELETE {BASE}/tasks/abc", 405, "Method Not Allowed", allow=GET),
    Exchange(f"HEAD {BASE}/tasks", 405, b"", {"Allow": POST}),
    *(
        line(f"GET {BASE}{path}", 404, "404 page not found")
        for path in ("/", "/tasks/", "/tasks/1/", "/tasks/1/result", "/other", "//tasks")
    ),
    line(f"POST {BASE}/tasks/", 404, "404 page not found", sent=b'{"result":1}'),
    line(f"DELETE {BASE}/no/such/path", 404, "404 page not found"),
]


@pytest.mark.parametrize("exchange", ACCEPTED + REFUSED + WITHOUT_A_TASK, ids=names(ACCEPTED + REFUSED + WITHOUT_A_TASK))
def test_a_conversation_as_recorded(spoken, exchange):
    exchange.held(spoken)


def test_the_first_task_is_number_1_and_a_worker_turns_21_into_42(tmp_path):
    with speaking(tmp_path) as talk:
        posted = talk.ask(f"POST {BASE}/tasks", b'{"status":"new","result":21}', FORM)
        assert (posted.status, posted.body) == (201, b'{"id":1,"status":"queued","result":21}\n')
        assert posted.header("Content-Type") == JSON
        assert done(talk, 1).body == b'{"id":1,"status":"completed","result":42}\n'
        assert talk.ask(f"POST {BASE}/tasks", b"{}").body == b'{"id":2,"status":"queued","result":0}\n'


def test_a_task_is_found_by_every_spelling_of_its_number(spoken):
    serial = spoken.ask(f"POST {BASE}/tasks", b'{"result":21}').json["id"]
    expected = done(spoken, serial).body
    for spelling in (
        f"+{serial}",
        f"000{serial}",
        f"+0{serial}",
        "0" * 5000 + str(serial),
        f"{serial}?a=b",
        f"%3{str(serial)[0]}{str(serial)[1:]}",
    ):
        answer = spoken.ask(f"GET {BASE}/tasks/{spelling}")
        assert (answer.status, answer.body, answer.header("Content-Type")) == (200, expected, JSON)


def test_head_is_answered_like_get_without_the_body(spoken):
    serial = spoken.ask(f"POST {BASE}/tasks", b'{"result":21}').json["id"]
    expected = done(spoken, serial)
    answer = spoken.ask(f"HEAD {BASE}/tasks/{serial}")
    assert (answer.status, answer.body, answer.header("Content-Type")) == (200, b"", JSON)
    assert answer.header("Content-Length") in (None, str(len(expected.body)))


@pytest.mark.parametrize("value", [2**62, HIGHEST, -(2**63), -1, 0])
def test_doubling_is_exact_where_64_bits_end(spoken, value):
    serial = spoken.ask(f"POST {BASE}/tasks", b'{"result":%d}' % value).json["id"]
    assert done(spoken, serial).body == b'{"id":%d,"status":"completed","result":%d}\n' % (serial, 2 * value)


def test_while_it_waits_a_task_is_queued_and_shows_its_input(spoken):
    with spoken.paused("double"):
        serial = spoken.ask(f"POST {BASE}/tasks", b'{"result":21}').json["id"]
        assert spoken.ask(f"GET {BASE}/tasks/{serial}").body == b'{"id":%d,"status":"queued","result":21}\n' % serial
    assert done(spoken, serial).json["result"] == 42


def test_a_burst_of_200_from_many_connections_is_answered_right_and_numbered_without_a_gap(spoken):
    def post(value: int) -> tuple[int, Answer]:
        return value, spoken.ask(f"POST {BASE}/tasks", b'{"status":"new","result":%d}' % value)

    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(post, range(1000, 1200)))
    serials = {answer.json["id"]: value for value, answer in answers}
    for value, answer in answers:
        assert answer.status == 201
        assert answer.body == b'{"id":%d,"status":"queued","result":%d}\n' % (answer.json["id"], value)
    assert sorted(serials) == list(range(min(serials), min(serials) + 200))
    assert all(done(spoken, serial).json["result"] == 2 * value for serial, value in serials.items())


def test_numbers_are_given_in_order_and_a_refused_request_uses_up_none(spoken):
    given = []
    for body in (b'{"result":1}', b"{oops}", b'{"result":2}', b'{"result":"x"}', b'{"result":3}'):
        answer = spoken.ask(f"POST {BASE}/tasks", body)
        given += [answer.json["id"]] if answer.status == 201 else []
    assert given == [given[0], given[0] + 1, given[0] + 2]


def test_a_deleted_task_is_unknown_and_its_number_is_not_given_again(spoken):
    serial = spoken.ask(f"POST {BASE}/tasks", b'{"result":1}').json["id"]
    done(spoken, serial)
    newest = spoken.ask("GET /api/v2/tasks?type=double&limit=1").json["items"][0]
    assert (newest["serial"], newest["via"]) == (serial, "task_queue")
    assert spoken.ask(f"DELETE /api/v2/tasks/{newest['id']}").status == 204
    line(f"GET {BASE}/tasks/{serial}", 404, "task not found").held(spoken)
    assert spoken.ask(f"POST {BASE}/tasks", b'{"result":1}').json["id"] == serial + 1


def test_a_doubling_that_came_another_way_has_no_number_here(spoken):
    before = spoken.ask(f"POST {BASE}/tasks", b"{}").json["id"]
    made = spoken.ask("POST /api/v2/tasks", b'{"type":"double","params":{"value":3}}', {"Content-Type": JSON}).json
    assert made["serial"] is None
    line(f"GET {BASE}/tasks/{before + 1}", 404, "task not found").held(spoken)
    assert spoken.ask(f"POST {BASE}/tasks", b"{}").json["id"] == before + 1


WORDS = {
    Status.SCHEDULED: "queued",
    Status.PENDING: "queued",
    Status.PROCESSING: "queued",
    Status.RETRYING: "queued",
    Status.CANCELLING: "queued",
    Status.COMPLETED: "completed",
    Status.FAILED: "failed",
    Status.CANCELLED: "cancelled",
    Status.INTERRUPTED: "failed",
}


@pytest.mark.parametrize("status", Status)
async def test_every_status_has_its_word(now, status):
    record = replace(IN_STATUS[status](), type="double", params=b'{"value":21}', series="task_queue", serial=7)
    now.store.add([replace(record, result=b'{"value":21,"doubled":42}') if status is Status.COMPLETED else record])
    answer = await task_queue.show(RequestFactory().get("/"), "7")
    expected = {"id": 7, "status": WORDS[status], "result": 42 if status is Status.COMPLETED else 21}
    assert json.loads(answer.content) == expected
