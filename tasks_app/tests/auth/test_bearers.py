"""Tokens of scripts: in one header, and nowhere else."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from tasks_app.auth.access import Access
from tasks_app.auth.audit import audit
from tasks_app.auth.tokens import digest_of
from tasks_app.runtime import Runtime
from tasks_app.tests.auth.conftest import (
    Asker,
    Settings,
    as_token,
    as_user,
    token_of,
)


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer ", "Bearer wrong", "Basic bWlyYTptaXJh", "Bearer token-of-a-operator x", "token-of-a-operator", "bearer\ttoken"],
)
async def test_a_bad_bearer_is_refused_and_never_falls_back_to_the_cookie(application: Any, now: Runtime, known: Access, header: str):
    operator = as_user(application, known, "operator")
    status, headers = await operator.start("GET", "/api/v2/tasks", authorization=header)
    assert status == 401
    assert headers["www-authenticate"].startswith("Bearer")
    assert audit.latest(1)[0].outcome == "bad_token"


async def test_two_authorization_headers_are_refused(application: Any, now: Runtime, known: Access):
    more = [(b"authorization", f"Bearer {token_of('admin')}".encode())]
    assert (await as_token(application, "viewer").start("GET", "/api/v2/tasks", more=more))[0] == 401


@pytest.mark.parametrize("query", ["token", "access_token", "authorization", "bearer"])
async def test_a_token_in_an_address_is_not_looked_at(anybody: Asker, query: str):
    assert (await anybody.start("GET", f"/api/v2/stats?{query}={token_of('admin')}"))[0] == 401


async def test_a_token_that_was_taken_back_is_refused_at_once(application: Any, now: Runtime, settings_of: Settings, tmp_path: Any):
    path = tmp_path / "tokens"
    path.write_text(f"script:admin:{digest_of(token_of('admin'))}")
    path.chmod(0o600)
    found = settings_of(tokens_file=path)
    found._tokens._clock = count(10**9, 10).__next__
    script = as_token(application, "admin")
    assert (await script.start("GET", "/api/v2/tasks"))[0] == 200
    path.write_text("# nobody\n")
    assert (await script.start("GET", "/api/v2/tasks"))[0] == 401
