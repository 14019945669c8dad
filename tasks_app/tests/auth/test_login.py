"""Logging in and out over HTTP: cookies, form tokens, bearers, a proxy's word, and what is tried against them."""

from __future__ import annotations

import asyncio
import unicodedata
from itertools import count
from typing import Any

import pytest

from tasks_app.auth import form_tokens
from tasks_app.auth.access import COOKIE, SECURE_COOKIE, Access
from tasks_app.auth.audit import audit
from tasks_app.engine.errors import JournalFailed
from tasks_app.engine.sentences import say
from tasks_app.runtime import Runtime
from tasks_app.tests.auth.conftest import (
    PASSWORD,
    PEER,
    Asker,
    Settings,
    as_user,
    log_in,
    session_cookie,
    user_line,
    with_form_token,
)

FORM = "application/x-www-form-urlencoded"
COUNT = b'{"type": "count", "params": {"to": 1}}'
JSON = {"content_type": "application/json"}


async def test_a_right_password_opens_a_session_and_leads_to_where_one_wanted_to_be(visitor: Asker, application: Any):
    status, headers = await log_in(visitor, "the-operator", PASSWORD, following="/?status=failed")
    assert (status, headers["location"]) == (303, "/?status=failed")
    cookie = session_cookie(visitor)
    assert "; HttpOnly" in cookie
    assert "; SameSite=Strict" in cookie
    assert "; Path=/" in cookie
    assert "Domain" not in cookie
    assert "Secure" not in cookie
    assert "expires" not in cookie.lower()
    seen = Asker(application, {"cookie": cookie.partition(";")[0]})
    assert (await seen.start("GET", "/"))[0] == 200
    assert b"<bdi>the-operator</bdi></b>, operator" in seen.body
    line = audit.latest(1)[0]
    assert (line.who, line.via, line.role, line.action, line.outcome) == ("the-operator", "password", "operator", "login", "done")


async def test_who_comes_to_see_why_the_journal_cannot_be_written_gets_in_and_out(
    visitor: Asker, application: Any, known: Access, now: Runtime, monkeypatch: pytest.MonkeyPatch
):
    async def settled(version: int) -> None:
        raise JournalFailed(say("The disk is full."))

    monkeypatch.setattr(now.engine.journal, "settled", settled)
    assert (await log_in(visitor, "the-operator", PASSWORD))[0] == 303
    seen = as_user(application, known, "operator")
    assert (await seen.start("POST", "/api/v2/tasks", body=COUNT, **JSON))[0] == 507
    assert (await seen.start("POST", "/logout"))[0] == 303


async def test_over_https_the_cookies_are_for_https_and_this_host_alone(anybody: Asker):
    anybody.peer = PEER
    anybody.headers |= {"x-forwarded-proto": "https"}
    await with_form_token(anybody)
    form = list(anybody.cookies)
    anybody.headers |= {"origin": "https://localhost"}
    status, _ = await log_in(anybody, "the-viewer", PASSWORD, referer="https://localhost/login")
    assert status == 303
    assert [cookie.partition("=")[0] for cookie in form + anybody.cookies] == [form_tokens.SECURE_COOKIE, SECURE_COOKIE]
    assert all("; Secure" in cookie and "; HttpOnly" in cookie and "SameSite=Strict" in cookie for cookie in form + anybody.cookies)


@pytest.mark.parametrize(
    ("name", "password"), [("the-operator", "wrong"), ("nobody", PASSWORD), ("the-operator", ""), ("", ""), ("a\0b", "c\0d")]
)
async def test_a_wrong_name_and_a_wrong_password_are_answered_alike(visitor: Asker, name: str, password: str):
    assert (await log_in(visitor, name, password))[0] == 401
    assert b"That name and password do not belong together. 4 tries are left for now." in visitor.body
    assert not any(cookie.startswith(COOKIE) for cookie in visitor.cookies)
    assert audit.latest(1)[0].outcome == "wrong_password"


async def test_the_sixth_wrong_try_is_refused_and_the_right_password_from_elsewhere_gets_in(visitor: Asker):
    for _ in range(5):
        assert (await log_in(visitor, "the-operator", "wrong"))[0] == 401
    status, headers = await log_in(visitor, "the-operator", PASSWORD)
    assert status == 429
    assert int(headers["retry-after"]) > 200
    assert audit.latest(1)[0].outcome == "too_many_tries"
    visitor.peer = "192.0.2.77"
    assert (await log_in(visitor, "the-operator", PASSWORD))[0] == 303


async def test_tries_at_the_same_moment_count_as_well(visitor: Asker, application: Any):
    askers = [Asker(application, visitor.headers) for _ in range(30)]
    answers = await asyncio.gather(*(log_in(asker, "the-operator", f"guess-{number}") for number, asker in enumerate(askers)))
    assert sorted(status for status, _ in answers) == [401] * 5 + [429] * 25


async def test_a_password_over_a_kibibyte_is_refused_before_it_is_looked_at(visitor: Asker):
    assert (await log_in(visitor, "the-operator", "x" * 1025))[0] == 400
    assert (await log_in(visitor, "the-operator", "é" * 513))[0] == 400
    assert (await log_in(visitor, "the-operator", "x" * 1024))[0] == 401


async def test_one_password_in_two_spellings_is_one(settings_of: Settings, application: Any, now: Runtime):
    settings_of(users=user_line("mira", "admin", unicodedata.normalize("NFC", "Überraschung")))
    visitor = Asker(application)
    await with_form_token(visitor)
    assert (await log_in(visitor, "mira", unicodedata.normalize("NFD", "Überraschung")))[0] == 303


@pytest.mark.parametrize(
    "following",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/%0a//evil", "/login", "/" + "a" * 3000],
)
async def test_nobody_is_led_elsewhere_after_logging_in(visitor: Asker, following: str):
    status, headers = await log_in(visitor, "the-viewer", PASSWORD, following=following)
    assert (status, headers["location"]) == (303, "/")


async def test_an_id_from_before_the_login_is_never_the_one_after_it(visitor: Asker):
    visitor.headers["cookie"] += f"; {COOKIE}=chosen-by-somebody-else"
    assert (await log_in(visitor, "the-viewer", PASSWORD))[0] == 303
    assert "chosen" not in session_cookie(visitor)


async def test_logging_in_again_ends_the_session_before(known: Access, visitor: Asker):
    await log_in(visitor, "the-viewer", PASSWORD)
    first = session_cookie(visitor).partition(";")[0]
    token = known.sessions.all()[0].csrf
    assert (await log_in(visitor, "the-viewer", PASSWORD, cookie=first, x_csrftoken=token))[0] == 303
    assert len(known.sessions.all()) == 1
    assert known.sessions.find(first.partition("=")[2], active=False) is None


async def test_a_cookie_is_worth_nothing_after_logging_out(application: Any, now: Runtime, known: Access):
    viewer = as_user(application, known, "viewer")
    status, headers = await viewer.start("POST", "/logout")
    assert (status, headers["location"]) == (303, "/login")
    assert f'{COOKIE}=""' in session_cookie(viewer)
    assert (await viewer.start("GET", "/api/v2/tasks"))[0] == 401
    assert audit.latest(1)[0].action == "logout"


async def test_a_session_ends_with_the_password_and_the_role_it_was_begun_with(
    application: Any, now: Runtime, settings_of: Settings, tmp_path: Any
):
    path = tmp_path / "users"
    path.write_text(user_line("the-admin", "admin"))
    path.chmod(0o600)
    found = settings_of(users_file=path)
    found._users._clock = count(10**9, 10).__next__  # seconds go by between requests
    admin = as_user(application, found, "admin")
    assert (await admin.start("GET", "/api/v2/tasks"))[0] == 200
    path.write_text(user_line("the-admin", "viewer"))
    assert (await admin.start("GET", "/api/v2/tasks"))[0] == 401
    path.write_text(user_line("the-admin", "admin"))
    assert (await admin.start("GET", "/api/v2/tasks"))[0] == 401


async def test_a_restart_ends_all_sessions(application: Any, now: Runtime, known: Access, settings_of: Settings):
    viewer = as_user(application, known, "viewer")
    assert settings_of(users=user_line("the-viewer", "viewer")) is not known
    assert (await viewer.start("GET", "/api/v2/tasks"))[0] == 401


async def test_a_link_on_another_site_finds_whoever_is_signed_in(anybody: Asker):
    _, headers = await anybody.start("GET", "/login?next=/tasks/1", sec_fetch_site="cross-site", sec_fetch_mode="navigate")
    assert headers["refresh"] == "0; url=/login?next=%2Ftasks%2F1"
    _, headers = await anybody.start("GET", "/login?next=/tasks/1", sec_fetch_site="same-origin")
    assert "refresh" not in headers


async def test_whoever_is_signed_in_is_not_asked_again(application: Any, now: Runtime, known: Access):
    status, headers = await as_user(application, known, "viewer").start("GET", "/login?next=/sessions")
    assert (status, headers["location"]) == (303, "/sessions")


async def test_passwords_are_not_taken_over_an_open_wire(settings_of: Settings, application: Any, now: Runtime, settings: Any):
    settings.ALLOWED_HOSTS = ["tasks.example", "localhost"]
    settings_of(users=user_line("mira", "admin"))
    visitor = Asker(application)
    await with_form_token(visitor)
    visitor.headers |= {"host": "tasks.example", "origin": "http://tasks.example"}
    status, _ = await log_in(visitor, "mira", PASSWORD)
    assert status == 403
    assert b"over https only" in visitor.body
    settings_of(users=user_line("mira", "admin"), plain_http=True)
    assert (await log_in(visitor, "mira", PASSWORD))[0] == 303
