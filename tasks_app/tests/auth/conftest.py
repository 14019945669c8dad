"""A server in this process that knows three users and three tokens, and whoever asks it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from tasks_app.auth import access
from tasks_app.auth.access import COOKIE, Access
from tasks_app.auth.audit import audit
from tasks_app.auth.principal import Role
from tasks_app.auth.rates import Rates
from tasks_app.auth.tokens import digest_of
from tasks_app.runtime import Runtime
from tasks_app.tests.api.asgi import Exchange
from tasks_app.tests.api.conftest import application, config, now

__all__ = ["application", "config", "now"]  # fixtures
FORM = "application/x-www-form-urlencoded"
PASSWORD = "correct horse battery"
SECRET = "a secret between the proxy and us"
PEER = "10.9.8.7"  # of the proxy
Settings = Callable[..., Access]


def user_line(name: str, role: str, password: str = PASSWORD) -> str:
    return f"{name}:{role}:{PBKDF2PasswordHasher().encode(password, 'salt' * 6, iterations=1)}"


def token_of(role: str) -> str:
    return f"token-of-a-{role}"


@pytest.fixture(autouse=True)
def nothing_was_refused_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is refused again and again is counted, over the end of a test as well."""
    monkeypatch.setattr(audit, "_said", {})


@pytest.fixture
def settings_of(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Sets what a test wants; hashing is quick, as nobody guesses here, and the clock of rates stands still, however slow a machine is."""
    monkeypatch.setattr(PBKDF2PasswordHasher, "iterations", 1)
    monkeypatch.setattr(Rates.__init__, "__defaults__", (lambda: 1_000.0,))
    before = settings.IOTASK

    def set_to(**values: Any) -> Access:
        settings.IOTASK = {**before, **values}
        return access.get()

    return set_to


@pytest.fixture
def known(settings_of: Settings) -> Access:
    """Users, tokens and a proxy at once."""
    return settings_of(
        users="\n".join(user_line(f"the-{role}", role) for role in Role),
        tokens="\n".join(f"script-{role}:{role}:{digest_of(token_of(role))}" for role in Role),
        proxy_auth=f"secret={SECRET}, role=X-Remote-Role",
        trusted_proxies=(PEER,),
    )


class Asker:
    """Sends requests with the headers of somebody; `peer` is where they come from."""

    def __init__(self, application: Any, headers: dict[str, str] | None = None, peer: str = "127.0.0.1") -> None:
        self._application = application
        self.headers = headers or {}
        self.peer = peer
        self.body = b""
        self.whole = False
        self.cookies: list[str] = []

    async def start(self, method: str, path: str, *, more: Any = (), body: bytes = b"", **headers: Any) -> tuple[int, dict[str, str]]:
        """Status and headers of the answer; `more` are raw headers beside the others."""
        given = self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        exchange = Exchange(self._application, method, path, headers=given, body=body)
        exchange.scope["client"] = (self.peer, 40_000)
        exchange.scope["headers"] = [*exchange.scope["headers"], *more]
        async with exchange:
            start = await exchange.start()
            self.body = await exchange.piece()
            self.whole = exchange.whole
        self.cookies = [value.decode() for name, value in start["headers"] if name == b"set-cookie"]
        return start["status"], {name.decode(): value.decode() for name, value in start["headers"]}


def as_token(application: Any, role: str) -> Asker:
    return Asker(application, {"authorization": f"Bearer {token_of(role)}"})


def as_user(application: Any, found: Access, role: str) -> Asker:
    """Somebody with an open session, on a page of ours."""
    user = found._users.value[f"the-{role}"]
    cookie, session = found.sessions.begin(user, "c" * 32, "127.0.0.1", "test")
    return Asker(application, {"cookie": f"{COOKIE}={cookie}", "x-csrftoken": session.csrf, "origin": "http://localhost"})


def as_proxied(application: Any, role: str) -> Asker:
    headers = {"x-remote-user": f"sso-{role}", "x-remote-role": role, "x-proxy-secret": SECRET}
    return Asker(application, headers, PEER)


async def with_form_token(asker: Asker) -> None:
    """Take the token of a form, as a page does."""
    await asker.start("GET", "/api/v2/docs" if "x-remote-user" in asker.headers else "/login")
    cookie = asker.cookies[0].partition(";")[0]
    asker.headers |= {"cookie": cookie, "origin": "http://localhost", "x-csrftoken": cookie.partition("=")[2]}


@pytest.fixture
def anybody(application: Any, now: Runtime, known: Access) -> Asker:
    """Somebody who shows nothing."""
    return Asker(application)


async def log_in(asker: Asker, name: str, password: str, *, following: str = "/", **headers: Any) -> tuple[int, dict[str, str]]:
    """Fill the form and send it."""
    body = f"name={name}&password={password.replace(' ', '+')}&next={following.replace('&', '%26')}".encode()
    return await asker.start("POST", "/login", body=body, content_type=FORM, **headers)


@pytest.fixture
async def visitor(anybody: Asker) -> Asker:
    """Somebody who has opened the form."""
    await with_form_token(anybody)
    return anybody


def session_cookie(asker: Asker) -> str:
    return next(text for text in asker.cookies if text.startswith(COOKIE))
