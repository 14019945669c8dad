"""A browser says by itself who somebody is; the token of a page says that the page is ours."""

from __future__ import annotations

from typing import Any

import pytest

from tasks_app.auth import form_tokens
from tasks_app.auth.access import Access
from tasks_app.auth.audit import audit
from tasks_app.auth.principal import NOBODY_ASKED, Principal, Role, Via
from tasks_app.runtime import Runtime
from tasks_app.tests.auth.conftest import (
    PASSWORD,
    Asker,
    Settings,
    as_proxied,
    as_token,
    as_user,
    log_in,
    session_cookie,
    with_form_token,
)

COUNT = b'{"type": "count", "params": {"to": 1}}'
JSON = {"content_type": "application/json"}


@pytest.mark.parametrize("path", ["/login", "/logout", "/tasks/00000000-0000-4000-8000-000000000000/cancel"])
async def test_a_form_without_the_pages_token_is_refused(application: Any, now: Runtime, known: Access, path: str):
    viewer = as_user(application, known, "operator")
    del viewer.headers["x-csrftoken"]
    assert (await viewer.start("POST", path))[0] == 403


async def test_the_api_by_cookie_needs_the_pages_token_and_by_bearer_does_not(application: Any, now: Runtime, known: Access):
    operator = as_user(application, known, "operator")
    post: dict[str, Any] = {"body": COUNT, **JSON}
    assert (await operator.start("POST", "/api/v2/tasks", **post))[0] == 201
    token = operator.headers.pop("x-csrftoken")
    assert (await operator.start("POST", "/api/v2/tasks", **post))[0] == 403
    assert b'"code":"csrf"' in operator.body
    assert (await operator.start("POST", "/api/v2/tasks", x_csrftoken="d" * 32, **post))[0] == 403
    assert (await operator.start("POST", "/tasks", x_csrftoken="d" * 32, **post))[0] == 403
    assert (await operator.start("POST", "/api/v2/tasks", x_csrftoken=token, body=COUNT, content_type="text/plain"))[0] == 415
    assert (await as_token(application, "operator").start("POST", "/api/v2/tasks", **post))[0] == 201


async def test_a_token_of_another_session_and_one_from_a_cookie_are_refused(application: Any, now: Runtime, known: Access):
    operator = as_user(application, known, "operator")
    known.sessions.begin(known._users.value["the-viewer"], "e" * 32, "", "")
    operator.headers["cookie"] += f"; csrftoken={'e' * 32}"
    assert (await operator.start("POST", "/api/v2/tasks", x_csrftoken="e" * 32, body=COUNT, **JSON))[0] == 403


async def test_the_form_token_changes_with_the_login(visitor: Asker):
    before = visitor.headers["x-csrftoken"]
    await log_in(visitor, "the-operator", PASSWORD)
    visitor.headers["cookie"] += "; " + session_cookie(visitor).partition(";")[0]
    assert (await visitor.start("POST", "/api/v2/tasks", x_csrftoken=before, body=COUNT, **JSON))[0] == 403


CANCEL = "/tasks/00000000-0000-4000-8000-000000000000/cancel"


async def test_a_form_of_somebody_whom_a_proxy_names_is_right_with_the_token_that_he_was_given(
    application: Any, now: Runtime, known: Access
):
    operator = as_proxied(application, "operator")
    await with_form_token(operator)
    assert (await operator.start("POST", "/api/v2/tasks", body=COUNT, **JSON))[0] == 201
    assert (await operator.start("POST", CANCEL))[0] == 404
    assert (await operator.start("POST", CANCEL, hx_request="true"))[0] == 404


@pytest.mark.parametrize("name", ["csrftoken", form_tokens.COOKIE, form_tokens.SECURE_COOKIE])
async def test_an_equal_pair_of_cookie_and_field_that_somebody_made_up_is_refused(application: Any, now: Runtime, known: Access, name: str):
    made_up: dict[str, Any] = {"cookie": f"{name}={'d' * 32}", "x_csrftoken": "d" * 32, "origin": "http://localhost"}
    operator = as_proxied(application, "operator")
    assert (await operator.start("POST", "/api/v2/tasks", body=COUNT, **JSON, **made_up))[0] == 403
    assert (await operator.start("POST", CANCEL, **made_up))[0] == 403
    assert (await operator.start("POST", CANCEL, hx_request="true", **made_up))[0] == 403
    assert (await log_in(Asker(application), "the-viewer", PASSWORD, **made_up))[0] == 403


async def test_a_pair_that_was_given_to_somebody_else_is_refused(application: Any, now: Runtime, known: Access):
    planted, nobody = as_proxied(application, "operator"), Asker(application)
    await with_form_token(planted)
    await with_form_token(nobody)
    for pair in (planted, nobody):
        admin = as_proxied(application, "admin")
        admin.headers |= {name: pair.headers[name] for name in ("cookie", "x-csrftoken", "origin")}
        assert (await admin.start("POST", "/api/v2/tasks", body=COUNT, **JSON))[0] == 403
        assert (await admin.start("POST", CANCEL))[0] == 403


async def test_without_a_login_a_form_is_right_with_the_servers_own_pair_alone(application: Any, now: Runtime, settings_of: Settings):
    settings_of()
    here = Asker(application)
    assert (await here.start("GET", "/api/v2/docs"))[0] == 200
    cookie = here.cookies[0].partition(";")[0]
    good: dict[str, Any] = {"cookie": cookie, "x_csrftoken": cookie.partition("=")[2]}
    assert (await here.start("POST", CANCEL, **good))[0] == 404
    assert (await here.start("POST", CANCEL, cookie=f"{form_tokens.COOKIE}={'d' * 32}", x_csrftoken="d" * 32))[0] == 403
    assert (await here.start("POST", CANCEL, cookie=f"csrftoken={'d' * 32}", x_csrftoken="d" * 32))[0] == 403


async def test_a_page_keeps_the_token_that_other_open_pages_have_and_takes_one_that_is_not_right_for_a_new_one(
    application: Any, now: Runtime, known: Access
):
    operator = as_proxied(application, "operator")
    await with_form_token(operator)
    before = operator.headers["cookie"]
    await operator.start("GET", "/api/v2/docs")
    assert operator.cookies[0].partition(";")[0] == before
    for wrong in ("", "d" * 32, "d" * 64, "x", "\u00e9", before.partition("=")[2][:-1]):
        await operator.start("GET", "/api/v2/docs", cookie=f"{form_tokens.COOKIE}={wrong}")
        given = operator.cookies[0].partition(";")[0]
        assert given != before
        assert form_tokens.is_for(given.partition("=")[2], Principal("sso-operator", Role.OPERATOR, Via.PROXY))


def test_another_secret_key_another_person_and_another_way_in_make_another_signature(settings: Any):
    ann = Principal("ann", Role.VIEWER, Via.PROXY)
    secret = form_tokens.new_secret(ann)
    assert form_tokens.is_for(secret, Principal("ann", Role.ADMIN, Via.PROXY))
    others = (None, Principal("bob", Role.VIEWER, Via.PROXY), Principal("ann", Role.VIEWER, Via.HOST, "s"), NOBODY_ASKED)
    assert not any(form_tokens.is_for(secret, other) for other in others)
    settings.SECRET_KEY = "another" * 10
    assert not form_tokens.is_for(secret, ann)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
async def test_another_sites_page_does_nothing_with_our_cookie_and_token(
    application: Any, now: Runtime, known: Access, method: str, site: str
):
    admin = as_user(application, known, "admin")
    del admin.headers["origin"]
    assert (await admin.start(method, "/api/v2/queues/count", sec_fetch_site=site, body=b'{"paused": false}', **JSON))[0] == 403
    assert audit.latest(1)[0].outcome == "forbidden"


async def test_a_session_over_a_frame_of_somebody_elses_origin_does_nothing(application: Any, now: Runtime, known: Access):
    operator = as_user(application, known, "operator")
    for origin in ("https://evil.example", "null", "http://localhost:9", "https://localhost"):
        status, headers = await operator.start("POST", "/api/v2/tasks", origin=origin, body=COUNT, **JSON)
        assert status == 403
        assert not any(name.startswith("access-control") for name in headers)
