"""Sessions end when they should, and nothing brings them back."""

from __future__ import annotations

import pytest

from tasks_app.auth import sessions
from tasks_app.auth.principal import Role
from tasks_app.auth.sessions import Session, Sessions
from tasks_app.auth.users import User

MIRA = User("mira", Role.ADMIN, "hash")
HOUR = 3600.0


class Clock:
    """Monotonic, and a wall clock that does as it likes."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def kept(clock: Clock, told: list[str]) -> Sessions:
    return Sessions(lambda: told.append("ended"), clock=clock, wall=lambda: -5.0)


def begin(kept: Sessions, user: User = MIRA) -> tuple[str, Session]:
    return kept.begin(user, "c" * 32, "127.0.0.1", "test")


def test_a_cookie_has_256_random_bits_and_is_not_kept(kept):
    cookies = {begin(kept)[0] for _ in range(20)}
    assert len(cookies) == 20
    assert all(len(cookie) == 43 for cookie in cookies)
    assert not any(cookie in repr(vars(kept)) for cookie in cookies)


def test_a_session_ends_after_half_an_hour_without_anybody(kept, clock):
    cookie, session = begin(kept)
    clock.at += 1799
    assert kept.find(cookie, active=False) is session
    clock.at += 1
    assert kept.find(cookie, active=True) is None
    assert kept.get(session.handle) is None
    assert kept.all() == []


def test_a_session_that_is_used_ends_after_twelve_hours(kept, clock):
    cookie, session = begin(kept)
    for _ in range(12 * 4 - 1):
        clock.at += HOUR / 4
        assert kept.find(cookie, active=True) is session
    clock.at += HOUR / 4
    assert kept.find(cookie, active=True) is None


def test_a_session_that_was_ended_is_over_at_once_and_its_sockets_hear_of_it(kept, told):
    cookie, session = begin(kept)
    other, _ = begin(kept)
    kept.end(session)
    assert kept.find(cookie, active=True) is None
    assert kept.find(other, active=True) is not None
    assert told == ["ended"]
    kept.end(session)  # once more does no harm


@pytest.mark.parametrize("cookie", ["", "x", "\ud800", "x" * 100_000, "\0"])
def test_what_is_no_cookie_of_ours_finds_nothing(kept, cookie):
    begin(kept)
    assert kept.find(cookie, active=True) is None


def test_one_name_has_at_most_fifty_sessions_and_the_one_idle_for_longest_goes(kept, clock):
    cookies = [begin(kept)[0] for _ in range(sessions.MOST_OF_ONE)]
    clock.at += 1
    kept.find(cookies[0], active=True)
    begin(kept)
    assert kept.find(cookies[0], active=False) is not None
    assert kept.find(cookies[1], active=False) is None
    assert len(kept.all()) == sessions.MOST_OF_ONE


def test_all_together_are_bounded(kept, monkeypatch):
    monkeypatch.setattr(sessions, "MOST", 10)
    for number in range(50):
        begin(kept, User(f"user-{number}", Role.VIEWER, "hash"))
    assert len(kept.all()) == 10
    assert len(kept._keys) == len(kept._open) == 10


def test_the_one_seen_last_stands_first(kept, clock):
    first, second = begin(kept), begin(kept)
    clock.at += 1
    kept.find(first[0], active=True)
    assert [session.handle for session in kept.all()] == [first[1].handle, second[1].handle]
