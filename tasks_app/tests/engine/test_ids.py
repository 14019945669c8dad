"""Ids of tasks."""

from __future__ import annotations

from uuid import RFC_4122, UUID

from tasks_app.engine.ids import _written, new_id


def test_an_id_is_a_random_uuid_as_the_standard_library_would_write_it() -> None:
    for _ in range(1000):
        made = new_id()
        read = UUID(made)
        assert (str(read), read.version, read.variant) == (made, 4, RFC_4122)


def test_only_version_and_variant_are_not_random() -> None:
    assert _written("f" * 32) == str(UUID(int=2**128 - 1, version=4))
    assert _written("0" * 32) == str(UUID(int=0, version=4))
    digits = "0123456789abcdef" * 2
    assert _written(digits) == str(UUID(hex=digits, version=4))


def test_no_two_are_alike() -> None:
    assert len({new_id() for _ in range(2000)}) == 2000
