"""The settings page and its JSON: for admins, with what holds now, and without a secret."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tasks_app.auth.access import Access
from tasks_app.auth.principal import Role
from tasks_app.auth.uses import DAY, Use, Uses
from tasks_app.conf import get_config
from tasks_app.runtime import Runtime
from tasks_app.tests.auth.conftest import SECRET, Asker, as_token, as_user
from tasks_app.tests.web.conftest import text_of

PATHS = ("/settings", "/api/v2/settings")


@pytest.mark.parametrize("path", PATHS)
async def test_an_admin_sees_values_and_bounds_and_no_secret(application: Any, now: Runtime, known: Access, path: str):
    now.config = get_config()
    asker = as_token(application, "admin")
    assert (await asker.start("GET", path, accept="*/*"))[0] == 200
    text = asker.body.decode()
    for said in ("IOTASK_MAX_WAITING", "IOTASK_USERS", "IOTASK_TARGETS", "10.9.8.7"):
        assert said in text
    for secret in (SECRET, "pbkdf2", "the-viewer", "salt", *(token.digest for token in known.tokens)):
        assert secret not in text


async def test_tokens_are_listed_with_their_last_use_and_todays_calls(application: Any, now: Runtime, known: Access):
    now.config = get_config()
    operator, admin = as_token(application, "operator"), as_user(application, known, "admin")
    for _ in range(3):
        await operator.start("GET", "/api/v2/stats")
    await admin.start("GET", "/settings", accept="*/*")
    table = admin.body.decode().split('id="tokens-title"')[1].partition("</table>")[0]
    rows = [text_of(row) for row in table.split('<tr role="row">')[2:]]
    assert any(row.startswith(f"script-operator operator {operator.peer} ") and row.endswith(" 3") for row in rows)
    assert "script-viewer viewer nowhere yet never 0" in rows


def test_calls_of_a_token_begin_anew_each_day_and_its_last_use_is_kept():
    day = [10 * DAY + 5.0]
    uses = Uses(lambda: day[0])
    uses.count("a", "192.0.2.1")
    uses.count("a", "192.0.2.2")
    assert uses.of("a") == Use(10 * DAY + 5.0, "192.0.2.2", 2)
    day[0] += DAY
    assert uses.of("a") == Use(10 * DAY + 5.0, "192.0.2.2", 0)
    uses.count("a", "192.0.2.1")
    assert uses.of("a") == Use(11 * DAY + 5.0, "192.0.2.1", 1)
    uses.keep(frozenset({"b"}))
    assert uses.of("a") is None


async def test_the_json_has_numbers_beside_their_bounds(application: Any, now: Runtime, known: Access):
    now.config = get_config()
    asker = as_token(application, "admin")
    await asker.start("GET", "/api/v2/settings")
    told = json.loads(asker.body)
    by_name = {one["name"]: one for one in told["settings"]}
    assert by_name["max_waiting"]["use"] == {"used": 0, "most": 1_000_000}
    assert by_name["users"] | {"description": ""} == {
        "name": "users",
        "group": "login",
        "variable": "IOTASK_USERS",
        "value": True,
        "default": False,
        "secret": True,
        "description": "",
        "use": None,
    }
    assert {one["name"]: one["use"] for one in told["fixed"]}["stuck_handlers"] == {"used": 0, "most": 16}
    assert "ping" in [one["type"] for one in told["queues"]]


async def test_only_those_who_may_open_it_find_the_way(application: Any, now: Runtime, known: Access):
    for role in Role:
        asker: Asker = as_user(application, known, role)
        await asker.start("GET", "/")
        assert (b'href="/settings"' in asker.body) is (role is Role.ADMIN)
