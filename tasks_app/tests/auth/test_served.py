"""Real servers: how they refuse to be open, and sockets and streams that end with the session."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest
import websockets
from websockets.asyncio.client import ClientConnection, connect

from tasks_app.auth.access import COOKIE
from tasks_app.auth.tokens import digest_of
from tasks_app.tests.auth.conftest import PASSWORD, token_of, user_line
from tasks_app.tests.processes import PATIENCE, Started, started
from tasks_app.tests.test_env import manage

ROLES = ("viewer", "operator", "admin")
TOKENS = "\n".join(f"script-{role}:{role}:{digest_of(token_of(role))}" for role in ROLES)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """A server that knows three users and three tokens."""
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "users").write_text("\n".join(user_line(f"the-{role}", role) for role in ROLES))
    (folder / "users").chmod(0o600)
    with started(
        folder / "output", "manage.py", "serve", "-p", "0", IOTASK_USERS_FILE=str(folder / "users"), IOTASK_TOKENS=TOKENS
    ) as process:
        yield process
        assert process.stop() == 0, process.said


@pytest.fixture
def users(guarded: Started, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file they stand in."""
    return guarded._output.parent / "users"


Enter = Callable[[str], httpx.Client]


@pytest.fixture
def enter(guarded: Started) -> Iterator[Enter]:
    """Logs somebody in, with a browser of his own."""
    with ExitStack() as clients:
        yield lambda name: logged_in(clients.enter_context(httpx.Client(base_url=guarded.url)), name)


@pytest.fixture(scope="module")
def admin_cookie(guarded: Started) -> Iterator[str]:
    """The cookie of an admin who stays."""
    with httpx.Client(base_url=guarded.url) as client:
        yield f"{COOKIE}={logged_in(client, 'the-admin').cookies[COOKIE]}"


def logged_in(client: httpx.Client, name: str) -> httpx.Client:
    form = client.get("/login").text
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)
    assert token
    answer = client.post("/login", data={"name": name, "password": PASSWORD, "csrfmiddlewaretoken": token[1]})
    assert answer.status_code == 303, answer.text
    return client


def csrf(client: httpx.Client) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', client.get("/").text)
    assert found
    return found[1]


def open_socket(guarded: Started, path: str = "/live/tasks", **headers: str) -> connect:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return connect(guarded.url.replace("http", "ws") + path, additional_headers=given, compression=None)


def as_page(guarded: Started, client: httpx.Client, path: str = "/live/tasks") -> connect:
    return open_socket(guarded, path, origin=guarded.url, cookie=f"{COOKIE}={client.cookies[COOKIE]}")


async def code_of(socket: ClientConnection, seconds: float) -> int | None:
    """The code it is closed with."""
    with suppress(websockets.ConnectionClosedError):
        async with asyncio.timeout(seconds):
            async for _ in socket:
                pass
    return socket.close_code


async def test_a_page_of_somebody_who_is_signed_in_is_live(guarded, enter):
    async with as_page(guarded, enter("the-viewer")) as socket:
        assert json.loads(await socket.recv())["snapshot"]


async def test_a_page_of_nobody_is_told_to_log_in(guarded):
    for headers in ({}, {"cookie": f"{COOKIE}=wrong"}):
        async with open_socket(guarded, origin=guarded.url, **headers) as socket:
            assert await code_of(socket, PATIENCE) == 4401


async def test_a_socket_is_closed_when_its_session_ends(guarded, enter):
    client = enter("the-viewer")
    async with as_page(guarded, client) as socket:
        await socket.recv()
        assert client.post("/logout", headers={"X-CSRFToken": csrf(client)}).status_code == 303
        assert await code_of(socket, PATIENCE) == 4401


async def test_a_socket_is_closed_when_an_admin_ends_its_session_and_others_stay(guarded, enter):
    client, admin = enter("the-viewer"), enter("the-admin")
    async with as_page(guarded, client) as socket, as_page(guarded, admin) as other:
        await socket.recv()
        page = admin.get("/sessions").text
        row = next(row for row in page.split("<tr ") if "the-viewer" in row and "this one" not in row)
        form = re.search(r'action="(/sessions/\w+/end)"', row)
        assert form
        assert admin.post(form[1], headers={"X-CSRFToken": csrf(admin)}).status_code == 303
        assert await code_of(socket, PATIENCE) == 4401
        await other.recv()
        assert other.close_code is None
    assert client.get("/api/v2/tasks").status_code == 401


async def test_sockets_and_streams_end_when_a_role_is_lowered(guarded, enter, users):
    before = users.read_text()
    client = enter("the-operator")
    async with as_page(guarded, client) as socket:
        await socket.recv()
        with client.stream("GET", "/api/v2/events", timeout=PATIENCE) as stream:
            parts = stream.iter_raw()
            assert b"event: ready" in next(parts)
            _written(users, before.replace("the-operator:operator:", "the-operator:viewer:"))
            assert await code_of(socket, PATIENCE) == 4401
            await asyncio.to_thread(list, parts)
    _written(users, before)


def _written(users: Path, text: str) -> None:
    """In one step: the server may look at any moment, and a file with nobody in it ends everybody's sessions."""
    new = users.with_name("new users")
    new.write_text(text)
    new.chmod(0o600)
    new.replace(users)


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "http://evil.example",
        "http://127.0.0.1:1",
        "http://127.0.0.1",
        "https://{host}",
        "http://sub.{host}",
        "http://{host}.evil.example",
        "http://me@{host}",
        "HTTP://{host}",
        "http://{host}/",
        "http://localhost:{port}",
    ],
)
async def test_a_socket_from_any_other_origin_is_refused(guarded, admin_cookie, origin):
    host = guarded.url.removeprefix("http://")
    origin = origin.format(host=host, port=host.rpartition(":")[2])
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with open_socket(guarded, origin=origin, cookie=admin_cookie):
            pass
    assert refused.value.response.status_code == 403


async def test_a_program_shows_a_token_and_no_cookie(guarded, admin_cookie):
    bearer = f"Bearer {token_of('viewer')}"
    async with open_socket(guarded, authorization=bearer) as socket:
        assert json.loads(await socket.recv())["snapshot"]
    for headers in ({"authorization": bearer, "cookie": admin_cookie}, {"cookie": admin_cookie}, {}):
        with pytest.raises(websockets.InvalidStatus):
            async with open_socket(guarded, **headers):
                pass
    async with open_socket(guarded, authorization="Bearer wrong") as socket:
        assert await code_of(socket, PATIENCE) == 4401


async def test_what_would_have_an_effect_is_refused_on_a_socket_and_written_down(guarded):
    async with open_socket(guarded, authorization=f"Bearer {token_of('viewer')}") as socket:
        await socket.recv()
        await socket.send('{"cancel": "an-id"}')
        while "error" not in (frame := json.loads(await socket.recv())):
            pass
        assert (frame["error"]["status"], frame["error"]["code"]) == (403, "not_over_a_socket")
    line = json.loads(audit_of(guarded).splitlines()[-1])
    assert (line["who"], line["action"], line["outcome"]) == ("script-viewer", "cancel", "not_over_a_socket")


def audit_of(guarded: Started) -> str:
    return (guarded._output.parent / "logs" / "audit.log").read_text()


def test_no_secret_is_in_any_log(guarded, enter):
    client = enter("the-viewer")
    httpx.get(f"{guarded.url}/api/v2/tasks", headers={"Authorization": "Bearer a-secret-that-is-wrong"})
    client.post("/login", data={"name": "the-viewer", "password": "a secret typed wrong"})
    said = audit_of(guarded) + guarded.said + (guarded._output.parent / "logs" / "app.log").read_text()
    cookie = client.cookies[COOKIE]
    assert "the-viewer" in said
    for secret in (PASSWORD, "a secret typed wrong", "a-secret-that-is-wrong", token_of("viewer"), cookie, "pbkdf2_sha256"):
        assert secret not in said
    assert all(json.loads(line) for line in audit_of(guarded).splitlines())


async def test_pages_are_answered_while_many_log_in_at_once(guarded):
    token = {"Authorization": f"Bearer {token_of('viewer')}"}
    async with httpx.AsyncClient(base_url=guarded.url, timeout=None) as client:
        form = (await client.get("/login")).text
        found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)
        assert found
        data = {"password": "wrong", "csrfmiddlewaretoken": found[1]}
        for turn in range(5):  # who stands still himself meanwhile asks for less
            tries = [asyncio.create_task(client.post("/login", data={**data, "name": f"nobody-{turn}-{number}"})) for number in range(6)]
            answered = 0
            while not all(one.done() for one in tries):
                assert (await client.get("/api/v2/stats", headers=token)).status_code == 200
                answered += 1
                await asyncio.sleep(0.02)
            assert {one.result().status_code for one in tries} <= {401, 429, 503}
            if answered > 3:
                return
    raise AssertionError("nobody else was answered")


async def test_every_delete_that_was_answered_is_in_the_audit_when_the_server_is_killed(tmp_path):
    headers = {"Authorization": f"Bearer {token_of('operator')}"}
    with started(tmp_path / "output", "manage.py", "serve", "-p", "0", IOTASK_TOKENS=TOKENS) as process:
        async with httpx.AsyncClient(base_url=process.url, headers=headers, timeout=120) as client:
            asked = {"tasks": [{"type": "count", "params": {"to": 1000}, "run_at": "2999-01-01T00:00:00Z"}] * 1000}
            ids = (await client.post("/api/v2/tasks/bulk", json=asked)).json()["ids"]
            done: list[str] = []

            async def delete(task: str) -> None:
                answer = await client.delete(f"/api/v2/tasks/{task}")
                assert answer.status_code == 204
                done.append(task)
                if len(done) == 200:
                    process.process.kill()

            await asyncio.gather(*map(delete, ids), return_exceptions=True)
    lines = [json.loads(line) for line in (tmp_path / "logs" / "audit.log").read_bytes().splitlines()]
    assert len(done) >= 200
    assert set(done) <= {line["object"] for line in lines if line["action"] == "delete"}


def test_a_read_only_server_reads_no_topic():
    done = manage("serve", "-p", "0", "--kafka", "127.0.0.1:1", READ_ONLY="1")
    assert done.returncode == 1
    assert "READ_ONLY is set, and a topic would launch tasks" in done.stderr


# -- a door that would be open


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"HOST": "::"}, "nobody has to log in"),
        ({"IOTASK_USERS": "mira:admin"}, "IOTASK_USERS, line 1: a user is name:role:hash"),
        ({"SECRET_KEY": "a-short-key"}, "SECRET_KEY is too weak"),
    ],
)
def test_a_door_that_would_be_open_or_is_set_wrong_stops_the_start(variables, said):
    done = manage("serve", "-p", "0", **variables)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert said in done.stderr
    assert "a-short-key" not in done.stderr


def test_with_a_login_other_machines_may_come(tmp_path):
    command = ("manage.py", "serve", "-p", "0", "--host", "0.0.0.0")
    with started(tmp_path / "output", *command, IOTASK_TOKENS=TOKENS) as process:
        assert httpx.get(f"{process.url}/api/v2/tasks").status_code == 401
        headers = {"Authorization": f"Bearer {token_of('viewer')}"}
        assert httpx.get(f"{process.url}/api/v2/tasks", headers=headers).status_code == 200
        assert process.stop() == 0


def test_a_server_that_is_open_to_all_says_so(tmp_path):
    command = ("manage.py", "serve", "-p", "0", "--host", "0.0.0.0", "--i-know-this-is-open")
    with started(tmp_path / "output", *command) as process:
        assert httpx.get(f"{process.url}/").status_code == 200
        process.wait_until(lambda: "server_open" in process.said)
        assert process.stop() == 0


def test_the_commands_help_where_the_settings_are_wrong():
    done = manage("maketoken", "nightly", "operator", IOTASK_USERS="nonsense")
    token, line = (text.rpartition(": ")[2] for text in done.stdout.splitlines())
    assert line == f"nightly:operator:{digest_of(token)}"
    assert manage("check", IOTASK_USERS="nonsense").returncode == 1
