"""Dialect 003, Long Tasks Service: tasks on their way, what they bring, and how they fail."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from tasks_app.tests.dialects.talk import JSON, Answer, Exchange, Talk, line
from tasks_app.tests.processes import PATIENCE

BASE = "/api/v1/tasks"
TYPED = {"Content-Type": JSON}
MOMENT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{0,5}[1-9])?Z"
MESSAGE = "Long computation completed successfully"
NOT_YET = "Task is not completed yet"


def created(talk: Talk, sent: bytes) -> str:
    """The id of a new task."""
    answer = talk.ask(f"POST {BASE}", sent)
    assert answer.status == 202, answer.body
    return str(answer.json["id"])


def computing(talk: Talk, duration: str) -> str:
    """The id of a new computation; the duration as JSON."""
    return created(talk, b'{"type":"long_computation","params":{"duration":%b}}' % duration.encode())


def told(task_id: str, status: str, error: str = "") -> Exchange:
    """What the status route says of a task."""
    more = f',"error":{json.dumps(error)}' if error else ""
    return Exchange(f"GET {BASE}/{task_id}", 200, f'{{"id":"{task_id}","status":"{status}"{more}}}\n'.encode(), TYPED)


def ended(talk: Talk, task_id: str) -> Answer:
    """What the status route says once the task has ended."""
    return talk.until(f"GET {BASE}/{task_id}", lambda answer: answer.json["status"] in ("completed", "failed"))


def result(task_id: str, found: str) -> Exchange:
    """The result of a completed task; `found` is its JSON, empty where there is nothing in it."""
    middle = f'"result":{re.escape(found)},' if found else ""
    moments = ",".join(f'"{name}":"{MOMENT}"' for name in ("created_at", "started_at", "ended_at"))
    body = rf'\{{"task_id":"{task_id}","status":"completed",{middle}{moments}\}}\n'
    return Exchange(f"GET {BASE}/{task_id}/result", 200, re.compile(body.encode()), TYPED)


def natively(talk: Talk, task_id: str) -> Any:
    """The task as the native API tells it."""
    return talk.ask(f"GET /api/v2/tasks/{task_id}").json


def test_a_task_that_waits_is_pending_and_has_no_result(spoken):
    with spoken.paused("long_computation"):
        task_id = computing(spoken, "0")
        told(task_id, "pending").held(spoken)
        line(f"GET {BASE}/{task_id}/result", 412, NOT_YET).held(spoken)
    assert ended(spoken, task_id).body == f'{{"id":"{task_id}","status":"completed"}}\n'.encode()
    answer = result(task_id, f'{{"duration":0,"message":"{MESSAGE}"}}').held(spoken)
    times = [datetime.fromisoformat(answer.json[name]) for name in ("created_at", "started_at", "ended_at")]
    assert times == sorted(times)
    assert abs((datetime.now(UTC) - times[2]).total_seconds()) < 60
    task = natively(spoken, task_id)
    assert (task["via"], task["type"], task["params"]) == ("long_tasks", "long_computation", {"duration": 0, "given": 0})


def test_a_task_at_work_is_processing_and_a_cancelled_one_has_failed(spoken):
    task_id = computing(spoken, "600")
    answer = spoken.until(f"GET {BASE}/{task_id}", lambda answer: answer.json["status"] != "pending")
    assert answer.body == f'{{"id":"{task_id}","status":"processing"}}\n'.encode()
    line(f"GET {BASE}/{task_id}/result", 412, NOT_YET).held(spoken)
    assert spoken.ask(f"POST /api/v2/tasks/{task_id}/cancel").status == 202
    ended(spoken, task_id)
    told(task_id, "failed", "canceled").held(spoken)
    line(f"GET {BASE}/{task_id}/result", 412, NOT_YET).held(spoken)
    assert spoken.ask(f"DELETE /api/v2/tasks/{task_id}").status == 204
    line(f"GET {BASE}/{task_id}", 404, "Task not found").held(spoken)


AT_ONCE = {  # the duration as it is sent: as it comes back
    "0": "0",
    "-0": "0",
    "0.0": "0",
    "0.5": "0.5",
    "0.999999": "0.999999",
    "-5": "-5",
    "-0.5": "-0.5",
    "-1e300": "-1e+300",
    "1e30": "1e+30",
    "1e21": "1e+21",
    "1e20": "100000000000000000000",
    "9223372037": "9223372037",
    "9223372036854775808": "9223372036854776000",  # the shortest digits that mean the same float
    "123456789012345678901234567890": "1.2345678901234568e+29",
    "1.7976931348623157e308": "1.7976931348623157e+308",
}


@pytest.mark.parametrize("sent", AT_ONCE)
def test_a_duration_below_a_second_or_past_what_can_be_counted_ends_at_once(spoken, sent):
    task_id = computing(spoken, sent)
    assert ended(spoken, task_id).json["status"] == "completed"
    result(task_id, f'{{"duration":{AT_ONCE[sent]},"message":"{MESSAGE}"}}').held(spoken)
    task = natively(spoken, task_id)
    assert task["params"]["duration"] == 0


@pytest.mark.parametrize(("sent", "back"), [("1.9", "1.9"), ("1", "1"), ("1.0", "1"), ("1e0", "1")])
def test_a_duration_is_cut_to_whole_seconds_and_told_as_given(spoken, sent, back):
    task_id = computing(spoken, sent)
    ended(spoken, task_id)
    result(task_id, f'{{"duration":{back},"message":"{MESSAGE}"}}').held(spoken)
    assert natively(spoken, task_id)["params"]["duration"] == 1
    assert natively(spoken, task_id)["duration_seconds"] > 0.99  # a timer may be a moment early


DURATIONS = {  # the params: the seconds that are worked, and what is kept of what was given
    "{}": (180, None),
    '{"duration":null}': (180, None),
    '{"duration":"5"}': (180, None),
    '{"duration":true}': (180, None),
    '{"duration":false}': (180, None),
    '{"duration":[5]}': (180, None),
    '{"duration":{}}': (180, None),
    '{"DURATION":5}': (180, None),
    '{"duration":120}': (120, 120),
    '{"duration":120.9}': (120, 120.9),
    '{"duration":1,"duration":7}': (7, 7),
    '{"duration":86401}': (86_401, 86_401),
    '{"duration":9223372036}': (9_223_372_036, 9_223_372_036),
    '{"duration":9223372036.9}': (9_223_372_036, 9_223_372_036.9),
}


@pytest.mark.parametrize("params", DURATIONS)
def test_what_is_no_number_means_three_minutes_and_a_number_so_many_seconds(spoken, params):
    with spoken.paused("long_computation"):
        task_id = created(spoken, b'{"type":"long_computation","params":%b}' % params.encode())
        seconds, given = DURATIONS[params]
        assert natively(spoken, task_id)["params"] == {"duration": seconds} | ({} if given is None else {"given": given})
        assert spoken.ask(f"DELETE /api/v2/tasks/{task_id}").status == 204


@pytest.mark.parametrize("params", [b"", b',"params":null', b',"params":{"duration":0}'])
def test_params_may_be_left_out(spoken, params):
    with spoken.paused("long_computation"):
        task_id = created(spoken, b'{"type":"long_computation"%b}' % params)
        assert natively(spoken, task_id)["params"]["duration"] == (0 if b"0" in params else 180)
        assert spoken.ask(f"DELETE /api/v2/tasks/{task_id}").status == 204


FAILING = {
    b'{"type":"nope"}': "Unknown task type",
    b'{"type":"nope","params":null}': "Unknown task type",
    b'{"type":" long_computation"}': "Unknown task type",
    b'{"type":"LONG_COMPUTATION"}': "Unknown task type",
    b'{"type":"unknown","params":{"asked":"x","reason":"y"}}': "Unknown task type",
    b'{"type":"bulk_action","params":{"action":"delete","filter":{}}}': "Unknown task type",
    b'{"type":"\\ud800\\u0000<b>"}': "Unknown task type",
    b'{"type":"%b"}' % (b"n" * 100_000): "Unknown task type",
    b'{"type":"count","params":{"to":0}}': "params.to: Input should be greater than or equal to 1",
    b'{"type":"ping"}': "params.address: Field required",
}


@pytest.mark.parametrize("sent", FAILING, ids=lambda sent: sent[:60].decode())
def test_what_cannot_be_run_fails_and_says_why(spoken, sent):
    task_id = created(spoken, sent)
    ended(spoken, task_id)
    told(task_id, "failed", FAILING[sent]).held(spoken)
    line(f"GET {BASE}/{task_id}/result", 412, NOT_YET).held(spoken)
    task = natively(spoken, task_id)
    assert (task["type"], task["via"], task["error"]["type"], len(task["attempts"])) == ("unknown", "long_tasks", "CannotRun", 1)
    assert task["params"]["asked"] == json.loads(sent)["type"][:200].replace("\ud800", "\ufffd")


def test_a_reason_that_would_fill_a_book_is_cut(spoken):
    task_id = created(spoken, json.dumps({"type": "count", "params": {f"wrong_{n}": n for n in range(500)}}).encode())
    assert len(ended(spoken, task_id).json["error"]) == 2_000


def test_any_type_can_be_run_and_its_result_has_its_keys_in_order(spoken):
    task_id = created(spoken, b'{"type":"count","params":{"to":3,"interval":0.0}}')
    ended(spoken, task_id)
    result(task_id, '{"counted":3,"interval":0}').held(spoken)


def test_a_failure_of_the_work_is_told_in_its_own_words(spoken):
    task_id = created(spoken, b'{"type":"ping","params":{"address":"127.0.0.1","port":1,"count":1}}')
    ended(spoken, task_id)
    task = natively(spoken, task_id)
    assert task["error"]["type"] == "Unreachable"
    told(task_id, "failed", task["error"]["message"]).held(spoken)


def test_tasks_that_came_another_way_are_unknown(spoken):
    other = spoken.ask("POST /api/v2/tasks", b'{"type":"long_computation","params":{"duration":0}}', TYPED).json["id"]
    report = spoken.ask("POST /create-task", b'{"name":"x"}', TYPED).json["id"]
    mine = computing(spoken, "0")
    for path in ("", "/result"):
        line(f"GET {BASE}/{other}{path}", 404, "Task not found").held(spoken)
        line(f"GET {BASE}/{report}{path}", 404, "Task not found").held(spoken)
        for spelling in (mine.upper(), mine.replace("-", ""), f"{{{mine}}}", f"urn:uuid:{mine}"):
            line(f"GET {BASE}/{spelling}{path}", 404, "Task not found").held(spoken)
    assert spoken.ask(f"GET /poll-task/{mine}").status == 404


def test_a_burst_is_accepted_and_every_id_can_be_read_at_once(spoken):
    def launched(_: int) -> str:
        answer = spoken.ask(f"POST {BASE}", b'{"type":"long_computation","params":{"duration":0}}')
        assert answer.status == 202
        assert answer.body == f'{{"id":"{answer.json["id"]}","status":"pending"}}\n'.encode()
        read = spoken.ask(f"GET {BASE}/{answer.json['id']}")
        assert read.status == 200
        assert read.json["status"] in ("pending", "processing", "completed")
        return str(answer.json["id"])

    with ThreadPoolExecutor(20) as clients:
        ids = list(clients.map(launched, range(200)))
    assert len(set(ids)) == 200
    for task_id in ids:
        assert ended(spoken, task_id).json == {"id": task_id, "status": "completed"}


def test_the_eleventh_waits_for_a_slot_and_can_be_read(spoken):
    ids = [computing(spoken, "600") for _ in range(11)]
    try:
        for task_id in ids[:10]:
            spoken.until(f"GET {BASE}/{task_id}", lambda answer: answer.json["status"] == "processing")
        told(ids[10], "pending").held(spoken)
        line(f"GET {BASE}/{ids[10]}/result", 412, NOT_YET).held(spoken)
    finally:
        for task_id in ids:
            assert spoken.ask(f"DELETE /api/v2/tasks/{task_id}").status == 204


LINES = r"""
curl -X POST http://localhost:8080/api/v1/tasks \
  -H "Content-Type: application/json" \
  -d '{"type": "long_computation", "params": {"duration": 120}}'
curl -X GET http://localhost:8080/api/v1/tasks/f47ac10b-58cc-4372-a567-0e02b2c3d479
curl -X GET http://localhost:8080/api/v1/tasks/f47ac10b-58cc-4372-a567-0e02b2c3d479/result
"""


def test_the_lines_of_its_readme_work_as_they_stand(spoken):
    make, look, fetch = LINES.replace("\\\n", " ").strip().splitlines()
    made = json.loads(curl(spoken, make))
    task_id = made["id"]
    assert made == {"id": task_id, "status": "pending"}
    spoken.until(f"GET {BASE}/{task_id}", lambda answer: answer.json["status"] == "processing")
    here = str(task_id)
    assert json.loads(curl(spoken, look, here)) == {"id": task_id, "status": "processing"}
    assert curl(spoken, fetch, here) == f"{NOT_YET}\n"
    assert natively(spoken, here)["params"]["duration"] == 120
    assert spoken.ask(f"DELETE /api/v2/tasks/{task_id}").status == 204
    assert curl(spoken, look) == "Task not found\n"


def curl(talk: Talk, command: str, task_id: str = "f47ac10b-58cc-4372-a567-0e02b2c3d479") -> str:
    """Run a line; only the port and the id are those of today."""
    words = shlex.split(command.replace(":8080/", f":{talk.port}/").replace("f47ac10b-58cc-4372-a567-0e02b2c3d479", task_id))
    return subprocess.run(
        [*words, "--silent", "--show-error", "--noproxy", "*"], check=True, capture_output=True, text=True, timeout=PATIENCE
    ).stdout
