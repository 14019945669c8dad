"""A process that holds more than it may goes on with what it has and takes nothing new."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest

from tasks_app import memory
from tasks_app.memory import LOOK_EVERY, Memory, usual_bound
from tasks_app.tests.processes import started

MIB = 2**20


def test_past_the_bound_there_is_a_sentence_with_both_figures():
    assert Memory(100 * MIB, held=lambda: 100 * MIB).trouble() == ""
    assert "holds 101 MiB of memory and may hold 100" in Memory(100 * MIB, held=lambda: 101 * MIB).trouble()


def test_it_looks_now_and_then_only():
    now, looks = [0.0], iter((5, 6))
    found = Memory(100, held=lambda: next(looks), clock=lambda: now[0])
    seen = [found.held for now[0] in (0.0, LOOK_EVERY / 2, LOOK_EVERY, LOOK_EVERY * 1.5)]
    assert seen == [5, 5, 6, 6]


@pytest.mark.parametrize(("group", "share"), [("1000000\n", 1_000_000), ("max\n", None), (None, None)])
def test_the_usual_bound_is_a_share_of_what_the_machine_or_its_group_has(tmp_path, monkeypatch, group, share):
    path = tmp_path / "memory.max"
    if group is not None:
        path.write_text(group)
    monkeypatch.setattr(memory, "_GROUP", path)
    there = psutil.virtual_memory().total if share is None else share
    assert usual_bound() == int(memory.SHARE * there)


def test_a_server_past_its_bound_refuses_new_tasks_and_says_why(tmp_path: Path):
    with started(tmp_path / "output", "manage.py", "serve", "-p", "0", IOTASK_MAX_MEMORY_MB="1") as server:
        with httpx.Client(base_url=server.url) as client:
            refused = client.post("/api/v2/tasks", json={"type": "count"})
            assert (refused.status_code, refused.json()["code"], "Retry-After" in refused.headers) == (503, "no_room", True)
            assert client.post("/tasks", json={"result": 1}).status_code == 503
            assert "may hold 1: new tasks are refused" in client.get("/readyz").json()["detail"]
            assert "new tasks are refused" in client.get("/").text
            assert client.get("/api/v2/tasks").json()["total"] == 0
        assert server.stop() == 0, server.said


HELD = """
import psutil
from tasks_app.memory import give_back_what_is_large
if {asked}:
    assert give_back_what_is_large()
del_one = bytearray(16_000_000)
del del_one
before = psutil.Process().memory_info().rss
large = [bytearray(b"x") * 1_000_000 for _ in range(30)]
small = [bytearray(1000) for _ in range(1000)]
del large
print(psutil.Process().memory_info().rss - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another library gives back what it likes")
@pytest.mark.parametrize("asked", [True, False])
def test_what_is_large_is_given_back_though_something_small_came_after_it(asked: bool):
    """Without it, glibc keeps it: if that changes, nobody needs to ask any more."""
    said = subprocess.run([sys.executable, "-c", HELD.format(asked=asked)], capture_output=True, text=True, check=True).stdout
    assert (int(said) < 8_000_000) is asked
