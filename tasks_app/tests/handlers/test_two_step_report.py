"""Two-step reports: two files in one place, one after the other, each whole; and what is left when something goes wrong."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks_app.engine.context import Context
from tasks_app.engine.errors import InvalidParams
from tasks_app.engine.task import OutcomeKind
from tasks_app.handlers import two_step_report as module
from tasks_app.handlers.two_step_report import two_step_report, write_whole
from tasks_app.tests.handlers.running import Attempt, execute, until

ID = "0b6f2f3e-5f0e-4f6b-9d5f-6f1f4b8d9a10"
FIRST = {"1": f"first step for {ID}"}
BOTH = {**FIRST, "2": f"second step for {ID}"}


@pytest.fixture
def reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that reports go to."""
    monkeypatch.setattr(module.Folder, "path", None)
    module.configure(tmp_path / "deep" / "files")
    return tmp_path / "deep" / "files"


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Writes begin and do not end before this is set."""
    go, begun = threading.Event(), threading.Event()
    sync = os.fsync

    def waiting(opened: int) -> None:
        begun.set()
        assert go.wait(60)
        sync(opened)

    monkeypatch.setattr(os, "fsync", waiting)
    go.begun = begun  # type: ignore[attr-defined]
    yield go
    go.set()


def attempt(pause: float, name: str = "x") -> Attempt:
    return Attempt(two_step_report, {"name": name, "pause": pause}, task_id=ID)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_report_has_both_steps_in_the_end(reports: Path):
    ran = await attempt(0.05).run()
    assert ran.result == {"file": f"files/task_{ID}.json"}
    assert names(reports) == [f"task_{ID}.json"]
    assert (reports / f"task_{ID}.json").read_text() == json.dumps(BOTH, indent=4)
    assert ran.context.seconds >= 0.1
    assert ran.reports == [(0, 2, "At work on the first step"), (1, 2, "At work on the second step"), (2, 2, "Both steps written")]
    assert ran.log() == [f"Wrote the {step} step to task_{ID}.json" for step in ("first", "second")]
    assert ran.headline == ("Both steps written", f"files/task_{ID}.json")


async def test_the_first_step_can_be_read_before_the_second_is_done(reports: Path, monkeypatch: pytest.MonkeyPatch):
    pauses = [asyncio.Event(), asyncio.Event()]
    left = iter(pauses)
    monkeypatch.setattr(Context, "sleep", lambda self, seconds: next(left).wait())
    ran = attempt(0.3)
    running = ran.start()
    await until(lambda: len(ran.reports) == 1)
    assert names(reports) == []
    pauses[0].set()
    await until(lambda: len(ran.reports) == 2)
    assert json.loads((reports / f"task_{ID}.json").read_text()) == FIRST
    pauses[1].set()
    await running


def test_the_folder_is_made_at_the_start(reports: Path):
    assert reports.is_dir()


async def test_everybody_may_read_a_report_whatever_the_umask(reports: Path):
    before = os.umask(0o077)
    try:
        await attempt(0).run()
    finally:
        os.umask(before)
    assert stat.S_IMODE((reports / f"task_{ID}.json").stat().st_mode) == 0o644


async def test_a_cancelled_report_stops_at_once_and_keeps_what_was_whole(reports: Path):
    ran = attempt(0)
    await ran.run()
    again = attempt(3600)
    again.start()
    await until(lambda: again.reports)
    await asyncio.wait_for(again.cancel(), 60)
    assert again.outcome is not None
    assert again.outcome.kind is OutcomeKind.CANCELLED
    assert json.loads((reports / f"task_{ID}.json").read_text()) == BOTH


async def test_a_cancel_in_the_middle_of_a_write_leaves_no_part_and_nothing_comes_after_it(reports: Path, held: threading.Event):
    ran = attempt(0)
    ran.start()
    await until(held.begun.is_set)  # type: ignore[attr-defined]
    assert names(reports) == [f".task_{ID}.json.part"]
    cancelling = asyncio.create_task(ran.cancel())
    await asyncio.sleep(0.05)
    assert not cancelling.done(), "the attempt ends when its last write has"
    held.set()
    await cancelling
    assert ran.outcome is not None
    assert ran.outcome.kind is OutcomeKind.CANCELLED
    assert names(reports) == [f"task_{ID}.json"]
    assert json.loads((reports / f"task_{ID}.json").read_text()) == FIRST


async def test_writing_does_not_block_the_loop(reports: Path, held: threading.Event):
    running = attempt(0).start()
    await until(held.begun.is_set)  # type: ignore[attr-defined]
    held.set()  # a loop that waited for the write would come here when that has failed
    assert (await running).completed


@pytest.mark.parametrize(
    ("code", "words"),
    [(28, "no space left on device"), (13, "permission denied"), (30, "read-only file system"), (5, "input/output error")],
)
async def test_a_write_that_fails_fails_the_task_and_leaves_what_was_there(
    reports: Path, monkeypatch: pytest.MonkeyPatch, code: int, words: str
):
    await attempt(0).run()

    def failing(opened: int) -> None:
        raise OSError(code, "told to fail")

    monkeypatch.setattr(os, "fsync", failing)
    ran = await attempt(0).run()
    assert (ran.kind, ran.message) == ("NotSaved", f"The report could not be saved: {words}")
    assert names(reports) == [f"task_{ID}.json"]
    assert json.loads((reports / f"task_{ID}.json").read_text()) == BOTH


async def test_a_folder_that_cannot_be_made_fails_the_task_not_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "taken").write_text("no folder")
    monkeypatch.setattr(module.Folder, "path", None)
    module.configure(tmp_path / "taken")
    assert (await attempt(0).run()).message == "The report could not be saved: file exists"
    module.configure(tmp_path / "taken" / "files")
    assert (await attempt(0).run()).message == "The report could not be saved: not a directory"


async def test_without_a_folder_nothing_is_begun(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module.Folder, "path", None)
    assert (await attempt(3600).run()).kind == "NotConfigured"


def test_a_part_that_a_killed_process_left_is_written_over(tmp_path: Path):
    (tmp_path / ".a.json.part").write_text("much longer than what is to come")
    write_whole(tmp_path / "a.json", "{}")
    assert names(tmp_path) == ["a.json"]
    assert (tmp_path / "a.json").read_text() == "{}"


def test_a_link_in_the_place_of_a_report_is_replaced_and_not_followed(tmp_path: Path):
    (tmp_path / "elsewhere").write_text("untouched")
    (tmp_path / "a.json").symlink_to("elsewhere")
    write_whole(tmp_path / "a.json", "{}")
    assert not (tmp_path / "a.json").is_symlink()
    assert (tmp_path / "elsewhere").read_text() == "untouched"


@pytest.mark.parametrize(
    ("name", "summary"),
    [
        ("weekly", "weekly · steps 10 s apart"),
        ("  ", "a blank name · steps 10 s apart"),
        ("a\n\x00\u202eb", "a   b · steps 10 s apart"),
        ("ж" * 10_000, f"{'ж' * 80} · steps 10 s apart"),
    ],
)
def test_the_summary_is_one_line_whatever_the_name(name: str, summary: str):
    ran = Attempt(two_step_report, {"name": name})
    assert ran.params.summary() == summary
    assert ran.params.model_dump()["name"] == name, "kept as it is"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "params.name"),
        *(({"name": name}, "params.name") for name in ("", "x" * 10_001, 5, None, ["x"])),
        *(({"name": "x", "pause": pause}, "params.pause") for pause in (-1, 3601, "1", True, None)),
    ],
)
def test_params_that_make_no_sense_are_refused_by_name(given: dict[str, object], field: str):
    with pytest.raises(InvalidParams) as refused:
        two_step_report.encode(given)
    assert field in [name for name, _ in refused.value.problems]


async def test_ten_reports_are_written_side_by_side(reports: Path, monkeypatch: pytest.MonkeyPatch):
    all_there = asyncio.Barrier(10)
    monkeypatch.setattr(Context, "sleep", lambda self, seconds: all_there.wait())
    ran = await asyncio.gather(*(execute(two_step_report, {"name": "x", "pause": 0.2}, task_id=f"id-{n}") for n in range(10)))
    assert all(one.completed for one in ran)
    assert names(reports) == [f"task_id-{n}.json" for n in range(10)]
