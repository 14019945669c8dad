"""The table of who may do what, against the map of all routes, and against what the server really does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tasks_app.auth.access import Access
from tasks_app.auth.allow import Action, allow, suffices
from tasks_app.auth.principal import NOBODY_ASKED, Role
from tasks_app.auth.table import TABLE, asked
from tasks_app.runtime import Runtime
from tasks_app.tests.auth.conftest import Asker, as_proxied, as_token, as_user, with_form_token
from tasks_app.tests.auth.routes import routes

WHO_MAY = Path(__file__).with_name("who_may.txt")
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
NOBODY = "00000000-0000-4000-8000-000000000000"
PAGE: dict[str, Any] = {"accept": "application/xhtml+xml"}
PATHS = {  # of routes that are regular expressions
    "^(?:api|healthz|readyz|metrics)(?:/.*)?$": "api/nothing",
    "^poll-task/(?P<task_id>(?s:.+))$": f"poll-task/{NOBODY}",
    "^files/(?P<name>(?s:.*))$": f"files/task_{NOBODY}.json",
    "^(?:create-task|poll-task)(?:/|$)": "create-task/nothing",
    "^job/": "job/no/thing/here",
    "^api/v1(?:/|$)": "api/v1/nothing",
    "^tasks/[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}/": f"tasks/{NOBODY}/nothing",
    "^tasks/": "tasks/no/thing",
    "compat/iotask/tasks/(?P<task_id>(?s:.*))\\Z": f"compat/iotask/tasks/{NOBODY}",
    "compat/iotask/": "compat/iotask/nothing",
    "compat/taskqueue/": "compat/taskqueue/nothing",
}


def path_of(route: str) -> str:
    filled = re.sub(r"<(?:uuid|str):task_id>|<task_id>|<uuid:schedule_id>", NOBODY, PATHS.get(route, route))
    filled = re.sub(r"<(?:str:)?(?:type_name|name)>", "count", filled)
    return "/" + re.sub(r"<str:job_id>|<str:handle>", "999999", filled)


def test_every_route_is_in_the_table_and_every_line_of_the_table_is_a_route():
    assert {route for route, _ in routes()} == set(TABLE)


def test_a_route_nobody_wrote_down_asks_for_nothing_that_could_be_allowed():
    assert asked("backdoor", "GET") is None


def test_a_method_nobody_wrote_down_asks_for_an_admin():
    assert asked("", "PUT") is Action.SETTINGS
    assert asked("api/v2/tasks", "PROPFIND") is Action.SETTINGS


def test_head_and_options_are_like_get():
    assert asked("metrics", "HEAD") is asked("metrics", "OPTIONS") is Action.READ
    assert asked("healthz", "HEAD") is Action.PUBLIC
    assert asked("job", "OPTIONS") is Action.READ


def test_whoever_may_more_may_all_that_others_may():
    for action in set(Action) - {Action.PUBLIC}:
        answers = [suffices(role, action) for role in Role]
        assert answers == sorted(answers)
        assert not allow(None, action)


async def least(asker_of: Any, anybody: Asker, method: str, path: str) -> str:
    """Whoever may least and is let in."""
    status, headers = await anybody.start(method, path, **PAGE)
    refused = status == 403 or (status == 401 and path != "/login") or headers.get("location", "").startswith("/login?")
    if not refused:
        return "everybody"
    for role in Role:
        status, headers = await asker_of(role).start(method, path)
        if status != 403:
            assert status != 401, (method, path, role)
            return role.value
    return "nobody"


def told(who: dict[str, dict[str, str]]) -> Iterator[str]:
    for route, methods in who.items():
        yield f"{route or '(the list)':60} " + "  ".join(f"{method} {role}" for method, role in methods.items())


@pytest.mark.timeout(300)
@pytest.mark.parametrize("by", ["password", "token", "proxy"])
async def test_each_route_lets_in_whom_the_table_in_the_repository_names(application: Any, anybody: Asker, known: Access, by: str):
    proxied = {role: as_proxied(application, role) for role in Role}
    for asker in (anybody, *proxied.values()):
        await with_form_token(asker)
    asker_of = {
        "password": lambda role: as_user(application, known, role),  # anew each time: one of the routes ends the session
        "token": lambda role: as_token(application, role),
        "proxy": lambda role: proxied[role],
    }[by]
    found = {route: {method: await least(asker_of, anybody, method, path_of(route)) for method in METHODS} for route in TABLE}
    written = [line for line in WHO_MAY.read_text("utf-8").splitlines() if not line.startswith("#")]
    assert set(told(found)) == set(written)
    assert len(written) == len(TABLE)


async def test_nobody_gets_anything_out_of_a_method_that_is_not_written_down(application: Any, now: Runtime, known: Access):
    admin = as_user(application, known, "admin")
    for route, methods in TABLE.items():
        for method in set(METHODS[3:]) - set(methods):
            status, _ = await admin.start(method, path_of(route))
            assert status in (404, 405), (method, route)


async def test_pages_send_to_the_login_and_everything_else_says_401_in_its_own_shape(anybody: Asker):
    status, headers = await anybody.start("GET", "/?status=failed&q=a", **PAGE)
    assert (status, headers["location"]) == (303, "/login?next=%2F%3Fstatus%3Dfailed%26q%3Da")
    status, headers = await anybody.start("POST", f"/tasks/{NOBODY}/cancel", hx_request="true", hx_current_url="http://localhost/?q=a")
    assert (status, headers["hx-redirect"]) == (401, "/login?next=%2F%3Fq%3Da")
    status, headers = await anybody.start("GET", "/api/v2/tasks")
    assert (status, headers["content-type"]) == (401, "application/problem+json")
    assert headers["www-authenticate"].startswith("Bearer")
    status, headers = await anybody.start("GET", "/job/all")
    assert (status, headers["www-authenticate"][:6]) == (401, "Bearer")
    assert anybody.body.startswith(b'{"Status":401,"Data":{"errors":')
    status, headers = await anybody.start("POST", "/api/v1/tasks")
    assert (status, headers["content-type"]) == (401, "text/plain; charset=utf-8")


async def test_health_is_for_everybody_and_says_no_more_than_ok(anybody: Asker, now: Runtime):
    assert (await anybody.start("GET", "/healthz"))[0] == 200
    assert anybody.body == b'{"status":"ok"}'
    assert (await anybody.start("GET", "/readyz"))[0] == 200
    assert anybody.body == b'{"status":"ready"}'
    now.begin_drain()
    status, headers = await anybody.start("GET", "/readyz")
    assert (status, headers["retry-after"]) == (503, "5")
    assert b"stopping" not in anybody.body
    assert (await anybody.start("GET", "/metrics"))[0] == 401


async def test_those_who_are_known_hear_why_a_server_is_not_ready(application: Any, now: Runtime, known: Access):
    now.begin_drain()
    viewer = as_token(application, "viewer")
    assert (await viewer.start("GET", "/readyz"))[0] == 503
    assert b"The server is stopping." in viewer.body


def test_a_server_without_a_login_keeps_nobodys_name():
    assert NOBODY_ASKED.name == ""
    assert all(allow(NOBODY_ASKED, action) for action in Action)
