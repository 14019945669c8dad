"""Dialect 002, Flussonic jobs: recorded conversations, bytes exact."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import RequestFactory
from msgspec.structs import replace

from tasks_app.api.dialects import jobs
from tasks_app.engine.launch import LaunchRequest
from tasks_app.engine.task import Status
from tasks_app.tests.asking import let_in
from tasks_app.tests.dialects.talk import JSON, TEXT, Exchange, Talk, line, names, speaking
from tasks_app.tests.engine.records import IN_STATUS

DONE = b'{"Status":200,"Data":null}'
ANOTHER_SITE = {"Origin": "https://elsewhere.example"}


def posted(body: bytes | None, **headers: str) -> Exchange:
    """A job is accepted, whatever the body."""
    return Exchange("POST /job", 200, DONE, {"Content-Type": JSON}, body, headers)


def malformed(given: str, said: str, why: str = "invalid syntax") -> list[Exchange]:
    """An id that is no number: one envelope, with the words that Go has for it. `given` as in the path, `said` as it is quoted."""
    words = f"strconv.ParseUint: parsing {said}: {why}"
    body = json.dumps({"Status": 400, "Data": {"errors": words}}, ensure_ascii=False, separators=(",", ":")).encode()
    return [Exchange(f"{asked}", 400, body, {"Content-Type": JSON}) for asked in (f"GET /job/{given}/status", f"POST /job/{given}/cancel")]


POSTED = [
    posted(None),
    posted(b""),
    posted(b"{oops"),
    posted(b"\xff\xfe"),
    posted(b"[1,2]"),
    posted(b"null"),
    posted(b"{}"),
    posted(b'{"timeout":0,"data":5}'),
    posted(b'{"timeout":-1}'),
    posted(b'{"timeout":true,"data":null}'),
    posted(b'{"timeout":3e9}'),
    posted(b'{"timeout":%d}' % 10**30),
    posted(b'{"timeout":' + b"9" * 5000 + b"}"),
    posted(b'{"data":"%s"}' % (b"x" * 10_001)),
    posted(b'{"data":"\\ud800"}'),
    posted(b"[" * 100_000),
    posted(b"timeout=1", **{"Content-Type": "application/x-www-form-urlencoded"}),
    posted(b"<a/>", **{"Content-Type": "text/xml"}),
]
MALFORMED = [
    *malformed("abc", '"abc"'),
    *malformed("all", '"all"'),
    *malformed("+1", '"+1"'),
    *malformed("-1", '"-1"'),
    *malformed("1.5", '"1.5"'),
    *malformed("1e3", '"1e3"'),
    *malformed("0x10", '"0x10"'),
    *malformed("1_000", '"1_000"'),
    *malformed("%20", '" "'),
    *malformed("%201", '" 1"'),
    *malformed("%D9%A1", '"\u0661"'),  # a digit, but none that Go reads
    *malformed("%22%5C", r'"\"\\"'),
    *malformed("%0A%07%7F", r'"\n\a\x7f"'),
    *malformed("%E2%80%AE", r'"\u202e"'),
    *malformed("%F3%A0%80%81", r'"\U000e0001"'),
    *malformed("18446744073709551616", '"18446744073709551616"', "value out of range"),
    *malformed("99999999999999999999x", '"99999999999999999999x"', "value out of range"),
    *malformed("9" * 5000, f'"{"9" * 5000}"', "value out of range"),
]
WRONG_METHODS = [
    *(line(f"{method} /job", 405, "Method Not Allowed", allow="POST") for method in ("GET", "PUT", "DELETE", "OPTIONS", "PATCH")),
    *(line(f"{method} /job/all", 405, "Method Not Allowed", allow="GET, HEAD") for method in ("POST", "PUT", "DELETE", "OPTIONS")),
    *(line(f"{method} /job/0/status", 405, "Method Not Allowed", allow="GET, HEAD") for method in ("POST", "DELETE", "OPTIONS")),
    *(line(f"{method} /job/0/cancel", 405, "Method Not Allowed", allow="POST") for method in ("GET", "PUT", "DELETE", "OPTIONS")),
]
NOWHERE = [
    line(f"{method} {target}", 404, "404 page not found")
    for target in (
        "/job/",
        "/job/0",
        "/job/0/",
        "/job/all/",
        "/job/0/status/",
        "/job/0/cancel/",
        "/job//status",
        "/job/0/other",
        "/job/a/b/status",
    )
    for method in ("GET", "POST")
]
UNKNOWN = [
    Exchange(
        f"GET /job/{given}/status", 200, b'{"Status":200,"Data":{"id":%d,"status":"not in list"}}' % int(given), {"Content-Type": JSON}
    )
    for given in ("60000", "0060001", "65536", "131072", "18446744073709551615", "000000000000000000000000065537")
]
HEADS = [Exchange(f"HEAD {target}", 200, b"", {"Content-Type": JSON}) for target in ("/job/all", "/job/60000/status")]
FOREIGN = [Exchange("POST /job", 403, re.compile(rb'\{"Status":403,"Data":\{"errors":"[^"]+"\}\}'), {}, b"", ANOTHER_SITE)]
RECORDED = [*POSTED, *MALFORMED, *WRONG_METHODS, *NOWHERE, *UNKNOWN, *HEADS, *FOREIGN]


@pytest.mark.parametrize("exchange", RECORDED, ids=names(RECORDED))
def test_a_conversation_as_recorded(spoken, exchange):
    exchange.held(spoken)


@pytest.fixture
def fresh(tmp_path) -> Iterator[Talk]:
    """A server where no job was before."""
    with speaking(tmp_path) as talk:
        yield talk


def listed(talk: Talk) -> list[tuple[int, str]]:
    """All jobs, from an answer that is as it must be."""
    answer = talk.ask("GET /job/all")
    assert (answer.status, answer.header("Content-Type"), answer.json["Status"]) == (200, JSON, 200)
    return [(job["id"], job["status"]) for job in answer.json["Data"]["tasks"]]


def test_a_conversation_with_an_empty_server_from_the_first_job_on(fresh):
    Exchange("GET /job/all", 200, b'{"Status":200,"Data":{"tasks":[]}}', {"Content-Type": JSON}).held(fresh)
    Exchange("GET /job/1/status", 200, b'{"Status":200,"Data":{"id":1,"status":"not in list"}}').held(fresh)
    Exchange("POST /job/0001/cancel", 200, DONE, {"Content-Type": JSON}, b"ignored").held(fresh)
    Exchange("POST /job/65535/cancel", 200, DONE).held(fresh)
    Exchange("POST /job/65536/cancel", 200, DONE).held(fresh)  # ids of the service have 16 bits
    Exchange("GET /job/1/status", 200, b'{"Status":200,"Data":{"id":1,"status":"canceled"}}').held(fresh)
    remembered = b'{"Status":200,"Data":{"tasks":[{"id":1,"status":"canceled"},{"id":65535,"status":"canceled"}]}}'
    Exchange("GET /job/all", 200, remembered).held(fresh)
    for serial in (0, 1, 2):
        Exchange("POST /job", 200, DONE, {"Location": f"/job/{serial}/status"}).held(fresh)
    for serial in (0, 2):
        fresh.until(f"GET /job/{serial}/status", lambda answer: answer.json["Data"]["status"] == "done")
    Exchange(
        "GET /job/all",
        200,
        remembered.replace(b'[{"id":1', b'[{"id":0,"status":"done"},{"id":1').replace(
            b',{"id":65535', b',{"id":2,"status":"done"},{"id":65535'
        ),
    ).held(fresh)
    Exchange("POST /job/0/cancel", 200, DONE).held(fresh)
    Exchange("GET /job/00/status", 200, b'{"Status":200,"Data":{"id":0,"status":"done"}}').held(fresh)


def test_a_job_is_a_task_like_any_other_with_its_data_and_the_shorter_timeout(fresh):
    for body in (None, b'{"timeout":250000000,"data":"<mine>"}', b'{"Timeout":9000000000,"DATA":"more","x":1}'):
        fresh.ask("POST /job", body)
    found = {task["serial"]: task for task in fresh.ask("GET /api/v2/tasks?type=message").json["items"]}
    assert [found[serial]["params"]["data"] for serial in (0, 1, 2)] == ["hello", "<mine>", "more"]
    assert [found[serial]["timeout"] for serial in (0, 1, 2)] == [3.0, 0.25, 3.0]
    assert {(task["via"], task["max_attempts"], task["params"]["longest"]) for task in found.values()} == {("jobs", 3, 0.05)}


def test_a_deleted_job_is_not_in_the_list_and_a_task_of_another_door_never_was(fresh):
    fresh.ask("POST /job")
    fresh.until("GET /job/0/status", lambda answer: answer.json["Data"]["status"] == "done")
    newest = fresh.ask("GET /api/v2/tasks?type=message").json["items"][0]["id"]
    assert fresh.ask(f"DELETE /api/v2/tasks/{newest}").status == 204
    assert fresh.ask("POST /api/v2/tasks", b'{"type":"message"}', {"Content-Type": JSON}).status == 201
    assert fresh.ask("GET /job/0/status").json["Data"]["status"] == "not in list"
    Exchange("POST /job/0/cancel", 200, DONE).held(fresh)
    assert listed(fresh) == []
    assert fresh.ask("POST /job").header("Location") == "/job/1/status"


def test_a_full_server_answers_in_the_envelope_and_uses_up_no_number(narrow):
    with narrow.paused("message"):
        first = int(str(narrow.ask("POST /job").header("Location")).split("/")[2])
        full = re.compile(rb'\{"Status":503,"Data":\{"errors":"1 tasks are waiting; at most 1 may\."\}\}')
        Exchange("POST /job", 503, full, {"Retry-After": "5", "Content-Type": JSON, "Location": None}).held(narrow)
        assert listed(narrow)[-1] == (first, "waiting")
    narrow.until(f"GET /job/{first}/status", lambda answer: answer.json["Data"]["status"] == "done")
    assert narrow.ask("POST /job").header("Location") == f"/job/{first + 1}/status"


def test_a_body_that_is_too_large_is_refused_in_the_envelope(spoken):
    too_large = re.compile(rb'\{"Status":413,"Data":\{"errors":"[^"]+"\}\}')
    Exchange("POST /job", 413, too_large, {"Content-Type": JSON}, b"x" * 1_048_577).held(spoken)


# -- in this process


WORDS = {
    Status.SCHEDULED: "waiting",
    Status.PENDING: "waiting",
    Status.PROCESSING: "executing",
    Status.RETRYING: "waiting",
    Status.CANCELLING: "canceled",
    Status.COMPLETED: "done",
    Status.FAILED: "failed",
    Status.CANCELLED: "canceled",
    Status.INTERRUPTED: "failed",
}


@pytest.mark.parametrize("status", Status)
async def test_every_status_has_its_word(now, status):
    now.store.add([replace(IN_STATUS[status](), type="message", series="jobs", serial=7)])
    shown = {"id": 7, "status": WORDS[status]}
    assert json.loads((await jobs.status(RequestFactory().get("/"), "7")).content)["Data"] == shown
    assert json.loads((await jobs.everything(RequestFactory().get("/"))).content)["Data"] == {"tasks": [shown]}


async def test_a_cancel_changes_nothing_about_what_has_ended(now):
    for serial, status in enumerate((Status.COMPLETED, Status.FAILED, Status.INTERRUPTED)):
        now.store.add([replace(IN_STATUS[status](), id=f"id-{serial}", number=serial + 1, type="message", series="jobs", serial=serial)])
        assert (await jobs.cancel(let_in(RequestFactory().post("/")), str(serial))).status_code == 200
        assert now.store.get(f"id-{serial}").status is status


async def test_a_long_list_of_jobs_is_made_a_little_at_a_time_and_the_loop_has_its_turn_after_each(now, monkeypatch):
    jobs_here, ahead = 5 * jobs.TURN + 1, range(60_000, 60_000 + jobs.TURN + 1)
    for _ in range(jobs_here):
        now.engine.submit_numbered(LaunchRequest(type="message"), jobs.SERIES, via="jobs")
    for serial in ahead:
        assert now.store.series.cancel_ahead("jobs", serial)
    turns, parts, listed = 0, [], jobs._listed

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    def noted(found: list[Any]) -> Any:
        parts.append((turns, len(found)))
        return listed(found)

    monkeypatch.setattr(jobs, "_listed", noted)
    counting = asyncio.create_task(count())
    answer = await jobs.everything(RequestFactory().get("/job/all"))
    counting.cancel()
    found = json.loads(answer.content)["Data"]["tasks"]
    assert [job["id"] for job in found] == [*range(jobs_here), *ahead]
    assert [size for _, size in parts] == [jobs.TURN] * 5 + [1, jobs.TURN, 1]
    assert len({turn for turn, _ in parts}) == len(parts)


def test_text_answers_are_not_json(spoken):
    assert {spoken.ask(request).header("Content-Type") for request in ("GET /job", "GET /job/0", "PUT /job/all")} == {TEXT}
