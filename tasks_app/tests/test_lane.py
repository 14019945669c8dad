"""Plain requests of programs go a short way, and get what they would get on Django's."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from tasks_app import lane
from tasks_app.api.dialects import long_tasks
from tasks_app.api.v2 import launching
from tasks_app.asgi import Handler
from tasks_app.auth.access import Access
from tasks_app.auth.audit import audit
from tasks_app.engine.errors import JournalFailed
from tasks_app.engine.sentences import say
from tasks_app.engine.task import Status
from tasks_app.runtime import Runtime
from tasks_app.tests.auth.conftest import PEER, Asker, Settings, application, as_proxied, as_token, as_user, config, known, now, settings_of
from tasks_app.tests.handlers.running import until

__all__ = ["application", "config", "known", "now", "settings_of"]  # fixtures
JSON = {"content_type": "application/json"}
LAUNCH = b'{"type": "count", "params": {"to": 1}, "name": "a name", "tags": ["a", "b"]}'
COMPUTE = b'{"type": "long_computation", "params": {"duration": 0}}'
NOBODY = "00000000-0000-4000-8000-000000000000"
UNUSUAL = {"x-unusual": "1"}  # a header that no library sends by itself: Django's way
ID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
VARIES = re.compile(ID + r"|\d{4}-\d\d-\d\dT[\d:.]+Z|\"(number|version|position|eta_seconds)\":[\d.]+")
BODIES = [
    LAUNCH,
    COMPUTE,
    b'{"type": "count"}',
    b'{"type": "count", "idempotency_key": "k"}',
    b'{"type": "count", "run_at": "2030-01-31T18:00:00Z"}',
    b'{"type": "count", "name": "\\u043e\\u0434\\u0438\\u043d: <b>"}',
    b'{"type": "count", "params": {"to": -1}}',
    b'{"type": "count", "type": "count"}',
    b'{"type": "nothing"}',
    b'{"type": 1}',
    b"{}",
    b"[]",
    b"{",
    b"",
    b'{"type": "count", "params": {"to": 1e400}}',
]


class Told:
    """Which requests got their answer on the short way."""

    def __init__(self) -> None:
        self.short: list[bool] = []

    def __call__(self) -> bool:
        """Whether the last one did."""
        return self.short[-1]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    found, answered = Told(), lane.answered

    async def watched(scope: Any, body: bytes | bytearray) -> Any:
        answer = await answered(scope, body)
        found.short.append(answer is not None)
        return answer

    monkeypatch.setattr(lane, "answered", watched)
    return found


def same(answer: tuple[int, dict[str, str]], body: bytes) -> tuple[int, list[tuple[str, str]], str]:
    """What two answers to the same request have in common."""
    status, headers = answer
    kept = sorted((name, VARIES.sub("-", value)) for name, value in headers.items() if name != "content-length")
    return status, kept, VARIES.sub("-", body.decode())


@pytest.mark.parametrize("path", ["/api/v2/tasks", "/api/v1/tasks"])
@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("role", ["operator", "viewer", "nobody"])
async def test_both_ways_give_the_same_answer(application: Handler, now: Runtime, known: Access, path: str, body: bytes, role: str):
    now.engine.pause("count")
    now.engine.pause("long_computation")
    asker = Asker(application) if role == "nobody" else as_token(application, role)
    seen = []
    for more in ({}, UNUSUAL):
        answer = await asker.start("POST", path, body=body.replace(b'"k"', json.dumps(f"k{len(more)}").encode()), **JSON, **more)
        seen.append(same(answer, asker.body))
        assert len(asker.body) == int(answer[1]["content-length"])
    assert seen[0] == seen[1]


@pytest.mark.parametrize("path", ["/api/v2/tasks", "/api/v1/tasks"])
@pytest.mark.parametrize("role", ["operator", "viewer"])
async def test_a_look_at_a_task_is_the_same_on_both(application: Handler, now: Runtime, known: Access, told: Told, path: str, role: str):
    operator, asker = as_token(application, "operator"), as_token(application, role)
    await operator.start("POST", path, body=COMPUTE, **JSON)
    task_id = json.loads(operator.body)["id"]
    await until(lambda: now.store.get(task_id).status is Status.COMPLETED, 60)
    for task, short in ((task_id, True), (NOBODY, False), ("x" * 36, False), (f"{task_id}0", False)):
        first = same(await asker.start("GET", f"{path}/{task}"), asker.body)
        assert told() is short
        assert first == same(await asker.start("GET", f"{path}/{task}", **UNUSUAL), asker.body)  # type: ignore[arg-type]
        assert told() is False


async def test_what_is_launched_is_in_the_books_either_way(application: Handler, now: Runtime, known: Access, told: Told):
    asker, lines = as_token(application, "operator"), []
    for more in ({}, UNUSUAL):
        await asker.start("POST", "/api/v2/tasks", body=LAUNCH, **JSON, **more)
        task = now.store.get(json.loads(asker.body)["id"])
        assert (task.by, task.via, task.tags) == ("script-operator", "api", ("a", "b"))
        (entry,) = audit.latest(1)
        assert entry.object == task.id
        lines.append({**entry.fields(), "object": ""})
    assert told.short == [True, False]
    assert lines[0] == lines[1]


async def test_a_key_that_was_used_makes_nothing_and_has_no_line(application: Handler, now: Runtime, known: Access, told: Told):
    asker, version = as_token(application, "operator"), 0
    for status in (201, 200):
        answer = await asker.start("POST", "/api/v2/tasks", body=b'{"type": "count", "idempotency_key": "once"}', **JSON)
        assert answer[0] == status
        assert told()
        version, before = audit.version, version
    assert version == before


@pytest.mark.parametrize(
    "more",
    [
        {"cookie": "a=b"},
        {"origin": "http://localhost"},
        {"origin": "http://evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"hx-request": "true"},
        {"content-encoding": "gzip"},
        {"idempotency-key": "k"},
        {"host": "evil.example"},
        {"host": "localhost:99999"},
        {"content-type": "text/plain"},
        {"content-type": "application/json; charset=latin-1"},
    ],
    ids=str,
)
async def test_whatever_is_out_of_the_ordinary_is_looked_at_by_django(
    application: Handler, now: Runtime, known: Access, told: Told, more: dict[str, str]
):
    asker = as_token(application, "operator")
    answer = await asker.start("POST", "/api/v2/tasks", body=LAUNCH, **{**JSON, **more})
    assert not told()
    assert answer[0] in (201, 400, 403, 415)


async def test_so_are_two_headers_of_one_name_a_query_string_and_other_methods(
    application: Handler, now: Runtime, known: Access, told: Told
):
    asker = as_token(application, "operator")
    two = [(b"host", b"localhost")]
    assert (await asker.start("POST", "/api/v2/tasks", body=LAUNCH, more=two, **JSON))[0] == 400
    assert (await asker.start("POST", "/api/v2/tasks?a=b", body=LAUNCH, **JSON))[0] == 422
    assert (await asker.start("GET", "/api/v2/tasks"))[0] == 200
    assert (await asker.start("HEAD", f"/api/v2/tasks/{NOBODY}"))[0] == 404
    assert not any(told.short)


async def test_who_logged_in_or_is_named_by_a_proxy_is_looked_at_by_django(application: Handler, now: Runtime, known: Access, told: Told):
    for asker in (as_user(application, known, "operator"), as_proxied(application, "operator")):
        await asker.start("POST", "/api/v2/tasks", body=LAUNCH, **JSON)
        assert not told()


async def test_behind_a_proxy_the_books_have_the_address_it_tells(application: Handler, now: Runtime, known: Access, told: Told):
    for peer, address in ((PEER, "192.0.2.7"), ("127.0.0.1", "127.0.0.1")):
        asker = Asker(application, {**as_token(application, "operator").headers, "x-forwarded-for": "192.0.2.7"}, peer)
        assert (await asker.start("POST", "/api/v2/tasks", body=LAUNCH, **JSON))[0] == 201
        assert told()
        assert audit.latest(1)[0].address == address


async def test_rates_hold_on_both_ways_together(application: Handler, now: Runtime, settings_of: Settings, known: Access, told: Told):
    found = settings_of(tokens=known.config.tokens.text, launches_per_second=1)
    asker, seen = as_token(application, "operator"), []
    for number in range(12):
        seen.append((await asker.start("POST", "/api/v2/tasks", body=LAUNCH, **JSON, **(UNUSUAL if number % 2 else {})))[0])
    assert found.rates.most_launches == 10
    assert seen == [201] * 10 + [429] * 2
    assert "retry-after" in (await asker.start("POST", "/api/v2/tasks", body=LAUNCH, **JSON))[1]


async def test_what_is_full_or_stopping_refuses_on_both(application: Handler, now: Runtime, known: Access, told: Told):
    now.begin_drain()
    asker = as_token(application, "operator")
    seen = [same(await asker.start("POST", "/api/v2/tasks", body=LAUNCH, **JSON, **more), asker.body) for more in ({}, UNUSUAL)]
    assert seen[0] == seen[1]
    assert seen[0][0] == 503
    assert not any(told.short)


@pytest.mark.parametrize("path", ["/api/v2/tasks", "/api/v1/tasks"])
async def test_what_the_journal_could_not_keep_is_in_the_books_and_not_acknowledged(
    application: Handler, now: Runtime, known: Access, told: Told, monkeypatch: pytest.MonkeyPatch, path: str
):
    async def settled(version: int) -> None:
        raise JournalFailed(say("The disk is full."))

    monkeypatch.setattr(now.engine.journal, "settled", settled)
    asker, before = as_token(application, "operator"), audit.version
    seen = [same(await asker.start("POST", path, body=COMPUTE, **JSON, **more), asker.body) for more in ({}, UNUSUAL)]
    assert told.short == [True, False]
    assert seen[0] == seen[1]
    assert seen[0][0] == 507
    assert b"it is not on disk yet" in asker.body
    assert audit.version == before + 2


@pytest.mark.parametrize(
    "more",
    [
        {"MIDDLEWARE": ["tasks_app.gate.Gate", "somebody.elses.Middleware"]},
        {"SECURE_SSL_REDIRECT": True},
        {"SECURE_HSTS_SECONDS": 60},
        {"DISALLOWED_USER_AGENTS": [re.compile("bot")]},
        {"ROOT_URLCONF": "somebody.elses.urls"},
    ],
    ids=lambda more: next(iter(more)),
)
def test_there_is_no_short_way_where_somebody_put_more_on_djangos(more: dict[str, Any]):
    assert lane.is_open(settings.MIDDLEWARE)
    with override_settings(**more):
        assert not lane.is_open(settings.MIDDLEWARE)


@pytest.mark.parametrize(
    ("path", "error", "status"),
    [("/api/v2/tasks", ValueError, 500), ("/api/v2/tasks", MemoryError, 503), ("/api/v1/tasks", ValueError, 500)],
)
async def test_a_fault_after_a_launch_launches_nothing_again(
    application: Handler, now: Runtime, known: Access, monkeypatch: pytest.MonkeyPatch, path: str, error: type[Exception], status: int
):
    def broken(*args: Any, **more: Any) -> Any:
        raise error

    monkeypatch.setattr(launching, "said", broken)
    monkeypatch.setattr(long_tasks, "_said", broken)
    now.engine.pause("long_computation")
    asker = as_token(application, "operator")
    answer = await asker.start("POST", path, body=COMPUTE, **JSON)
    assert answer[0] == status
    assert "content-security-policy" in answer[1]
    assert now.store.waiting == 1
    assert asker.whole  # nothing of the request is left that would have to be read first


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/v2/tasks", LAUNCH),
        ("POST", "/api/v2/tasks", b'{"type": "count", "params": {"to": -1}}'),
        ("POST", "/api/v2/tasks", b'{"type": "nothing"}'),
        ("POST", "/api/v2/tasks", b"{"),
        ("POST", "/api/v1/tasks", COMPUTE),
        ("GET", f"/api/v2/tasks/{NOBODY}", b""),
    ],
)
async def test_a_request_counts_once_whichever_way_it_was_answered(
    application: Handler, now: Runtime, settings_of: Settings, known: Access, method: str, path: str, body: bytes
):
    found, asker = settings_of(tokens=known.config.tokens.text, launches_per_second=100), as_token(application, "operator")
    counted = []
    for more in ({}, UNUSUAL):
        before = spent(found)
        await asker.start(method, path, body=body, **JSON, **more)
        counted.append([after - earlier for after, earlier in zip(spent(found), before, strict=True)])
    assert counted[0] == counted[1]
    assert counted[0][0] == 1


def spent(found: Access) -> list[int]:
    """Uses of tokens today, and what is gone of the rates of one operator."""
    rates, key = (found.rates._effects, found.rates._launches), "token script-operator"
    return [sum(use.calls for use in map(found.use_of, found.tokens) if use), *(rate.most - rate.left(key) for rate in rates if rate)]
