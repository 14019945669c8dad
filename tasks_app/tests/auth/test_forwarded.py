"""What proxies say of their clients: ours are believed, all others are not."""

from __future__ import annotations

import pytest

from tasks_app.auth.errors import WrongLogin
from tasks_app.auth.forwarded import BY_PROXY, UNKNOWN, client_of, is_loopback, is_secure, networks_of, seen_from

OURS = networks_of(("10.0.0.0/8", "fd00::/8"))


def scope(peer: str | None, *headers: tuple[str, str], scheme: str = "http"):
    raw = [(name.encode(), value.encode()) for name, value in headers]
    kind = "websocket" if scheme.startswith("ws") else "http"
    return {"type": kind, "client": (peer, 1) if peer else None, "scheme": scheme, "headers": raw}


def chain(*values: str) -> list[tuple[str, str]]:
    return [("x-forwarded-for", value) for value in values]


@pytest.mark.parametrize(
    ("peer", "headers", "client"),
    [
        ("192.0.2.1", chain("127.0.0.1"), "192.0.2.1"),
        ("10.0.0.1", chain("203.0.113.9"), "203.0.113.9"),
        ("10.0.0.1", chain("127.0.0.1, 203.0.113.9"), "203.0.113.9"),
        ("10.0.0.1", chain("127.0.0.1", "203.0.113.9, 10.0.0.2"), "203.0.113.9"),
        ("10.0.0.1", chain("203.0.113.9, 10.0.0.2, 10.0.0.3"), "203.0.113.9"),
        ("10.0.0.1", chain("10.0.0.7, 10.0.0.2"), "10.0.0.7"),
        ("10.0.0.1", chain("127.0.0.1, nonsense"), UNKNOWN),
        ("10.0.0.1", chain("203.0.113.9:1234"), UNKNOWN),
        ("10.0.0.1", chain(""), UNKNOWN),
        ("::ffff:10.0.0.1", chain("203.0.113.9"), "203.0.113.9"),
        ("10.0.0.1", [], "10.0.0.1"),
        (None, chain("127.0.0.1"), UNKNOWN),
        ("10.0.0.1", [("x_forwarded_for", "127.0.0.1")], "10.0.0.1"),
    ],
)
def test_the_last_address_that_is_not_ours_counts(peer, headers, client):
    assert client_of(seen_from(scope(peer, *headers), OURS)) == client


def test_whoever_is_no_proxy_of_ours_cannot_say_that_he_came_encrypted():
    assert seen_from(scope("192.0.2.1", ("x-forwarded-proto", "https")), OURS)["scheme"] == "http"
    assert BY_PROXY not in seen_from(scope("192.0.2.1"), OURS)
    found = seen_from(scope("10.0.0.1", ("x-forwarded-proto", "https")), OURS)
    assert found["scheme"] == "https"
    assert found[BY_PROXY]
    assert seen_from(scope("10.0.0.1", ("x-forwarded-proto", "https"), scheme="ws"), OURS)["scheme"] == "wss"


def test_a_socket_whose_scheme_nobody_says_is_not_encrypted():
    found = scope("10.0.0.1", scheme="ws")
    del found["scheme"]
    assert not is_secure(seen_from(found, OURS))
    found["headers"] = [(b"x-forwarded-proto", b"https")]
    assert is_secure(seen_from(found, OURS))


def test_a_scheme_that_is_said_twice_or_is_none_is_not_believed():
    twice = scope("10.0.0.1", ("x-forwarded-proto", "https"), ("x-forwarded-proto", "http"))
    assert seen_from(twice, OURS)["scheme"] == "http"
    assert seen_from(scope("10.0.0.1", ("x-forwarded-proto", "javascript")), OURS)["scheme"] == "http"


@pytest.mark.parametrize("text", ["proxy.example", "10.0.0.1/8", "300.1.1.1", "10.0.0.0/33"])
def test_what_is_no_network_is_told(text):
    with pytest.raises(WrongLogin, match="IOTASK_TRUSTED_PROXIES"):
        networks_of((text,))


def test_loopback_is_this_machine_and_nothing_else():
    assert all(map(is_loopback, ("127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1")))
    assert not any(map(is_loopback, ("10.0.0.1", "0.0.0.0", "::", "localhost", UNKNOWN, "")))
