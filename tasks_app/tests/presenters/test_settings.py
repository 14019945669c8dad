"""What a server was told, in words: complete, true to where it comes from, and without a secret."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from msgspec.structs import fields

from tasks_app import conf
from tasks_app.conf import Config, Hidden, config_of
from tasks_app.presenters import settings, words
from tasks_app.presenters.settings import shown
from tasks_app.presenters.settings_bounds import FIXED
from tasks_app.presenters.settings_words import BYTES, COUNT, GROUPS, HOURS, SECONDS, Setting
from tasks_app.runtime import Runtime
from tasks_app.tests.processes import ROOT

TOLD = [setting for group in GROUPS for setting in group.settings]
OUTSIDE = {"allowed_hosts", "trusted_origins", "log_level", "debugging"}  # of Config


def variables() -> dict[str, set[str]]:
    """Which variables each entry of settings.IOTASK is read from."""
    tree = ast.parse((ROOT / "iotask_site" / "settings.py").read_text("utf-8"))
    found = next(node.value for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "IOTASK")
    assert isinstance(found, ast.Dict)
    return {ast.literal_eval(key): _read(value) for key, value in zip(found.keys, found.values, strict=True) if key is not None}


def _read(value: ast.expr) -> set[str]:
    calls = [node for node in ast.walk(value) if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("env.")]
    return {ast.literal_eval(call.args[0]) for call in calls}


def test_every_field_of_the_configuration_has_one_group_and_one_sentence():
    assert sorted(setting.name for setting in TOLD) == sorted({field.name for field in fields(Config)} | OUTSIDE)


@pytest.mark.parametrize("said", [*TOLD, *FIXED], ids=lambda said: said.name)
def test_a_sentence_is_one(said: Setting):
    text = str(said.sentence)
    assert text[0].isupper()
    assert text[-1] == "."


@pytest.mark.parametrize("setting", [one for one in TOLD if one.name not in OUTSIDE], ids=lambda setting: setting.name)
def test_a_variable_is_the_one_that_is_read(setting: Setting):
    read = variables().get(setting.name, set())
    assert (setting.variable in read) if read else not setting.variable
    assert all(name == setting.variable or name in str(setting.sentence) for name in read)


def test_a_value_reads_as_people_say_it():
    thin = words.THIN
    assert shown(1_000_000, COUNT) == "1,000,000"
    assert (shown(0.5, SECONDS), shown(2.0, SECONDS), shown(90.0, SECONDS)) == (f"0.5{thin}s", f"2{thin}s", f"1{thin}m 30{thin}s")
    assert shown(24.0, HOURS) == f"24{thin}h"
    assert (shown(65_536, BYTES), shown(400 * 2**20, BYTES), shown(10_000_000, BYTES)) == (f"64{thin}KiB", f"400{thin}MiB", f"10.0{thin}MB")
    assert (shown(True), shown(False), shown(None, COUNT, "no bound"), shown((), "", "none")) == ("on", "off", "no bound", "none")
    assert shown({"ping": 1000, "primes": 2}) == "ping=1,000, primes=2"
    assert (shown(Hidden("secret")), shown(Hidden())) == ("set", "not set")


def test_what_differs_from_its_default_says_so_and_paths_are_where_they_are():
    built = Runtime(config_of({"max_running": 3, "download_dir": conf.folder() / "downloads", "journal": Path("/var/x.sqlite3")}))
    told = {line.setting.name: line for _, lines in settings.groups(built) for line in lines}
    assert (told["max_running"].value, told["max_running"].default, told["max_running"].changed) == ("3", "10,000", True)
    assert told["max_running"].use is not None
    assert told["max_running"].use.words == "0 of 3"
    assert not told["download_dir"].changed
    assert (told["journal"].value, told["journal"].default) == ("/var/x.sqlite3", "off")
    built.stop()


def test_a_stuck_handler_is_counted_beside_its_bound():
    built = Runtime(config_of({}))
    stuck, *_others = [line.use for line in settings.fixed(built) if line.use]
    assert stuck.words == "0 of 16"
    built.stop()
