"""The ways out: nobody who logs waits for one, and what does not fit is counted and told."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Sequence

import pytest

from tasks_app.logs import outbox
from tasks_app.logs.outbox import MAX_WAITING, Outbox, WayOut
from tasks_app.tests.logs.said import Kept, record
from tasks_app.tests.processes import ROOT


class Stuck(Kept):
    """Writes nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.go.wait(60)
        super().emit(record)


@pytest.fixture
def stuck():
    way_out = Stuck()
    yield way_out
    way_out.go.set()


def test_nobody_waits_for_a_way_out_that_is_stuck_and_what_did_not_fit_is_told_once(stuck):
    box = Outbox(stuck)
    for number in range(MAX_WAITING * 3):
        box.handle(record(f"line {number}"))
    stuck.go.set()
    box.flush()
    written = [text for text in stuck.said if text.startswith("line ")]
    assert written[:MAX_WAITING] == [f"line {number}" for number in range(MAX_WAITING)]
    assert MAX_WAITING <= len(written) <= MAX_WAITING + 1
    told = [r.about for r in stuck.records if hasattr(r, "about")]
    assert [(found.event, found.fields) for found in told] == [("lines_dropped", {"lines": MAX_WAITING * 3 - len(written)})]


def test_an_end_does_not_wait_for_ever_for_a_way_out_that_is_stuck(stuck, monkeypatch):
    monkeypatch.setattr(outbox, "PATIENCE", 0.1)
    box = Outbox(stuck)
    box.handle(record("never read"))
    box.close()
    assert stuck.said == []


def test_a_line_says_what_was_so_when_it_was_logged(stuck):
    box, list_of_things = Outbox(stuck), ["one"]
    box.handle(record("There is %s", args=(list_of_things,)))
    list_of_things.append("two")
    stuck.go.set()
    box.close()
    assert stuck.said == ["There is ['one']"]


def test_values_that_do_not_fit_their_text_cost_neither_the_line_nor_a_traceback(capfd):
    way_out = Kept()
    box = Outbox(way_out)
    box.handle(record("%d of %d", args=("x",)))
    box.close()
    assert way_out.said == ["%d of %d (its values do not fit: %d format: a real number is required, not str)"]
    assert capfd.readouterr().err == ""


class Bundles(WayOut):
    """Keeps what it is to write in one go, once it is let go of."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()
        self.written: list[list[bytes]] = []

    def write(self, lines: Sequence[bytes]) -> None:
        self.go.wait(60)
        self.written.append(list(lines))


def test_lines_that_wait_are_written_in_one_go_in_order_and_one_that_cannot_be_made_costs_no_other(monkeypatch):
    failed: list[logging.LogRecord] = []
    way_out = Bundles()
    monkeypatch.setattr(way_out, "handleError", failed.append)
    box = Outbox(way_out)
    box.handle(record("first"))
    for number in range(2 * outbox.TOGETHER):
        box.handle(record(f"line {number}"))
    broken = record("broken")
    broken.msg = type("Broken", (), {"__str__": lambda _: 1 / 0})()
    box.handle(broken)
    box.handle(record("last"))
    way_out.go.set()
    box.close()
    said = [line for lines in way_out.written for line in lines]
    assert said == [b"first\n", *[b"line %d\n" % number for number in range(2 * outbox.TOGETHER)], b"last\n"]
    assert len(way_out.written) <= 5
    assert all(len(lines) <= outbox.TOGETHER for lines in way_out.written)
    assert failed == [broken]


def test_lines_of_several_threads_all_come_out():
    way_out = Kept()
    box = Outbox(way_out)
    threads = [threading.Thread(target=lambda: [box.handle(record("x")) for _ in range(100)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    box.close()
    assert len(way_out.records) == 800


def run(code: str, *before: str, stderr: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    """Run a program, through a shell's words where there are any."""
    command = [*before, sys.executable, "-W", "ignore", "-c", code]
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=stderr, text=True, timeout=120, check=False)


SET_UP = """
import logging, os, sys
from tasks_app.logs.outbox import stderr
root = logging.getLogger()
root.addHandler(stderr(colours=True))
"""


def test_a_forked_child_writes_lines_of_its_own():
    done = run(SET_UP + 'root.error("parent")\nif os.fork() == 0:\n    root.error("child")\nelse:\n    os.wait()\n')
    assert done.returncode == 0
    assert sorted(line.rpartition(": ")[2] for line in done.stderr.splitlines()) == ["child", "parent"]


def test_what_is_logged_last_is_written_before_the_process_ends():
    done = run(SET_UP + 'for number in range(500):\n    root.error("line %d", number)\n')
    assert [line.rpartition("line ")[2] for line in done.stderr.splitlines()] == [str(number) for number in range(500)]
    assert "\x1b" not in done.stderr  # no terminal, no colours


def test_without_a_stderr_no_file_that_got_its_number_is_written_to(tmp_path):
    path = tmp_path / "file"
    code = SET_UP + f"file = open({str(path)!r}, 'w')\nassert file.fileno() == 2\nroot.error('lost')\n"
    assert run(code, "sh", "-c", 'exec 2>&-; exec "$@"', "sh").returncode == 0
    assert path.read_text() == ""


def test_a_reader_that_went_away_costs_nothing():
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = run(SET_UP + 'root.error("nobody reads")\nprint("in order")', stderr=writing)
    finally:
        os.close(writing)
    assert (done.returncode, done.stdout) == (0, "in order\n")


def test_a_reader_that_does_not_read_holds_up_neither_the_program_nor_its_end():
    reading, writing = os.pipe()
    try:
        code = SET_UP + 'for _ in range(3000):\n    root.error("x" * 1000)\nprint("in order")'
        done = run(code, stderr=writing)
    finally:
        os.close(reading)
        os.close(writing)
    assert (done.returncode, done.stdout) == (0, "in order\n")
