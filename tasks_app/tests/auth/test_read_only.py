"""A read-only server: in every mode nobody changes anything, and no page has anything to press."""

from __future__ import annotations

from typing import Any

import pytest

from tasks_app.auth.allow import EFFECTS, Action
from tasks_app.auth.table import TABLE
from tasks_app.auth.tokens import digest_of
from tasks_app.runtime import Runtime
from tasks_app.tests.auth.conftest import PEER, SECRET, Asker, Settings, as_proxied, as_token, as_user, token_of, user_line, with_form_token
from tasks_app.tests.auth.test_table import PAGE, path_of

MODES: dict[str, dict[str, Any]] = {
    "open": {},
    "password": {"users": user_line("the-admin", "admin")},
    "token": {"tokens": f"a:admin:{digest_of(token_of('admin'))}"},
    "proxy": {"proxy_auth": f"secret={SECRET}, role=X-Remote-Role", "trusted_proxies": (PEER,)},
}


@pytest.mark.parametrize("mode", ["open", "password", "token", "proxy"])
async def test_a_read_only_server_lets_nobody_change_anything(application: Any, now: Runtime, settings_of: Settings, mode: str):
    found = settings_of(read_only=True, **MODES[mode])
    admin = {
        "open": lambda: Asker(application),
        "password": lambda: as_user(application, found, "admin"),
        "token": lambda: as_token(application, "admin"),
        "proxy": lambda: as_proxied(application, "admin"),
    }[mode]()
    if mode == "proxy":
        await with_form_token(admin)
    for route, methods in TABLE.items():
        for method, action in methods.items():
            if action in (Action.PUBLIC, Action.LEAVE):
                continue
            status, _ = await admin.start(method, path_of(route))
            assert (status == 403) == (action in EFFECTS or action is Action.PREPARE), (method, route, status)
    assert (await admin.start("GET", "/", **PAGE))[0] == 200
    assert b"data-reader" in admin.body
    assert b"Read-only</span>" in admin.body
    assert b'href="/launch"' not in admin.body
    assert b'id="act"' not in admin.body
