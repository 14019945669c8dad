"""Dialect 000, IoTask, alone under `/compat/iotask`: recorded conversations, bytes exact."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import RequestFactory
from msgspec.structs import replace

from tasks_app.api.dialects import iotask
from tasks_app.engine.task import Status, progressed
from tasks_app.tests.dialects.talk import JSON, Answer, Exchange, Talk, line, names, speaking
from tasks_app.tests.engine.records import IN_STATUS

BASE = "/compat/iotask"
UUID = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
MADE = re.compile(rf'\{{"task_id":"{UUID}"\}}\n'.encode())
MOMENT = r'"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"'
SECONDS = r"[0-9]+(?:\.[0-9]*[1-9])?"
NOBODY = "0b6f2f3e-5f0e-4f6b-9d5f-6f1f4b8d9a10"


def launched(path: str, sent: bytes | None = None, **headers: str) -> Exchange:
    """A ping that is accepted."""
    return Exchange(f"POST {BASE}{path}", 201, MADE, {"Content-Type": JSON, "Allow": None}, sent, headers)


def refused(sent: bytes) -> Exchange:
    """A body that names no host."""
    return line(f"POST {BASE}/tasks/ping", 400, "invalid request body", sent=sent)


def ping(talk: Talk, sent: bytes | None = None) -> str:
    """The id of a new ping."""
    return str(launched("/tasks/ping", sent).held(talk).json["task_id"])


def ended(talk: Talk, task_id: str) -> Answer:
    """The task's answer once it is completed."""
    return talk.until(f"GET {BASE}/tasks/{task_id}", lambda answer: answer.json["status"] == "completed")


def natively(talk: Talk, task_id: str) -> Any:
    """The task as the native API tells it."""
    return talk.ask(f"GET /api/v2/tasks/{task_id}").json


ACCEPTED = [
    launched("/tasks/ping"),
    launched("/tasks/ping", b""),
    launched("/tasks/ping", b"{}"),
    launched("/tasks/ping", b'{"address":"127.0.0.1"}'),
    launched("/tasks/ping", b'{"ADDRESS":"127.0.0.1","Port":99,"other":[null]}'),
    launched("/tasks/ping", b'{"address":5,"address":"::1"}'),
    launched("/tasks/ping", b' {"address":"localhost"}\n', **{"Content-Type": "text/plain"}),
    launched("/tasks/ping?address=a.example", b'{"address":"localhost"}', **{"Content-Type": "application/x-www-form-urlencoded"}),
    launched("/tasks"),
    launched("/tasks", b""),
    launched("/tasks", b"{oops"),
    launched("/tasks", b"\xff\xfe", **{"Content-Type": "image/png"}),
    launched("/tasks?x=1", b'{"address":"not a host at all"}'),
]
REFUSED = [
    *map(refused, [b"{oops}", b'{"address":"exa', b'"localhost"', b"5", b"[]", b"null", b"true", b"address=localhost", b"{} {}", b"\xff"]),
    *(
        refused(b'{"address":%s}' % value)
        for value in (
            b'""',
            b"5",
            b"null",
            b"[]",
            b"{}",
            b"true",
            b'" "',
            b'"host:80"',
            b'"http://a.example"',
            b'"127.1"',
            b'"a b"',
            b'"a\\u0000"',
        )
    ),
    refused(b'{"address":"%s"}' % (b"a" * 300)),
    refused(b"[" * 100_000),
]
STRANGE = [
    NOBODY,
    NOBODY.upper(),
    "invalid-id",
    "1",
    "",
    "/",
    f"{NOBODY}/",
    "ping/",
    "%20",
    "%0A",
    "..%2Fx",
    f"{NOBODY}?a=b",
    "%F0%9F%92%A9",
    "%FF",
]
ONE, OTHERS = "GET, HEAD, DELETE", ("POST", "PUT", "PATCH", "OPTIONS")
WITHOUT_A_TASK = [
    *(line(f"{method} {BASE}/tasks/{task_id}", 404, "Task not found") for task_id in STRANGE for method in ("GET", "DELETE")),
    *(line(f"{method} {BASE}/tasks", 405, "Method Not Allowed", allow="POST") for method in ("GET", "PUT", "PATCH", "DELETE", "OPTIONS")),
    *(line(f"{method} {BASE}/tasks/ping", 405, "method not allowed", allow="POST") for method in ("GET", "PUT", "DELETE", "OPTIONS")),
    *(line(f"{method} {BASE}/tasks/{NOBODY}", 405, "Method Not Allowed", allow=ONE) for method in OTHERS),
    *(line(f"{method} {BASE}/tasks/", 405, "Method Not Allowed", allow=ONE) for method in OTHERS),
    *(Exchange(f"HEAD {BASE}{path}", 405, b"", {"Allow": "POST"}) for path in ("/tasks", "/tasks/ping")),
    Exchange(f"HEAD {BASE}/tasks/{NOBODY}", 404, b""),
    *(
        line(f"{method} {BASE}{path}", 404, "404 page not found")
        for path in ("/", "/other", "/tasksx", "//tasks")
        for method in ("GET", "POST")
    ),
]


@pytest.mark.parametrize("exchange", ACCEPTED + REFUSED + WITHOUT_A_TASK, ids=names(ACCEPTED + REFUSED + WITHOUT_A_TASK))
def test_a_conversation_as_recorded(spoken, exchange):
    exchange.held(spoken)


def test_a_waiting_ping_is_created_and_has_these_keys_in_this_order(spoken):
    with spoken.paused("ping"):
        task_id = ping(spoken)
        answer = Exchange(
            f"GET {BASE}/tasks/{task_id}?any=query",
            200,
            re.compile(
                rf'\{{"created_at":{MOMENT},"current_num":0,"duration_seconds":{SECONDS},"status":"created","task_id":"{task_id}"\}}\n'.encode()
            ),
            {"Content-Type": JSON},
        ).held(spoken)
        made = datetime.fromisoformat(answer.json["created_at"])
        assert abs((datetime.now(UTC) - made).total_seconds()) < 60
        later = spoken.until(f"GET {BASE}/tasks/{task_id}", lambda more: more.json["duration_seconds"] > answer.json["duration_seconds"])
        assert later.json["status"] == "created"
    ended(spoken, task_id)


def test_a_completed_ping_has_these_keys_and_its_duration_stands_still(spoken):
    task_id = ping(spoken)
    answer = ended(spoken, task_id)
    recorded = (
        rf'\{{"completed_at":{MOMENT},"created_at":{MOMENT},"current_num":3,"duration_seconds":({SECONDS}),"status":"completed",'
        rf'"task_id":"{task_id}","total_duration_seconds":\1\}}\n'
    )
    assert re.fullmatch(recorded.encode(), answer.body), answer.body
    assert answer.header("Content-Type") == JSON
    assert answer.json["total_duration_seconds"] > 0.09  # three probes, 0.05 s apart; a timer may be a moment early
    assert spoken.ask(f"GET {BASE}/tasks/{task_id}").body == answer.body
    head = spoken.ask(f"HEAD {BASE}/tasks/{task_id}")
    assert (head.status, head.body, head.header("Content-Type")) == (200, b"", JSON)


def test_current_num_counts_finished_probes_up_to_the_last(spoken):
    task_id = ping(spoken)
    seen: list[int] = []

    def watched(answer: Answer) -> bool:
        seen.append(answer.json["current_num"])
        return bool(answer.json["status"] == "completed")

    spoken.until(f"GET {BASE}/tasks/{task_id}", watched)
    assert seen == sorted(seen)
    assert seen[-1] == 3


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of 127.0.0.1 that refuses: bound, so that nobody else can have it, and nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def test_a_ping_of_a_closed_port_completes_and_one_of_an_open_port_is_answered(tmp_path, closed_port):
    with socket.socket() as open_, speaking_to(tmp_path, closed_port) as talk:
        open_.bind(("127.0.0.2", closed_port))
        open_.listen()
        lost, answered = ping(talk), ping(talk, b'{"address":"127.0.0.2"}')
        for task_id, address, received in ((lost, "127.0.0.1", 0), (answered, "127.0.0.2", 3)):
            assert ended(talk, task_id).json["current_num"] == 3
            task = natively(talk, task_id)
            assert (task["type"], task["via"], task["params"]["address"], task["params"]["port"]) == (
                "ping",
                "iotask",
                address,
                closed_port,
            )
            assert (task["status"], task["result"]["sent"], task["result"]["received"]) == ("completed", 3, received)


def speaking_to(folder, port: int):
    """A server whose pings go to this port."""
    return speaking(folder, IOTASK_PING_PORT=str(port))


def test_a_name_that_does_not_exist_is_pinged_to_the_end(spoken):
    task_id = ping(spoken, b'{"address":"no-such-host.invalid"}')
    assert ended(spoken, task_id).json["current_num"] == 3


def test_deleting_forgets_a_task_in_any_state_and_only_once(spoken):
    with spoken.paused("ping"):
        waiting = ping(spoken)
        gone(spoken, waiting)
    completed = ping(spoken)
    ended(spoken, completed)
    gone(spoken, completed)


def test_deleting_a_running_ping_ends_its_work(narrow):
    task_id = ping(narrow)
    narrow.until(f"GET {BASE}/tasks/{task_id}", lambda answer: answer.json["status"] == "in_progress")
    running = re.compile(
        rf'\{{"created_at":{MOMENT},"current_num":[0-9]+,"duration_seconds":{SECONDS},"status":"in_progress","task_id":"{task_id}"\}}\n'.encode()
    )
    Exchange(f"GET {BASE}/tasks/{task_id}", 200, running, {"Content-Type": JSON}).held(narrow)
    narrow.until(f"GET {BASE}/tasks/{task_id}", lambda answer: answer.json["current_num"] >= 3)
    gone(narrow, task_id)
    narrow.until("GET /api/v2/queues/ping", lambda answer: answer.json["running"] == 0)


def gone(talk: Talk, task_id: str) -> None:
    """Delete a task, twice."""
    Exchange(f"DELETE {BASE}/tasks/{task_id}", 204, b"", {"Content-Type": None, "Content-Length": None}).held(talk)
    for method in ("DELETE", "GET"):
        line(f"{method} {BASE}/tasks/{task_id}", 404, "Task not found").held(talk)


def test_a_ping_cancelled_elsewhere_has_failed_and_is_never_completed(narrow):
    task_id = ping(narrow)
    narrow.until(f"GET {BASE}/tasks/{task_id}", lambda answer: answer.json["status"] == "in_progress")
    assert narrow.ask(f"POST /api/v2/tasks/{task_id}/cancel").status == 202
    answer = narrow.until(f"GET {BASE}/tasks/{task_id}", lambda answer: answer.json["status"] == "failed")
    assert list(answer.json) == ["created_at", "current_num", "duration_seconds", "status", "task_id"]
    assert narrow.ask(f"GET {BASE}/tasks/{task_id}").body == answer.body
    gone(narrow, task_id)


def test_other_spellings_of_an_id_and_tasks_that_came_another_way_are_unknown(spoken):
    task_id = ping(spoken)
    for spelling in (task_id.upper(), task_id.replace("-", ""), f"{task_id}/", f"%7B{task_id}%7D"):
        line(f"GET {BASE}/tasks/{spelling}", 404, "Task not found").held(spoken)
    other = spoken.ask("POST /api/v2/tasks", b'{"type":"count","params":{"to":1,"interval":0}}', {"Content-Type": JSON}).json["id"]
    for method in ("GET", "DELETE"):
        line(f"{method} {BASE}/tasks/{other}", 404, "Task not found").held(spoken)
    assert natively(spoken, other)["id"] == other


WORDS = {
    Status.SCHEDULED: "created",
    Status.PENDING: "created",
    Status.PROCESSING: "in_progress",
    Status.RETRYING: "in_progress",
    Status.CANCELLING: "in_progress",
    Status.COMPLETED: "completed",
    Status.FAILED: "failed",
    Status.CANCELLED: "failed",
    Status.INTERRUPTED: "failed",
}


@pytest.mark.parametrize("status", Status)
async def test_every_status_has_its_word(now, status):
    now.store.add([replace(IN_STATUS[status](), via="iotask")])
    answer = await iotask.show(RequestFactory().get("/"), "id-1")
    shown = json.loads(answer.content)
    assert shown["status"] == WORDS[status]
    assert ("completed_at" in shown) == ("total_duration_seconds" in shown) == (status is Status.COMPLETED)


async def test_whole_seconds_are_written_without_a_fraction(now):
    task = progressed(IN_STATUS[Status.COMPLETED](), current=200.0, total=200.0, message="", monotonic=15.0)
    now.store.add([replace(task, via="iotask", created_at=50.0, ended_at=250.0)])
    answer = await iotask.show(RequestFactory().get("/"), "id-1")
    assert answer.content.decode() == (
        '{"completed_at":"1970-01-01T00:04:10Z","created_at":"1970-01-01T00:00:50Z","current_num":200,"duration_seconds":200,'
        '"status":"completed","task_id":"id-1","total_duration_seconds":200}\n'
    )


async def test_a_clock_that_was_set_back_makes_no_duration_negative(now):
    now.store.add([replace(IN_STATUS[Status.COMPLETED](), via="iotask", created_at=100.0, ended_at=40.0)])
    shown = json.loads((await iotask.show(RequestFactory().get("/"), "id-1")).content)
    assert (shown["duration_seconds"], shown["total_duration_seconds"]) == (0, 0)
    assert shown["completed_at"] == shown["created_at"]
