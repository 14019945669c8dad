"""Guessing is slow, and nobody is locked out by somebody else's guesses."""

from __future__ import annotations

import time

import pytest

from tasks_app.auth.errors import Denied
from tasks_app.auth.throttle import Throttle, place_of


def refused(kept: Throttle, name: str, address: str) -> int:
    """Seconds to wait, 0 where a try is let through."""
    try:
        kept.count(name, address)
    except Denied as error:
        return error.retry_after if error.status == 429 else -1
    return 0


def test_five_tries_for_a_name_from_an_address_and_then_five_minutes():
    kept = Throttle()
    assert [refused(kept, "mira", "192.0.2.1") for _ in range(5)] == [0] * 5
    assert 290 <= refused(kept, "mira", "192.0.2.1") <= 301
    assert refused(kept, "mira", "192.0.2.2") == 0
    assert refused(kept, "anton", "192.0.2.1") == 0


def test_fifty_tries_from_an_address_whatever_the_names():
    kept = Throttle()
    assert [refused(kept, f"name-{number}", "192.0.2.1") for number in range(50)] == [0] * 50
    assert refused(kept, "another", "192.0.2.1") > 500
    assert refused(kept, "another", "192.0.2.2") == 0


def test_a_right_password_lets_the_name_begin_anew():
    kept = Throttle()
    for _ in range(4):
        kept.count("mira", "192.0.2.1")
    kept.forget("mira", "192.0.2.1")
    assert [refused(kept, "mira", "192.0.2.1") for _ in range(5)] == [0] * 5


def test_one_customers_ipv6_addresses_are_one():
    assert place_of("2001:db8:1:2::1") == place_of("2001:db8:1:2:ffff::9") == "2001:db8:1:2::/64"
    assert place_of("2001:db8:1:3::1") != place_of("2001:db8:1:2::1")
    assert place_of("::ffff:192.0.2.1") == place_of("192.0.2.1") == "192.0.2.1"
    assert place_of("unknown") == "unknown"


def test_what_is_remembered_is_bounded():
    kept = Throttle(most_keys=100)
    for number in range(1000):
        kept.count("mira", f"192.0.{number // 250}.{number % 250}")
    assert (len(kept._of_names.windows), len(kept._of_addresses.windows)) == (100, 100)


def test_a_name_of_any_length_costs_the_same():
    kept = Throttle()
    kept.count("m" * 1_000_000 + "\ud800", "192.0.2.1")
    assert max(map(len, kept._of_names.windows._windows)) < 100


@pytest.mark.parametrize("jump", [-3600.0, 3600.0])
def test_a_wall_clock_that_jumps_changes_nothing(monkeypatch, jump):
    kept = Throttle()
    for _ in range(5):
        kept.count("mira", "192.0.2.1")
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + jump)
    assert 290 <= refused(kept, "mira", "192.0.2.1") <= 300
