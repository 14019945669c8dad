"""Which servers are too open to be started, and the commands that make lines for users and tokens."""

from __future__ import annotations

import io
import re
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.hashers import check_password
from django.core.management import CommandError, call_command

from tasks_app import exposure
from tasks_app.auth.errors import WrongLogin
from tasks_app.exposure import Exposed, check_address, check_login, reminded
from tasks_app.logs import server_lines
from tasks_app.management.commands import hashpassword
from tasks_app.tests.auth.conftest import Settings, user_line

TOKENS = {"tokens": f"nightly:admin:{'0' * 64}"}
HERE = ["localhost", "127.0.0.1", "[::1]"]


@pytest.fixture
def hosts(settings: Any) -> Any:
    settings.ALLOWED_HOSTS = HERE
    settings.DEBUG = False
    return settings


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"users": "# nobody"}, "IOTASK_USERS is set, and nothing is in it but comments"),
        ({"users": "mira:admin"}, "IOTASK_USERS, line 1: a user is name:role:hash"),
        ({"tokens": "nightly:admin:abc"}, "IOTASK_TOKENS, line 1: a token is label:role:sha256"),
        ({"proxy_auth": "secret=0123456789abcdef"}, "IOTASK_TRUSTED_PROXIES does not say which proxies"),
        ({"proxy_auth": "user=X-User"}, "at least 16 characters"),
        ({"trusted_proxies": ("nowhere",)}, "IOTASK_TRUSTED_PROXIES: 'nowhere'"),
        ({"users_file": Path("/no/such/file")}, "which cannot be read"),
    ],
)
def test_a_login_that_is_set_wrong_stops_the_start(hosts, settings_of: Settings, values, said):
    with pytest.raises(WrongLogin, match=re.escape(said)):
        settings_of(**values)
    with pytest.raises(Exposed, match=re.escape(said)):
        check_login()


def test_a_users_file_that_others_can_read_stops_the_start(hosts, settings_of: Settings, tmp_path):
    path = tmp_path / "users"
    path.write_text(user_line("mira", "admin"))
    path.chmod(0o644)
    with pytest.raises(WrongLogin, match="chmod 600"):
        settings_of(users_file=path)
    with pytest.raises(Exposed, match="chmod 600"):
        check_login()


@pytest.mark.parametrize("names", [["tasks.example"], ["*"], [".localhost"], [*HERE, "tasks.example"]])
def test_without_a_login_only_names_of_this_machine_are_served(hosts, settings_of: Settings, names):
    hosts.ALLOWED_HOSTS = names
    settings_of()
    with pytest.raises(Exposed, match="ALLOWED_HOSTS has"):
        check_login()
    settings_of(open_to_others=True)
    check_login()
    settings_of(**TOKENS)
    check_login()


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.1", "fe80::1"])
def test_without_a_login_only_this_machine_is_listened_to(hosts, settings_of: Settings, address):
    settings_of()
    check_address("localhost", "127.0.0.1")
    check_address("localhost", "::1")
    with pytest.raises(Exposed, match="can be reached from other machines, and nobody has to log in"):
        check_address(address, address)
    settings_of(open_to_others=True)
    check_address(address, address)
    settings_of(**TOKENS)
    check_address(address, address)


def test_nobody_else_sees_what_debugging_shows(hosts, settings_of: Settings):
    hosts.DEBUG = True
    settings_of()
    check_login()
    settings_of(open_to_others=True)
    with pytest.raises(Exposed, match="set DEBUG=0"):
        check_address("0.0.0.0", "0.0.0.0")
    settings_of(**TOKENS)
    with pytest.raises(Exposed, match="DEBUG is on"):
        check_login()


def test_an_open_server_says_so_each_minute(hosts, settings_of: Settings, monkeypatch):
    said = threading.Semaphore(0)
    monkeypatch.setattr(exposure, "REMIND_SECONDS", 0.01)
    monkeypatch.setattr(server_lines, "open_to_all", said.release)
    settings_of(open_to_others=True)
    with reminded():
        for _ in range(3):
            assert said.acquire(timeout=60)
    for quiet in ({}, {"open_to_others": True, **TOKENS}):
        settings_of(**quiet)
        before = set(threading.enumerate())
        with reminded():
            assert set(threading.enumerate()) <= before


# -- commands


def line_of(monkeypatch: pytest.MonkeyPatch, *arguments: str, given: str) -> str:
    monkeypatch.setattr(sys, "stdin", io.StringIO(given))
    said = io.StringIO()
    call_command("hashpassword", *arguments, stdout=said)
    return said.getvalue()


def test_a_password_from_a_pipe_becomes_a_line_that_knows_it_and_shows_it_not(monkeypatch):
    line = line_of(monkeypatch, "mira", "admin", given="correct horse\nmore\n")
    name, role, hash = line.strip().split(":", 2)
    assert (name, role) == ("mira", "admin")
    assert check_password("correct horse", hash)
    assert "horse" not in line


@pytest.mark.parametrize(
    ("name", "password", "said"),
    [
        ("mi ra", "correct horse", "A name has"),
        ("mi:ra", "correct horse", "A name has"),
        ("mira", "short", "at least 8 characters"),
        ("mira", "", "at least 8 characters"),
        ("mira", "x" * 1025, "at most 1,024 bytes"),
    ],
)
def test_a_name_or_a_password_that_cannot_be_one_is_told(monkeypatch, name, password, said):
    with pytest.raises(CommandError, match=said):
        line_of(monkeypatch, name, "admin", given=password)


def test_a_password_is_asked_for_twice_at_a_terminal(monkeypatch):
    answers = ["correct horse", "correct horse", "correct horse", "correct house"]
    monkeypatch.setattr(hashpassword, "getpass", lambda words: answers.pop(0))
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    said = io.StringIO()
    call_command("hashpassword", "mira", "viewer", stdout=said)
    assert said.getvalue().startswith("mira:viewer:pbkdf2_sha256$")
    with pytest.raises(CommandError, match="another password than before"):
        call_command("hashpassword", "mira", "viewer", stdout=said)
