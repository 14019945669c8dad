"""`/tasks` at the root, where dialects 000 and 004 meet: each row of the resolution as a conversation, bytes exact."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.test import RequestFactory
from msgspec.structs import replace

from tasks_app.api.dialects import task_queue
from tasks_app.api.dialects._door import Refusal
from tasks_app.engine.task import WAITING, Status
from tasks_app.tests.asking import let_in
from tasks_app.tests.dialects.talk import JSON, TEXT, Answer, Exchange, Talk, line, names
from tasks_app.tests.engine.records import IN_STATUS

NOBODY = "0b6f2f3e-5f0e-4f6b-9d5f-6f1f4b8d9a10"
MADE = re.compile(rb'\{"task_id":"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"\}\n')
QUEUED = re.compile(rb'\{"id":[1-9][0-9]*,"status":"queued","result":21\}\n')
NEITHER = [
    "abc",
    "1.5",
    "+",
    "invalid-id",
    "%20",
    NOBODY[:-1],
    NOBODY.replace("-", ""),
    f"%7B{NOBODY}%7D",
    "PING",
    "Ping",
    str(2**63),
    "9" * 5000,
]
ONE = "GET, HEAD, DELETE"

RECORDED = [
    Exchange("POST /tasks/ping", 201, MADE, {"Content-Type": JSON}),
    Exchange("POST /tasks/ping", 201, MADE, {"Content-Type": JSON}, b'{"address":"localhost"}'),
    line("POST /tasks/ping", 400, "invalid request body", sent=b'{"address":""}'),
    *(line(f"{method} /tasks/ping", 405, "method not allowed", allow="POST") for method in ("GET", "PUT", "PATCH", "DELETE", "OPTIONS")),
    Exchange("HEAD /tasks/ping", 405, b"", {"Allow": "POST"}),
    Exchange("POST /tasks", 201, QUEUED, {"Content-Type": JSON}, b'{"status":"new","result":21}'),
    line("POST /tasks", 400, "EOF"),
    line("POST /tasks", 400, "EOF", sent=b""),
    *(line(f"{method} /tasks", 405, "Method Not Allowed", allow="POST") for method in ("GET", "PUT", "PATCH", "DELETE", "OPTIONS")),
    Exchange("HEAD /tasks", 405, b"", {"Allow": "POST"}),
    *(line(f"{method} /tasks/{task_id}", 404, "Task not found") for method in ("GET", "DELETE") for task_id in (NOBODY, NOBODY.upper())),
    *(line(f"GET /tasks/{task_id}", 404, "task not found") for task_id in ("999999999", "0", "-1", "+0999999999")),
    *(line(f"DELETE /tasks/{task_id}", 404, "[API] Task not found") for task_id in ("999999999", "0", "-1")),
    *(line(f"GET /tasks/{task_id}", 400, "Invalid task ID") for task_id in NEITHER),
    *(line(f"DELETE /tasks/{task_id}", 400, "[API] Invalid task ID") for task_id in NEITHER),
    *(
        line(f"{method} /tasks/{task_id}", 405, "Method Not Allowed", allow=ONE)
        for method in ("POST", "PUT", "PATCH", "OPTIONS")
        for task_id in (NOBODY, "1", "abc")
    ),
    *(line(f"GET /tasks/{rest}", 404, "404 page not found") for rest in ("", "1/", "1/result", "abc/", "ping/", "/1", "%2F1")),
    *(line(f"{method} /tasks/{NOBODY}/", 404, "Task not found") for method in ("GET", "DELETE")),
    *(line(f"GET /tasks/{NOBODY}/{rest}", 404, "Task not found") for rest in ("/", "result", "a/b")),
]


@pytest.mark.parametrize("exchange", RECORDED, ids=names(RECORDED))
def test_a_conversation_as_recorded(spoken, exchange):
    exchange.held(spoken)


def test_a_ping_has_a_uuid_and_its_own_shape(spoken):
    task_id = spoken.ask("POST /tasks/ping").json["task_id"]
    answer = spoken.until(f"GET /tasks/{task_id}", lambda answer: answer.json["status"] == "completed")
    assert list(answer.json) == [
        "completed_at",
        "created_at",
        "current_num",
        "duration_seconds",
        "status",
        "task_id",
        "total_duration_seconds",
    ]
    assert answer.body == spoken.ask(f"GET /compat/iotask/tasks/{task_id}").body
    head = spoken.ask(f"HEAD /tasks/{task_id}")
    assert (head.status, head.body, head.header("Content-Type")) == (200, b"", JSON)
    Exchange(f"DELETE /tasks/{task_id}", 204, b"", {"Content-Type": None}).held(spoken)
    for method in ("DELETE", "GET"):
        line(f"{method} /tasks/{task_id}", 404, "Task not found").held(spoken)


def test_a_doubling_has_an_integer_and_its_own_shape(spoken):
    serial = doubling(spoken)
    answer = spoken.until(f"GET /tasks/{serial}", lambda answer: answer.json["status"] == "completed")
    assert answer.body == b'{"id":%d,"status":"completed","result":42}\n' % serial
    assert answer.body == spoken.ask(f"GET /compat/taskqueue/tasks/{serial}").body
    head = spoken.ask(f"HEAD /tasks/{serial}")
    assert (head.status, head.body, head.header("Content-Type")) == (200, b"", JSON)


def doubling(talk: Talk) -> int:
    """The number of a new doubling of 21."""
    return int(talk.ask("POST /tasks", b'{"result":21}').json["id"])


def test_a_burst_of_200_from_many_connections_is_answered_right_and_numbered_without_a_gap(spoken):
    def post(value: int) -> tuple[int, Answer]:
        return value, spoken.ask("POST /tasks", b'{"status":"new","result":%d}' % value)

    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(post, range(200)))
    serials = [answer.json["id"] for _, answer in answers]
    assert sorted(serials) == list(range(min(serials), min(serials) + 200))
    for value, answer in answers:
        assert (answer.status, answer.body) == (201, b'{"id":%d,"status":"queued","result":%d}\n' % (answer.json["id"], value))


def test_a_doubling_that_waits_can_be_cancelled_once(spoken):
    with spoken.paused("double"):
        serial = doubling(spoken)
        Exchange(f"DELETE /tasks/{serial}", 204, b"", {"Content-Type": None}).held(spoken)
        assert spoken.ask(f"GET /tasks/{serial}").body == b'{"id":%d,"status":"cancelled","result":21}\n' % serial
    line(f"DELETE /tasks/{serial}", 409, "[API] Task cannot be cancelled from status: cancelled").held(spoken)
    assert spoken.ask(f"GET /tasks/{serial}").json["status"] == "cancelled"


def test_a_doubling_that_is_done_cannot_be_cancelled(spoken):
    serial = doubling(spoken)
    spoken.until(f"GET /tasks/{serial}", lambda answer: answer.json["status"] == "completed")
    line(f"DELETE /tasks/{serial}", 409, "[API] Task cannot be cancelled from status: completed").held(spoken)
    assert spoken.ask(f"GET /tasks/{serial}").json["result"] == 42


def test_a_task_that_came_another_way_is_unknown(spoken):
    made = spoken.ask("POST /api/v2/tasks", b'{"type":"ping","params":{"address":"127.0.0.1","count":1}}', {"Content-Type": JSON})
    for method in ("GET", "DELETE"):
        line(f"{method} /tasks/{made.json['id']}", 404, "Task not found").held(spoken)


@pytest.mark.parametrize("prefix", ["", "/compat/taskqueue", "/compat/iotask"])
def test_a_body_that_is_too_large_is_refused_in_a_line(spoken, prefix):
    line(f"POST {prefix}/tasks", 413, "At most 1,048,576 bytes are accepted here.", sent=b" " * 1_048_577).held(spoken)


@pytest.mark.parametrize("path", ["/tasks", "/tasks/ping", "/compat/iotask/tasks/ping", "/compat/taskqueue/tasks"])
def test_a_foreign_name_and_a_foreign_page_are_refused_in_a_line(spoken, path):
    for headers, status in (({"Host": "evil.example"}, 400), ({"Origin": "http://evil.example"}, 403)):
        answer = spoken.ask(f"POST {path}", b'{"result":1}', headers)
        assert (answer.status, answer.header("Content-Type")) == (status, TEXT)
        assert re.fullmatch(rb"[^\n<{]+\n", answer.body)


@pytest.mark.parametrize(
    ("type_name", "request_"),
    [
        ("double", "POST /tasks"),
        ("double", "POST /compat/taskqueue/tasks"),
        ("ping", "POST /tasks/ping"),
        ("ping", "POST /compat/iotask/tasks"),
    ],
)
def test_a_full_server_says_so_in_a_line_and_when_to_come_back(narrow, type_name, request_):
    with narrow.paused(type_name):
        first = narrow.ask(request_, b"{}")
        assert first.status == 201
        full = line(request_, 503, "1 tasks are waiting; at most 1 may.", sent=b"{}").held(narrow)
        assert int(full.header("Retry-After") or 0) > 0
        assert narrow.ask(f"DELETE /tasks/{named(first)}").status == 204
        again = narrow.ask(request_, b"{}")
        assert again.status == 201
        assert narrow.ask(f"DELETE /tasks/{named(again)}").status == 204


def named(answer: Answer) -> str:
    """The id in the answer to a POST of either dialect."""
    return str(answer.json.get("task_id") or answer.json["id"])


WORDS = {
    Status.PROCESSING: "processing",
    Status.CANCELLING: "processing",
    Status.COMPLETED: "completed",
    Status.FAILED: "failed",
    Status.INTERRUPTED: "failed",
    Status.CANCELLED: "cancelled",
}


@pytest.mark.parametrize("status", Status)
async def test_only_what_waits_can_be_cancelled_and_the_refusal_says_the_status(now, status):
    now.store.add([replace(IN_STATUS[status](), params=b'{"value":21}', series="task_queue", serial=7)])
    answer = await task_queue.cancel(let_in(RequestFactory().delete("/")), "7")
    if status in WAITING:
        assert (answer.status_code, answer.content) == (204, b"")
        assert now.store.get("id-1").status is Status.CANCELLED
    else:
        said = f"[API] Task cannot be cancelled from status: {WORDS[status]}\n"
        assert (answer.status_code, answer.content.decode()) == (409, said)
        assert now.store.get("id-1").status is status


async def test_a_task_that_was_deleted_meanwhile_is_unknown(now):
    now.store.add([replace(IN_STATUS[Status.PENDING](), series="task_queue", serial=7)])
    now.store.delete(1)
    with pytest.raises(Refusal) as refused:
        await task_queue.cancel(let_in(RequestFactory().delete("/")), "7")
    assert refused.value.response.content == b"[API] Task not found\n"


@pytest.mark.parametrize("path", ["//api/v1/tasks", "//job/all", "/nowhere", "/./job/all"])
def test_a_program_that_goes_astray_is_told_in_a_line_and_a_browser_on_a_page(spoken: Talk, path: str) -> None:
    line(f"GET {path}", 404, "404 page not found").held(spoken)
    shown = spoken.ask(f"GET {path}", headers={"Accept": "text/html,application/xhtml+xml"})
    assert (shown.status, shown.header("Content-Type")) == (404, "text/html; charset=utf-8")


@pytest.mark.parametrize("path", ["/compat/iotask", "/compat/taskqueue", "/compat/iotask/", "/compat/taskqueue/nowhere"])
def test_beside_a_dialect_alone_there_is_nothing(spoken: Talk, path: str) -> None:
    line(f"GET {path}", 404, "404 page not found").held(spoken)


@pytest.mark.parametrize("head", [b"GET /job/all HTTP/1.0\r\n\r\n", b"GET /job/all HTTP/1.0\r\nHost: a.example\r\n\r\n"])
def test_what_is_refused_before_any_view_has_a_length_that_old_clients_understand(spoken: Talk, head: bytes) -> None:
    answer = spoken.send(head)
    assert (answer.status, answer.header("Transfer-Encoding")) == (400, None)
    assert answer.header("Content-Length") == str(len(answer.body))
