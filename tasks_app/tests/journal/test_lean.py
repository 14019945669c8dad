"""Records that are read share what they have in common, and say the same as before."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tasks_app.engine import task as t
from tasks_app.engine.task import Task
from tasks_app.journal.lean import lean
from tasks_app.tests.engine.records import DONE, a_task

RECORDS = st.builds(
    lambda ends, **fields: t.finished(t.started(a_task(**fields), at=60.0, monotonic=10.0), DONE, monotonic=ends),
    ends=st.sampled_from([11.0, 12.0]),
    number=st.integers(1, 9),
    type=st.sampled_from(["ping", "count"]),
    by=st.sampled_from(["", "ann"]),
    params=st.sampled_from([b"{}", b'{"a":1}']),
    created_at=st.sampled_from([50.0, 51.0]),
)


def read(tasks: list[Task]) -> list[Task]:
    return msgspec.msgpack.decode(msgspec.msgpack.encode(tasks), type=list[Task])


@given(st.lists(RECORDS, max_size=8))
def test_what_is_read_says_what_was_written(tasks: list[Task]) -> None:
    assert list(lean(read(tasks))) == tasks


def test_what_is_equal_in_neighbours_is_one_object() -> None:
    made = [t.finished(t.started(a_task(number), at=60.0, monotonic=10.0), DONE, monotonic=12.0) for number in (1, 2, 3)]
    one, two, three = lean(read(made))
    assert one.attempts is two.attempts is three.attempts
    assert one.type is two.type is three.type
    assert one.ended_at is two.ended_at is three.ended_at
