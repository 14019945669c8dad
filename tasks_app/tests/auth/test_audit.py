"""One line for each thing that was done or refused: whole, true, and nobody else's."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from tasks_app.auth import audit as room
from tasks_app.auth import audit_file
from tasks_app.auth.audit import Audit
from tasks_app.auth.principal import Principal, Role, Via

MIRA = Principal("mira", Role.ADMIN, Via.PASSWORD, "1234")
NASTY = 'mira\n{"who": "anton"}\r\u2028\u202e\x1b[31m\x00"'


class Clock:
    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def audit(clock: Clock) -> Audit:
    return Audit(wall=lambda: 86_400.0, clock=clock)


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / audit_file.NAME).read_bytes().splitlines()]


def test_a_line_says_when_who_how_from_where_what_about_what_and_how_it_went(audit, tmp_path):
    with audit.kept(tmp_path, max_bytes=100_000, files=1):
        audit.effect(MIRA, "192.0.2.1", "delete", "an-id")
        audit.refusal("mallory", "192.0.2.6", "login", "/login", "wrong_password")
        assert lines(tmp_path) == [
            {
                "time": "1970-01-02T00:00:00.000000Z",
                "who": "mira",
                "via": "password",
                "role": "admin",
                "from": "192.0.2.1",
                "action": "delete",
                "object": "an-id",
                "outcome": "done",
            },
            {
                "time": "1970-01-02T00:00:00.000000Z",
                "who": "mallory",
                "via": "",
                "role": "",
                "from": "192.0.2.6",
                "action": "login",
                "object": "/login",
                "outcome": "wrong_password",
            },
        ]
    assert stat.S_IMODE((tmp_path / audit_file.NAME).stat().st_mode) == 0o600


def test_no_name_can_forge_a_line_or_look_like_another_name(audit, tmp_path):
    with audit.kept(tmp_path, max_bytes=100_000, files=1):
        audit.refusal(NASTY, NASTY, NASTY, NASTY, NASTY)
    content = (tmp_path / audit_file.NAME).read_bytes()
    assert content.isascii()
    assert content.count(b"\n") == 1
    assert lines(tmp_path)[0]["who"] == NASTY


def test_a_long_name_is_cut(audit, tmp_path):
    with audit.kept(tmp_path, max_bytes=100_000, files=1):
        audit.refusal("m" * 1_000_000, "192.0.2.1", "login", "/login", "wrong_password")
    assert len((tmp_path / audit_file.NAME).read_bytes()) < 500


def test_every_effect_has_a_line_however_many_there_are(audit, tmp_path):
    with audit.kept(tmp_path, max_bytes=10_000_000, files=1):
        for number in range(1000):
            audit.effect(MIRA, "192.0.2.1", "delete", str(number))
    assert [line["object"] for line in lines(tmp_path)] == [str(number) for number in range(1000)]


def test_refusals_of_one_kind_from_one_address_are_counted_past_a_few(audit, tmp_path, clock):
    with audit.kept(tmp_path, max_bytes=100_000, files=1):
        for _ in range(500):
            audit.refusal("", "192.0.2.1", "socket", "/live/tasks", "cross_site")
        audit.refusal("", "192.0.2.2", "socket", "/live/tasks", "cross_site")
        clock.at = 10.0
        audit.refusal("", "192.0.2.1", "socket", "/live/tasks", "cross_site")
    found = lines(tmp_path)
    assert len(found) == room.SAME + 2
    assert found[-1]["more"] == 500 - room.SAME


def test_kinds_of_refusals_are_bounded(audit):
    for number in range(5 * room.MAX_KINDS):
        audit.refusal("", f"address-{number}", "login", "/login", "wrong_password")
    assert len(audit._said) <= room.MAX_KINDS + 1


def test_the_last_entries_are_at_hand_the_newest_first_and_bounded(audit):
    for number in range(room.MOST + 5):
        audit.effect(MIRA, "192.0.2.1", "launch", str(number))
    assert [entry.object for entry in audit.latest(2)] == [str(room.MOST + 4), str(room.MOST + 3)]
    assert len(audit.latest(room.MOST * 2)) == room.MOST


def test_the_file_is_rotated_and_each_part_holds_whole_lines(audit, tmp_path):
    with audit.kept(tmp_path, max_bytes=2000, files=2):
        for number in range(100):
            audit.effect(MIRA, "192.0.2.1", "launch", str(number))
    parts = sorted(tmp_path.iterdir())
    assert [part.name for part in parts] == ["audit.log", "audit.log.1", "audit.log.2"]
    for part in parts:
        assert part.stat().st_size <= 2000
        assert stat.S_IMODE(part.stat().st_mode) == 0o600
        assert all(json.loads(line) for line in part.read_bytes().splitlines())


def test_what_cannot_be_written_is_said_and_the_file_goes_on_when_it_can_be(audit, tmp_path, caplog, monkeypatch):
    real, full = os.write, [True]

    def write(number: int, data: Any) -> int:
        if full[0]:
            raise OSError(28, "No space left on device")
        return real(number, data)

    with audit.kept(tmp_path, max_bytes=100_000, files=1):
        monkeypatch.setattr(os, "write", write)
        for number in range(30):
            audit.effect(MIRA, "192.0.2.1", "delete", str(number))
        full[0] = False
        audit.effect(MIRA, "192.0.2.1", "delete", "after")
    said = [record for record in caplog.records if record.name == "iotask.audit"]
    assert [record.about.fields["object"] for record in said] == [str(number) for number in range(30)]
    assert sum("cannot be written" in record.message for record in caplog.records) == 1
    assert [line["object"] for line in lines(tmp_path)] == ["after"]


def test_a_file_that_cannot_even_be_opened_is_said_as_well(audit, tmp_path, caplog):
    (tmp_path / audit_file.NAME).mkdir()
    with audit.kept(tmp_path, max_bytes=100_000, files=1):
        audit.effect(MIRA, "192.0.2.1", "delete", "an-id")
    assert [record.about.fields["object"] for record in caplog.records if record.name == "iotask.audit"] == ["an-id"]


def test_without_a_server_nothing_is_written(audit, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    audit.effect(MIRA, "192.0.2.1", "delete", "an-id")
    assert list(tmp_path.iterdir()) == []
    assert audit.latest(1)[0].object == "an-id"
