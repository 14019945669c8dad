"""Who asks, as the project's session says it: looked at and left as it is, also when the project cannot say."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest
from django.contrib import auth

from tasks_app.auth.access import HOST
from tasks_app.auth.errors import Denied
from tasks_app.auth.principal import Role, Via
from tasks_app.mounted.host_login import staff, with_principal


class User:
    """Somebody who has logged in."""

    is_authenticated, is_superuser, is_staff = True, False, True

    def get_username(self) -> str:
        return "ann"


class SessionStore:
    """A session of the project; `changed` is what was done to those that are kept."""

    changed: list[str] = []

    def __init__(self, key: str) -> None:
        self.key = key

    def cycle_key(self) -> None:
        self.changed.append(f"{self.key} has another key")

    def flush(self) -> None:
        self.changed.append(f"{self.key} is gone")


@pytest.fixture
def sessions(settings: Any, monkeypatch: pytest.MonkeyPatch) -> type[SessionStore]:
    engine = ModuleType("a_projects_sessions")
    engine.SessionStore = SessionStore  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, engine.__name__, engine)
    monkeypatch.setattr(SessionStore, "changed", [])
    settings.SESSION_ENGINE = engine.__name__
    return SessionStore


async def who(cookie: str, rule: Any = staff) -> Any:
    headers = [(b"cookie", f"sessionid={cookie}".encode("latin-1"))]
    return (await with_principal({"type": "http", "headers": headers}, rule))[HOST]


async def test_a_session_that_django_would_renew_or_end_stays_as_it_is(sessions: type[SessionStore], monkeypatch: pytest.MonkeyPatch):
    def renewed(request: Any) -> User:
        """As after a change of SECRET_KEY, with the old one among SECRET_KEY_FALLBACKS."""
        request.session.cycle_key()
        request.session.flush()
        return User()

    monkeypatch.setattr(auth, "get_user", renewed)
    found = await who("a-session-key")
    assert (found.name, found.role, found.via) == ("ann", Role.OPERATOR, Via.HOST)
    assert sessions.changed == []


@pytest.mark.parametrize("error", [OSError("the database is away"), ValueError("a name nobody has")])
async def test_who_cannot_be_looked_up_is_told_to_come_again(
    sessions: type[SessionStore], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
):
    def broken(request: Any) -> User:
        raise error

    monkeypatch.setattr(auth, "get_user", broken)
    found = await who("a-session-key")
    assert isinstance(found, Denied)
    assert (found.status, found.code, found.retry_after) == (503, "login_unavailable", 5)
    assert caplog.messages == ["Who asks could not be looked up"]


@pytest.mark.parametrize("cookie", ['"a\\000b"', "ключ".encode().decode("latin-1"), '"a\\012b"'])
async def test_a_cookie_that_is_no_key_is_asked_about_nowhere(sessions: type[SessionStore], monkeypatch: pytest.MonkeyPatch, cookie: str):
    monkeypatch.setattr(auth, "get_user", lambda request: pytest.fail(f"asked about {request.session.key!r}"))
    assert await who(cookie) is None
