"""The environment: every reader takes what it should, and refuses the rest in one sentence that names the variable."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from iotask_site.env import Environment, WrongSetting
from iotask_site.secret_key import kept_key

ROOT = Path(__file__).parents[2]


def env(value: str) -> Environment:
    return Environment({"X": value})


def test_what_is_not_set_and_what_is_empty_gives_the_default():
    for found in (Environment({}), env(""), env("   ")):
        assert found.text("X", "a") == "a"
        assert found.integer("X", 1, low=0, high=2) == 1
        assert found.number("X", 1.5, low=0, high=2) == 1.5
        assert found.flag("X", True) is True
        assert found.items("X", ("a",)) == ("a",)
        assert found.counts("X", low=1, high=2) == {}
        assert found.path("X", "a", base=Path("/b")) == Path("/b/a")


def test_each_reader_gives_its_type():
    assert env(" plain ").text("X") == "plain"
    assert env("INFO").text("X", allowed=("info", "debug")) == "info"
    assert env("+12").integer("X", 0, low=0, high=99) == 12
    assert env("2.5").number("X", 0, low=0, high=99) == 2.5
    assert [env(word).flag("X") for word in ("1", "Yes", "on", "TRUE", "0", "no", "Off", "false")] == [True] * 4 + [False] * 4
    assert env("a, b,,c").items("X") == ("a", "b", "c")
    assert env("ping=500, double=1").counts("X", low=1, high=500) == {"ping": 500, "double": 1}
    assert env("/absolute").path("X", "", base=Path("/b")) == Path("/absolute")
    assert env("~/x").path("X", "", base=Path("/b")) == Path.home() / "x"


@pytest.mark.parametrize("value", ["abc", "1.0", "-1", "11", "1e1", "0x1", "٣", "9" * 5000, "1 2", "1_0", "nan"])
def test_a_wrong_integer_is_refused_by_name_value_and_range(value):
    with pytest.raises(WrongSetting) as refused:
        env(value).integer("X", 0, low=0, high=10)
    said = str(refused.value)
    assert said.startswith(f"X is '{value[:20]}")
    assert said.endswith("allowed: a whole number from 0 to 10.")
    assert len(said) < 200


@pytest.mark.parametrize("value", ["abc", "nan", "inf", "-inf", "10.1", "-0.1", "1e999"])
def test_a_wrong_number_is_refused(value):
    with pytest.raises(WrongSetting, match="allowed: a number from 0 to 10"):
        env(value).number("X", 0, low=0, high=10)


def test_a_word_that_is_not_among_the_allowed_is_refused():
    with pytest.raises(WrongSetting, match=r"X is 'loud'; allowed: one of info, debug\."):
        env("loud").text("X", allowed=("info", "debug"))
    with pytest.raises(WrongSetting, match="X is 'maybe'"):
        env("maybe").flag("X")


@pytest.mark.parametrize("value", ["ping", "ping=", "ping=0", "ping=101", "=5", "ping=5,ping=6", "Ping=5", "ping=5=6", "ping=five"])
def test_a_wrong_count_by_name_is_refused(value):
    with pytest.raises(WrongSetting, match="names with whole numbers from 1 to 100"):
        env(value).counts("X", low=1, high=100)


def test_a_list_is_refused_when_one_of_its_items_is_wrong():
    with pytest.raises(WrongSetting, match=r"allowed: words\."):
        env("a,b c").items("X", each=r"\w+", wanted="words")


def manage(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("IOTASK", "DJANGO"))}
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env={**clean, "SECRET_KEY": "s" * 50, **variables}, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "70000"),
        ("WORKER_COUNT", "0"),
        ("LOG_LEVEL", "loud"),
        ("IOTASK_LIMITS", "ping"),
        ("IOTASK_KEEP_HOURS", "nan"),
        ("IOTASK_HANDLERS", "acme-tasks"),
        ("DEBUG", "perhaps"),
        ("CSRF_TRUSTED_ORIGINS", "tasks.example.org"),
    ],
)
def test_a_wrong_value_stops_the_start_with_one_sentence_and_exit_code_2(name, value):
    done = manage("check", **{name: value})
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"{name} is {value!r}; allowed: ")
    assert done.stderr.count("\n") == 1


def test_the_secret_key_is_made_once_and_only_its_owner_can_read_it(tmp_path):
    path = tmp_path / "key"
    key = kept_key(path)
    assert len(key) >= 50
    assert kept_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_processes_that_make_the_key_together_end_up_with_the_same(tmp_path):
    code = f"from pathlib import Path; from iotask_site.secret_key import kept_key; print(kept_key(Path({str(tmp_path / 'key')!r})))"
    starts = [subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    keys = {start.communicate()[0] for start in starts}
    assert len(keys) == 1


def test_a_key_that_cannot_be_kept_is_told_in_a_sentence(tmp_path):
    with pytest.raises(WrongSetting, match="set SECRET_KEY, or make that place writable"):
        kept_key(tmp_path / "no such folder" / "key")
    (tmp_path / "short").write_text("abc\n")
    with pytest.raises(WrongSetting, match="delete it and a new one is made"):
        kept_key(tmp_path / "short")
