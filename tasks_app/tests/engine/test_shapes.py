"""What stays of a message when all that varies is taken out."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks_app.engine.shapes import MOST, shape_of

SHAPES = {
    "Certificate has expired": "Certificate has expired",
    "192.0.2.44:1194 answered none of 40 probes": "… answered none of … probes",
    "pay.example.org answered 503": "… answered 503",
    "[2001:db8::1]:443 did not answer within 2.5 s": "… did not answer within … s",
    "Unexpected status 503, not 200": "Unexpected status 503, not …",
    "Connection refused: [Errno 111] Connect call failed ('127.0.0.1', 8080)": "Connection refused: [Errno 111] Connect call failed (…)",
    "http://host.example/x?y=1 failed": "… failed",
    "can't open '/tmp/x y.txt' at 12:30:45, didn't try": "can't open … at …, didn't try",
    "Object <foo at 0x7f00> 550e8400-e29b-41d4-a716-446655440000": "Object …",
    "worker3 died, exit_code=7, pid 12345": "… died, exit_code=7, pid …",
    "3 of 4 probes failed, 75.0 % lost": "… of … probes failed, … % lost",
    "The file has the SHA-256 9f86d081, not abcdef01": "The file has the …, not …",
    "mail to ann@example.org: «имя» is “unknown”": "mail to … is …",
    "  two\nlines\t of it ": "two lines of it",
    "dead beef cafe": "dead beef cafe",
    "": "",
}


@pytest.mark.parametrize("message", SHAPES)
def test_what_varies_is_taken_out(message: str) -> None:
    assert shape_of(message) == SHAPES[message]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Unexpected status 503", "Unexpected status 404"),
        ("a.example answered 500", "a.example answered 404"),
        ("[Errno 111] refused", "[Errno 113] refused"),
        ("exit code 1", "exit code 137"),
        ("Timed out", "Refused"),
    ],
)
def test_two_kinds_of_failure_are_not_taken_for_one(one: str, other: str) -> None:
    assert shape_of(one) != shape_of(other)


@given(
    st.ip_addresses().map(lambda a: f"[{a}]" if a.version == 6 else str(a)),
    st.integers(1, 65535),
    st.floats(0, 1e6, allow_nan=False),
    st.uuids(),
    st.text(string.ascii_letters + " ", max_size=30),
)
def test_the_same_failure_of_other_hosts_times_and_ids_has_the_same_shape(
    address: str, port: int, seconds: float, task: object, name: str
) -> None:
    said = f"{address}:{port} gave up on {task} ('{name}') after {seconds:.3f} s"
    assert shape_of(said) == "… gave up on … (…) after … s"


@given(st.text(max_size=2 * MOST))
def test_any_message_has_a_shape_that_is_one_line_and_no_longer_than_what_was_looked_at(message: str) -> None:
    shape = shape_of(message)
    assert shape == " ".join(shape.split())
    assert len(shape) <= MOST


def test_what_differs_only_far_behind_has_one_shape() -> None:
    assert shape_of("x" * MOST + "one") == shape_of("x" * MOST + "two")
