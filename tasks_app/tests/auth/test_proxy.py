"""A proxy's word on who somebody is, and no word at all: a server without a login."""

from __future__ import annotations

from typing import Any

import pytest

from tasks_app.auth.access import Access
from tasks_app.runtime import Runtime
from tasks_app.tests.auth.conftest import (
    PEER,
    SECRET,
    Asker,
    Settings,
    as_proxied,
    with_form_token,
)

COUNT = b'{"type": "count", "params": {"to": 1}}'
JSON = {"content_type": "application/json"}


async def test_a_proxys_word_counts_from_a_trusted_peer_with_the_secret(application: Any, now: Runtime, known: Access):
    assert (await as_proxied(application, "viewer").start("GET", "/"))[0] == 200
    admin = as_proxied(application, "admin")
    assert (await admin.start("GET", "/sessions"))[0] == 200
    assert b"<bdi>sso-admin</bdi></b>, admin" in admin.body


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"peer": "192.0.2.1"}, 401),
        ({"x-proxy-secret": None}, 401),
        ({"x-proxy-secret": "wrong"}, 401),
        ({"x-proxy-secret": SECRET[:-1]}, 401),
        ({"x-remote-user": ""}, 401),
        ({"x-remote-user": None}, 401),
        ({"x-remote-user": "a b"}, 401),
        ({"x-remote-role": "boss"}, 403),
        ({"x-remote-role": None}, 200),
    ],
)
async def test_anything_less_does_not(application: Any, now: Runtime, known: Access, change: dict[str, Any], status: int):
    asker = as_proxied(application, "viewer")
    asker.peer = change.pop("peer", asker.peer)
    asker.headers = {name: value for name, value in (asker.headers | change).items() if value is not None}
    assert (await asker.start("GET", "/api/v2/tasks"))[0] == status


async def test_a_name_that_stands_there_twice_is_refused(application: Any, now: Runtime, known: Access):
    for name in (b"x-remote-user", b"x-proxy-secret", b"x-remote-role"):
        assert (await as_proxied(application, "viewer").start("GET", "/api/v2/tasks", more=[(name, b"admin")]))[0] == 400


async def test_a_header_with_underscores_is_another_one(application: Any, now: Runtime, known: Access):
    for peer in ("192.0.2.1", PEER):
        asker = Asker(application, {}, peer)
        twins = [(b"x_remote_user", b"admin"), (b"x_proxy_secret", SECRET.encode()), (b"x_remote_role", b"admin")]
        assert (await asker.start("GET", "/api/v2/tasks", more=twins))[0] == 401


async def test_a_proxys_users_need_the_pages_token_for_the_api_too(application: Any, now: Runtime, known: Access):
    operator = as_proxied(application, "operator")
    assert (await operator.start("POST", "/api/v2/tasks", body=COUNT, **JSON))[0] == 403
    await with_form_token(operator)
    assert (await operator.start("POST", "/api/v2/tasks", body=COUNT, **JSON))[0] == 201


async def test_without_a_login_only_this_machine_is_answered(application: Any, now: Runtime, settings_of: Settings):
    settings_of()
    local, other = Asker(application), Asker(application, peer="192.0.2.1")
    assert (await local.start("GET", "/api/v2/tasks"))[0] == 200
    for path in ("/", "/api/v2/tasks", "/metrics", "/job/all"):
        assert (await other.start("GET", path))[0] == 403
    assert (await other.start("GET", "/healthz"))[0] == 200
    assert (await other.start("GET", "/api/v2/tasks", x_forwarded_for="127.0.0.1"))[0] == 403
    settings_of(open_to_others=True)
    assert (await other.start("GET", "/api/v2/tasks"))[0] == 200


async def test_without_a_login_a_name_that_was_rebound_to_this_machine_is_refused(application: Any, now: Runtime, settings_of: Settings):
    settings_of()
    for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost."):
        assert (await Asker(application).start("GET", "/api/v2/tasks", host=host))[0] == 400


async def test_without_a_login_an_authorization_header_is_not_looked_at(application: Any, now: Runtime, settings_of: Settings):
    settings_of()
    assert (await Asker(application).start("GET", "/api/v2/tasks", authorization="Bearer anything"))[0] == 200
