"""Reading back what was done: from memory, on into the file and the older ones, in bounded steps, over restarts and rotations."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks_app.auth import audit as room
from tasks_app.auth import audit_file, past
from tasks_app.auth.audit import Audit
from tasks_app.auth.entries import Entry, parsed
from tasks_app.auth.principal import Principal, Role, Via
from tasks_app.engine.errors import InvalidValue

MIRA = Principal("mira", Role.ADMIN, Via.PASSWORD, "1234")
BIG = {"max_bytes": 100_000_000, "files": 3}


def fill(audit: Audit, first: int, last: int) -> None:
    for number in range(first, last):
        audit.effect(MIRA, "192.0.2.1", "launch", str(number), "dashboard")


def everything(_entry: Entry) -> bool:
    return True


def walked(audit: Audit, count: int = 7, wanted=everything) -> list[str]:
    """All of it, page after page."""
    found: list[str] = []
    cursor = ""
    while True:
        page = past.read(audit, wanted, count, cursor)
        assert len(page.entries) <= count
        found += [entry.object for entry in page.entries]
        if not page.next:
            return found
        cursor = page.next


def test_all_is_read_back_once_from_memory_and_on_from_the_file(monkeypatch, tmp_path):
    monkeypatch.setattr(room, "MOST", 20)
    audit = Audit()
    audit._last = type(audit._last)(maxlen=20)
    with audit.kept(tmp_path, **BIG):
        fill(audit, 0, 95)
        assert walked(audit) == [str(number) for number in range(94, -1, -1)]
        assert [entry.door for entry in past.read(audit, everything, 1).entries] == ["dashboard"]


def test_pages_go_on_over_a_rotation_and_a_restart(tmp_path):
    audit = Audit()
    with audit.kept(tmp_path, max_bytes=5000, files=9):
        fill(audit, 0, 60)
        first = past.read(audit, everything, 5)
        fill(audit, 60, 80)
        following = past.read(audit, everything, 5, first.next)
        assert [entry.object for entry in following.entries] == ["54", "53", "52", "51", "50"]
    again = Audit()
    with again.kept(tmp_path, max_bytes=5000, files=9):
        assert [entry.object for entry in past.read(again, everything, 5, first.next).entries] == ["54", "53", "52", "51", "50"]
        fill(again, 80, 82)
        assert walked(again) == [str(number) for number in range(81, -1, -1)]


def test_what_was_thrown_away_meanwhile_is_the_end_and_no_other_files_lines(tmp_path):
    audit = Audit()
    with audit.kept(tmp_path, max_bytes=2000, files=1):
        fill(audit, 0, 6)
        cursor = past.read(audit, everything, 1).next
        epoch, number, inode, byte = cursor.split(".")
        fill(audit, 6, 300)
        other = Audit()
        with other.kept(tmp_path, max_bytes=2000, files=1):
            for odd in (byte, "1", "7", "999999999"):
                found = past.read(other, everything, 50, f"{epoch}.{number}.{inode}.{odd}")
                assert all(entry.who == "mira" for entry in found.entries)


def test_without_a_file_memory_is_all_there_is():
    audit = Audit()
    fill(audit, 0, room.MOST + 50)
    found = walked(audit, count=333)
    assert found == [str(number) for number in range(room.MOST + 49, 49, -1)]


def test_one_reading_looks_at_so_many_lines_and_says_how_far_it_came(tmp_path, monkeypatch):
    monkeypatch.setattr(past, "LOOKED_AT", 100)
    audit = Audit()
    with audit.kept(tmp_path, **BIG):
        fill(audit, 0, 250)
        page = past.read(audit, lambda entry: entry.object == "3", 5)
        assert page.entries == []
        assert page.reached is not None
        assert walked(audit, wanted=lambda entry: entry.object == "3") == ["3"]


@pytest.mark.parametrize("cursor", ["x", "0.0.0.0", "zzzzzzzz.1.2.3", "00000000.1.2.3.4", "00000000.1.2.-3", "a" * 500])
def test_what_is_no_cursor_is_refused(cursor):
    with pytest.raises(InvalidValue):
        past.read(Audit(), everything, 5, cursor)


def test_lines_that_are_none_are_passed_over(tmp_path):
    audit = Audit()
    with audit.kept(tmp_path, **BIG):
        fill(audit, 0, 3)
        with (tmp_path / audit_file.NAME).open("ab") as file:
            file.write(b"nonsense\n\n{}\n" + b"x" * 200_000 + b"\n" + b'{"time": "2026-11-22T06:21:38Z", "who": 5}\n')
        fill(audit, 3, 5)
    with (tmp_path / audit_file.NAME).open("ab") as file:
        file.write(b'{"time": "2026')
    assert [entry.object for entry, _ in audit_file.backwards(tmp_path)] == ["4", "3", "2", "1", "0"]


def test_a_place_is_where_its_line_begins(tmp_path):
    audit = Audit()
    with audit.kept(tmp_path, **BIG):
        fill(audit, 0, 9)
        for entry, place in audit.kept_here():
            content = (tmp_path / audit_file.NAME).read_bytes()
            assert place.inode == os.stat(tmp_path / audit_file.NAME).st_ino
            found = parsed(content[place.byte :].partition(b"\n")[0])
            assert found is not None
            assert found.line() == entry.line()


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(['"', "\\", "ann", "\n", "", "%b", "\u2028", "ü"])


@given(st.builds(Entry, st.floats(0, 4e9), *[texts] * 7, st.integers(0, 10**9), texts))
def test_a_line_says_all_of_its_entry_in_order_in_ascii_and_is_one_line(entry):
    line = entry.line()
    assert line.isascii()
    assert line.count(b"\n") == 1
    assert line.endswith(b"}\n")
    fields = json.loads(line)
    time = fields.pop("time")
    assert abs(datetime.fromisoformat(time).timestamp() - entry.at) < 1e-5
    assert list(fields.items()) == list(entry.fields().items())


@given(st.lists(st.integers(0, 400), max_size=40), st.integers(1, 200))
def test_lines_come_backwards_whole_whatever_the_blocks(tmp_path_factory, sizes, block):
    lines = [json.dumps({"n": number, "x": "y" * size}).encode() for number, size in enumerate(sizes)]
    path = tmp_path_factory.mktemp("lines") / "file"
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    block = max([block, *(len(line) + 1 for line in lines)])
    before, audit_file.BLOCK = audit_file.BLOCK, block
    try:
        with path.open("rb") as file:
            found = list(audit_file._lines(file, path.stat().st_size))
    finally:
        audit_file.BLOCK = before
    assert [line for line, _ in found] == lines[::-1]
    content = path.read_bytes()
    assert all(content[byte : byte + len(line)] == line for line, byte in found)


def test_a_folder_without_files_holds_nothing(tmp_path: Path):
    assert list(audit_file.backwards(tmp_path / "none")) == []
