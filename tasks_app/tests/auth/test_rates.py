"""One person asks for too much: he hears 429 and when to come back, in the form of the door he came through; nobody else notices."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tasks_app.auth.audit import audit
from tasks_app.auth.principal import Role
from tasks_app.auth.tokens import digest_of
from tasks_app.engine.errors import JournalFailed
from tasks_app.engine.sentences import say
from tasks_app.handlers._egress import door
from tasks_app.runtime import Runtime
from tasks_app.tests.auth.conftest import FORM, Asker, Settings, as_proxied, as_token, as_user, token_of, user_line, with_form_token

TASK = b'{"type": "count", "params": {"to": 1}, "run_at": "2999-01-01T00:00:00Z"}'
JSON = "application/json"
PAGE = "text/html,application/xhtml+xml"
EFFECTS = 1  # a second: ten at once


@pytest.fixture
def strict(settings_of: Settings, now: Runtime) -> Any:
    """Ten effects at once, twenty tasks at once."""
    return settings_of(
        users="\n".join(user_line(f"the-{role}", role) for role in Role),
        tokens="\n".join(f"script-{role}:{role}:{digest_of(token_of(role))}" for role in Role),
        proxy_auth="secret=a secret between the proxy and us, role=X-Remote-Role",
        trusted_proxies=("10.9.8.7",),
        effects_per_second=EFFECTS,
        launches_per_second=2,
    )


async def spend(asker: Asker, times: int = 10) -> None:
    for _ in range(times):
        status, _ = await asker.start("POST", "/api/v2/tasks", body=TASK, content_type=JSON)
        assert status == 201, asker.body


async def test_after_the_burst_a_script_hears_429_and_when_to_come_back(application: Any, strict: Any):
    script = as_token(application, "operator")
    await spend(script)
    status, headers = await script.start("POST", "/api/v2/tasks", body=TASK, content_type=JSON)
    assert (status, headers["content-type"]) == (429, "application/problem+json")
    assert 1 <= int(headers["retry-after"]) <= 10
    problem = json.loads(script.body)
    assert problem["code"] == "too_many_requests"
    assert problem["detail"] == "Too much at once: 1 a second are yours, counted over 10 seconds."


async def test_others_are_served_meanwhile(application: Any, strict: Any):
    await spend(as_token(application, "operator"))
    proxied = as_proxied(application, "operator")
    await with_form_token(proxied)
    for other in (as_token(application, "admin"), as_user(application, strict, "operator"), proxied):
        assert (await other.start("POST", "/api/v2/tasks", body=TASK, content_type=JSON))[0] == 201, other.body


async def test_all_sessions_of_one_person_count_together(application: Any, strict: Any):
    await spend(as_user(application, strict, "operator"), 6)
    await spend(as_user(application, strict, "operator"), 4)
    third = as_user(application, strict, "operator")
    assert (await third.start("POST", "/api/v2/tasks", body=TASK, content_type=JSON))[0] == 429


async def test_reading_goes_on_past_it_and_the_refusal_is_in_the_audit(application: Any, strict: Any):
    script = as_token(application, "operator")
    await spend(script)
    assert (await script.start("GET", "/api/v2/tasks"))[0] == 200
    assert (await script.start("DELETE", "/api/v2/tasks/00000000-0000-0000-0000-000000000000"))[0] == 429
    line = audit.latest(1)[0]
    assert (line.who, line.action, line.outcome) == ("script-operator", "delete", "too_many_requests")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/create-task", '{"message":"Too much at once'),
        ("/job", '{"Status":429,"Data":{"errors":"Too much at once'),
        ("/api/v1/tasks", "Too much at once"),
        ("/tasks", "Too much at once"),
        ("/compat/iotask/tasks/ping", "Too much at once"),
        ("/compat/taskqueue/tasks", "Too much at once"),
    ],
)
async def test_a_dialect_says_it_in_its_own_words(application: Any, strict: Any, path: str, said: str):
    script = as_token(application, "operator")
    await spend(script)
    status, headers = await script.start("POST", path, body=b"{}", content_type=JSON)
    assert (status, "retry-after" in headers) == (429, True)
    assert said in script.body.decode()


async def test_a_page_says_it_in_a_sentence_and_a_piece_of_a_page_in_a_message(application: Any, strict: Any):
    person = as_user(application, strict, "operator")
    await spend(person)
    path = "/tasks/00000000-0000-0000-0000-000000000000/cancel"
    status, headers = await person.start("POST", path, accept=PAGE)
    assert (status, "retry-after" in headers) == (429, True)
    assert b"<html" in person.body
    assert b"Too much at once" in person.body
    status, headers = await person.start("POST", path, hx_request="true")
    assert (status, headers["hx-retarget"]) == (429, "#said")
    assert b"<html" not in person.body


async def test_a_form_keeps_what_was_filled_in_and_launches_nothing(application: Any, strict: Any, now: Runtime):
    person = as_user(application, strict, "operator")
    await spend(person)
    before = len(now.store)
    body = b"params.to=77&name=my+long+name&tags=kept"
    status, answered = await person.start("POST", "/launch/count", body=body, content_type=FORM)
    assert (status, "retry-after" in answered, len(now.store)) == (429, True, before)
    for text in (b"Too much at once", b'value="77"', b'value="my long name"', b'value="kept"'):
        assert text in person.body
    status, answered = await person.start("POST", "/launch/count", body=body, content_type=FORM, hx_request="true")
    assert (status, answered["hx-retarget"], len(now.store)) == (429, "#said", before)


async def test_many_tasks_at_once_count_as_many_and_one_action_on_many_as_one(application: Any, strict: Any):
    script = as_token(application, "operator")

    async def launch(count: int) -> int:
        body = b'{"tasks": [' + b",".join([TASK] * count) + b"]}"
        return (await script.start("POST", "/api/v2/tasks/bulk", body=body, content_type=JSON))[0]

    assert await launch(15) == 201
    assert await launch(6) == 429
    assert json.loads(script.body)["code"] == "too_many_requests"
    act = b'{"action": "cancel", "filter": {"type": ["count"]}}'
    assert (await script.start("POST", "/api/v2/actions", body=act, content_type=JSON))[0] == 202


@pytest.mark.parametrize("full", ["disk", "room"])
async def test_many_tasks_that_could_not_be_taken_in_use_up_no_more_than_their_request(
    application: Any, strict: Any, now: Runtime, monkeypatch: pytest.MonkeyPatch, full: str
):
    async def unkept(version: int) -> None:
        raise JournalFailed(say("The disk is full."))

    script = as_token(application, "operator")
    with monkeypatch.context() as patch:
        if full == "disk":
            patch.setattr(now.engine.journal, "settled", unkept)
        else:
            now.begin_drain()
        for _ in range(3):
            body = b'{"tasks": [' + b",".join([TASK] * 15) + b"]}"
            status, _ = await script.start("POST", "/api/v2/tasks/bulk", body=body, content_type=JSON)
            assert status == (507 if full == "disk" else 503)
    assert strict.rates._launches.left("token script-operator") == 17


async def test_more_than_could_ever_be_launched_at_once_is_no_matter_of_waiting(application: Any, strict: Any):
    script = as_token(application, "operator")
    body = b'{"tasks": [' + b",".join([TASK] * 21) + b"]}"
    status, headers = await script.start("POST", "/api/v2/tasks/bulk", body=body, content_type=JSON)
    assert (status, "retry-after" in headers, json.loads(script.body)["field"]) == (422, False, "tasks")
    await spend(script, 9)


async def test_a_launch_that_is_refused_uses_nothing_up_however_often_it_is_tried(application: Any, settings_of: Settings, now: Runtime):
    found = settings_of(tokens=f"script:operator:{digest_of(token_of('operator'))}", effects_per_second=5, launches_per_second=1)
    script = as_token(application, "operator")
    await spend(script)
    for more in ({}, {"origin": "http://localhost"}) * 5:  # the short way, and Django's
        assert (await script.start("POST", "/api/v2/tasks", body=TASK, content_type=JSON, **more))[0] == 429
    assert found.rates._effects is not None
    assert found.rates._effects.left("token script") == 40


async def test_a_search_counts_as_twenty_and_a_list_as_nothing(application: Any, settings_of: Settings, now: Runtime):
    settings_of(tokens=f"script:viewer:{digest_of(token_of('viewer'))}", effects_per_second=5)
    script = as_token(application, "viewer")
    for _ in range(20):
        assert (await script.start("GET", "/api/v2/tasks"))[0] == 200
    assert [(await script.start("GET", "/api/v2/tasks?q=word"))[0] for _ in range(3)] == [200, 200, 429]
    assert (await script.start("GET", "/?q=word"))[0] == 429
    assert (await script.start("GET", "/job/all"))[0] == 429
    assert (await script.start("GET", "/"))[0] == 200


async def test_where_less_than_a_search_is_allowed_one_may_search_when_nothing_else_was_done(application: Any, strict: Any):
    script = as_token(application, "operator")
    assert (await script.start("GET", "/api/v2/tasks?q=word"))[0] == 200
    status, headers = await script.start("GET", "/api/v2/tasks?q=word")
    assert (status, int(headers["retry-after"]) <= 10) == (429, True)


async def test_where_nobody_logs_in_an_address_counts_where_a_rate_is_set(application: Any, settings_of: Settings, now: Runtime):
    settings_of(effects_per_second=1, open_to_others=True)
    here, there = Asker(application, peer="192.0.2.7"), Asker(application, peer="192.0.2.8")
    await spend(here)
    assert (await here.start("POST", "/api/v2/tasks", body=TASK, content_type=JSON))[0] == 429
    await spend(there, 1)


@pytest.mark.parametrize(
    ("values", "effects", "launches", "running", "waiting"),
    [
        ({}, None, None, None, None),
        ({"open_to_others": True}, 100, 1_000, None, None),
        ({"tokens": "a:viewer:" + "0" * 64}, 100, 1_000, 5_000, 500_000),
        ({"tokens": "a:viewer:" + "0" * 64, "max_running": 1, "max_waiting": 1}, 100, 1_000, 1, 1),
        ({"effects_per_second": 7, "launches_per_second": 8, "max_running_per_user": 9, "max_waiting_per_user": 10}, 7, 8, 9, 10),
    ],
)
def test_one_person_alone_is_not_held_up_and_people_are_kept_apart(
    settings_of: Settings, values: dict[str, Any], effects: int | None, launches: int | None, running: int | None, waiting: int | None
):
    config = settings_of(**values).config
    assert (config.effects_each, config.launches_each, config.running_each, config.waiting_each) == (effects, launches, running, waiting)


async def test_dials_that_are_too_many_are_written_down_and_counted_not_flooded(application: Any, strict: Any):
    told = door.dials.told
    assert told is not None
    for _ in range(100):
        told("the-operator", "192.0.2.7")
    lines = [line for line in audit.latest(100) if line.outcome == "too_many_dials"]
    assert len(lines) == 10
    assert (lines[0].who, lines[0].action, lines[0].object) == ("the-operator", "dial", "192.0.2.7")
