"""No redirect and no odd spelling leads to what is not let through."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks_app.handlers._egress import Door
from tasks_app.handlers.download import download
from tasks_app.handlers.http_check import http_check
from tasks_app.tests.handlers.conftest import Serve
from tasks_app.tests.handlers.dialling import blocked, check_of, in_url, launchable, ping_of, redirecting
from tasks_app.tests.handlers.names import NameServer
from tasks_app.tests.handlers.nasty import LITERALS, ODD, SCOPED
from tasks_app.tests.handlers.running import execute


@pytest.mark.parametrize("host", LITERALS)
async def test_no_redirect_leads_to_what_is_not_public(
    host: str, own_door: Door, names: NameServer, serve: Serve, folder: Path, dialled: list[str]
):
    names.tell("evil.test", [host])
    async with redirecting(serve) as (origin, goals):
        own_door.configure(f"public,127.0.0.1:{origin.port}")
        for goal in (f"http://{in_url(host)}/", f"https://{in_url(host)}:8443/x", "http://evil.test/"):
            goals.append(goal)
            await blocked(check_of(str(origin)))
            goals.append(goal)
            await blocked((download, {"url": str(origin), "follow_redirects": True}))
    assert set(dialled) == {f"127.0.0.1:{origin.port}"}


@pytest.mark.parametrize("host", [*ODD, *SCOPED])
async def test_odd_spellings_are_refused_before_anything_is_dialled(host: str, public: Door, serve: Serve, dialled: list[str]):
    for asked in (
        ping_of(host),
        check_of(f"http://{host}/"),
        check_of(f"http://{in_url(host)}/"),
        check_of(f"http://{host.replace('%', '%25')}/"),
    ):
        if launchable(asked):
            await blocked(asked)
    async with redirecting(serve) as (origin, goals):
        public.configure(f"public,127.0.0.1:{origin.port}")
        for goal in (f"http://{host}/", f"http://{in_url(host)}/", f"//{host}"):
            goals.append(goal)
            ran = await execute(*check_of(str(origin)))
            assert not ran.completed
            assert ran.kind in ("blocked_address", "BadRedirect", "BadAnswer", "Unreachable"), (goal, ran.message)
    assert set(dialled) == {f"127.0.0.1:{origin.port}"}


@pytest.mark.parametrize(
    "goal",
    [
        "file:///etc/passwd", "gopher://127.0.0.1:6379/_INFO", "ftp://127.0.0.1/", "dict://127.0.0.1:11211/", "javascript:alert(1)",
        "data:text/plain,x", "unix:///run/docker.sock", "ws://127.0.0.1/", "http:///", "http://", "//", "http://user@10.0.0.1/",
        "http://user:secret@127.0.0.1/", "http://8.8.8.8@10.0.0.1/", "http://10.0.0.1#@8.8.8.8/", "http:10.0.0.1", "http:/\\10.0.0.1/",
        "http://8.8.8.8:22/", "http://8.8.8.8:0/", "http://8.8.8.8:99999/", "\\\\10.0.0.1\\x", "http://10.0.0.1:80\\@8.8.8.8/",
        "http://" + "a" * 1_000_000 + ".test/", "/" + "a" * 1_000_000,
    ],
)  # fmt: skip
async def test_redirects_to_what_is_no_target_go_nowhere(goal: str, own_door: Door, names: NameServer, serve: Serve, dialled: list[str]):
    async with redirecting(serve) as (origin, goals):
        own_door.configure(f"public,127.0.0.1:{origin.port}")
        goals.append(goal)
        ran = await execute(*check_of(str(origin)))
    assert ran.kind in ("blocked_address", "BadRedirect", "BadAnswer", "Unreachable", "UnexpectedStatus"), ran.message
    assert len(ran.message) < 300
    assert set(dialled) == {f"127.0.0.1:{origin.port}"}


async def test_redirects_in_a_circle_end_after_three(own_door: Door, serve: Serve, dialled: list[str]):
    async with redirecting(serve) as (origin, goals):
        own_door.configure("any")
        ran = await execute(*check_of(str(origin)))
        assert (ran.kind, len(dialled)) == ("BadRedirect", 4)
        goals.append("/again")
        ran = await execute(http_check, {"url": str(origin)})
        assert ran.message.endswith("answered 302, not 200"), "not followed unless asked for"
        assert len(dialled) == 5
