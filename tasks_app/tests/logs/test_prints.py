"""What handlers print: nobody who prints waits for whoever reads, and what does not fit is counted and told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tasks_app.logs import prints
from tasks_app.logs.prints import MAX_WAITING, Prints
from tasks_app.tests.processes import FOLDERS, PATIENCE, ROOT, Started


@pytest.fixture
def pipe(monkeypatch):
    monkeypatch.setattr(prints, "PATIENCE", 0.1)
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def read(reading: int, count: int) -> bytes:
    found = b""
    while len(found) < count:
        found += os.read(reading, count - len(found))
    return found


def some(reading: int) -> int:
    """How many bytes are there just now."""
    try:
        return len(os.read(reading, 1 << 20))
    except BlockingIOError:
        return 0


def test_what_is_printed_comes_out_in_order(pipe):
    reading, writing = pipe
    out = Prints(writing)
    for number in range(1000):
        out.write(b"%04d" % number)
    assert read(reading, 4000) == b"".join(b"%04d" % number for number in range(1000))
    out.end()


def test_nobody_waits_for_a_reader_who_sleeps_and_what_did_not_fit_is_told_once(pipe, caplog):
    reading, writing = pipe
    out = Prints(writing)
    for _ in range(10 * MAX_WAITING // 1000):
        assert out.write(b"x" * 1000) == 1000
    assert len(out._waiting) <= MAX_WAITING
    came = len(read(reading, MAX_WAITING // 1000 * 1000))  # so much is kept, even where not a byte has left meanwhile
    os.set_blocking(reading, False)
    while not (told := [record.about for record in caplog.records]):
        came += some(reading)
    while more := some(reading):
        came += more
    assert [(found.event, found.fields) for found in told] == [("prints_dropped", {"bytes": 10 * MAX_WAITING // 1000 * 1000 - came})]
    out.end()


def test_after_its_end_a_write_is_an_ordinary_one(pipe):
    reading, writing = pipe
    out = Prints(writing)
    out.write(b"before ")
    out.end()
    out.write(b"after")
    assert read(reading, 12) == b"before after"


def test_an_end_does_not_wait_for_ever_for_a_reader_who_sleeps(pipe):
    reading, writing = pipe
    out = Prints(writing)
    out.write(b"x" * (1 << 20))
    out.end()
    read(reading, 1 << 20)  # the thread that is in the middle of it gets to its end


def test_a_handler_that_prints_ten_megabytes_nobody_reads_holds_nobody_up(tmp_path: Path) -> None:
    folders = {name: str(tmp_path / folder) for name, folder in FOLDERS.items()}
    environ = {**os.environ, **folders, "IOTASK_HANDLERS": "tasks_app.tests.sample_tasks", "IOTASK_GRACE_SECONDS": "0.5"}
    command = [sys.executable, "manage.py", "serve", "-p", "0"]
    process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert process.stdout is not None
        output = tmp_path / "output"
        output.write_bytes(process.stdout.readline())  # from here on nobody reads
        server = Started(process, output)
        with httpx.Client(base_url=server.url, timeout=PATIENCE) as client:
            launched = client.post("/api/v2/tasks", json={"type": "printer", "params": {"megabytes": 10}}).json()
            server.wait_until(lambda: client.get(f"/api/v2/tasks/{launched['id']}").json()["status"] == "completed")
        assert server.stop() == 0
    finally:
        process.kill()
        process.communicate()
    log = [json.loads(line) for line in (tmp_path / FOLDERS["LOG_DIR"] / "app.log").read_text().splitlines()]
    assert log[-1]["event"] == "server_stopped"
