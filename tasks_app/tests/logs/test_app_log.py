"""app.log: where it is, who may read it, how it is rotated, and what becomes of lines the disk does not take."""

from __future__ import annotations

import logging
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tasks_app.logs.app_log import CannotLog, app_log
from tasks_app.logs.lines import Form
from tasks_app.tests.logs.said import from_json, from_logfmt, lines_of
from tasks_app.tests.processes import ROOT

logger = logging.getLogger("iotask.tasks")  # whose lines no filter holds back


@contextmanager
def writing(folder: Path, *, form: Form = "json", max_bytes: int = 1_000_000, files: int = 3) -> Iterator[None]:
    with app_log(folder, form=form, max_bytes=max_bytes, files=files):
        yield


def flush() -> None:
    for handler in logging.getLogger().handlers:
        handler.flush()


def messages(*paths: Path) -> list[str]:
    return [line["message"] for path in paths for line in lines_of(path)]


def test_the_folder_is_for_its_owner_and_group_and_the_file_for_its_owner(tmp_path):
    folder = tmp_path / "deep" / "logs"
    with writing(folder):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o750
        assert stat.S_IMODE((folder / "app.log").stat().st_mode) == 0o600


def test_it_is_there_from_the_start_and_appended_to(tmp_path):
    with writing(tmp_path):
        assert (tmp_path / "app.log").read_text() == ""
        logger.error("first")
    with writing(tmp_path):
        logger.error("second")
    assert messages(tmp_path / "app.log") == ["first", "second"]


def test_it_speaks_logfmt_where_that_is_wanted(tmp_path):
    with writing(tmp_path, form="logfmt"):
        logger.error("How are you?")
    assert from_logfmt((tmp_path / "app.log").read_text().rstrip("\n"))["message"] == "How are you?"


def test_afterwards_nothing_is_written_any_more(tmp_path):
    before = list(logging.getLogger().handlers)
    with writing(tmp_path):
        pass
    logger.error("too late")
    assert logging.getLogger().handlers == before
    assert (tmp_path / "app.log").read_text() == ""


def test_a_file_that_is_full_becomes_an_older_one_and_the_oldest_goes(tmp_path):
    with writing(tmp_path, max_bytes=1000, files=2):
        for number in range(50):
            logger.error("line %d", number)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["app.log", "app.log.1", "app.log.2"]
    assert all(path.stat().st_size <= 1000 for path in tmp_path.iterdir())
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in tmp_path.iterdir())
    found = messages(tmp_path / "app.log.2", tmp_path / "app.log.1", tmp_path / "app.log")
    assert found == [f"line {number}" for number in range(50 - len(found), 50)]


def test_where_no_older_ones_are_wanted_the_file_begins_anew(tmp_path):
    with writing(tmp_path, max_bytes=1000, files=0):
        for number in range(50):
            logger.error("line %d", number)
    assert [path.name for path in tmp_path.iterdir()] == ["app.log"]
    assert (tmp_path / "app.log").stat().st_size <= 1000
    assert messages(tmp_path / "app.log")[-1] == "line 49"


def test_a_line_that_is_longer_than_a_file_may_be_has_a_file_of_its_own(tmp_path):
    with writing(tmp_path, max_bytes=1000, files=2):
        for letter in "abc":
            logger.error(letter * 1500)
    assert [messages(tmp_path / name)[0][0] for name in ("app.log.2", "app.log.1", "app.log")] == ["a", "b", "c"]


@pytest.mark.parametrize("how", ["moved", "deleted", "deleted with its folder"])
def test_a_file_that_somebody_took_away_is_made_anew(tmp_path, how):
    folder = tmp_path / "logs"
    with writing(folder):
        logger.error("before")
        flush()
        (folder / "app.log").rename(tmp_path / "kept") if how == "moved" else (folder / "app.log").unlink()
        if how == "deleted with its folder":
            folder.rmdir()
        logger.error("after")
    assert messages(folder / "app.log") == ["after"]


FULL = """
import json, logging, resource, sys
from pathlib import Path
from tasks_app.logs.app_log import app_log
from tasks_app.logs.outbox import stderr
logger, folder = logging.getLogger("iotask.tasks"), Path(sys.argv[1])
logging.getLogger().addHandler(stderr(colours=False))
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
def flush():
    for handler in logging.getLogger().handlers:
        handler.flush()
with app_log(folder, form="json", max_bytes=1_000_000, files=1):
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, most))
    for number in range(100):
        logger.error("line %d", number)
    flush()
    assert (folder / "app.log").stat().st_size <= 2000
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    logger.error("room again")
    flush()
"""


def test_a_disk_that_is_full_for_a_while_costs_lines_and_nothing_else_and_their_number_is_told(tmp_path):
    """A limit on the size of files: the line that crosses it is written in part and then refused, as on a disk without room."""
    done = subprocess.run([sys.executable, "-c", FULL, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "Logging error" not in done.stderr
    assert done.stderr.count("log_unwritable") == 1
    assert "app.log cannot be written (File too large): lines are counted until it can be" in done.stderr
    found = lines_of(tmp_path / "app.log")
    written = [line["message"] for line in found if line["message"].startswith("line ")]
    assert written == [f"line {number}" for number in range(len(written))]
    assert 5 < len(written) < 20
    others = [line for line in found if not line["message"].startswith("line ")]
    assert "room again" in [line["message"] for line in others]
    (told,) = (line for line in others if line["event"] == "lines_dropped")
    came_later = sum(line["event"] == "log_unwritable" for line in others)  # the word that it cannot be written may find room or not
    assert told["lines"] == 100 - len(written) + 1 - came_later
    assert f"lines_dropped lines={told['lines']}" in done.stderr


def test_a_disk_that_takes_nothing_at_all_is_said_once(tmp_path, capfd):
    (tmp_path / "app.log").symlink_to("/dev/full")
    with writing(tmp_path):
        for _ in range(100):
            logger.error("lost")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("in_the_way", ["logs", "logs/app.log"])
def test_what_cannot_be_made_is_one_sentence_that_names_the_setting(tmp_path, in_the_way):
    path = tmp_path / in_the_way
    path.parent.mkdir(exist_ok=True)
    if in_the_way == "logs":
        path.touch()
    else:
        path.mkdir()
    with pytest.raises(CannotLog) as refused, writing(tmp_path / "logs"):
        pass
    assert str(refused.value).startswith(f"LOG_DIR is '{tmp_path / 'logs'}', where app.log cannot be written: ")
    assert "\n" not in str(refused.value)


def test_a_folder_in_which_no_file_can_be_made_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)  # whoever runs this may be root, who may write anywhere
    with pytest.raises(CannotLog, match="no file can be added to that folder"), writing(tmp_path):
        pass


def test_every_line_of_a_hostile_sentence_is_still_json(tmp_path):
    with writing(tmp_path):
        logger.error("two\nlines \u2028 and \x1b[31m")
    (line,) = (tmp_path / "app.log").read_text("utf-8").splitlines()
    assert from_json(line)["message"] == "two\nlines \u2028 and \x1b[31m"
