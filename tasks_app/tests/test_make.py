"""The first minute on a fresh machine: which Python is taken, what is installed when, and what is said when it cannot be."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tasks_app.tests.processes import ROOT

TOOLS = ("sh", "cat", "cksum", "basename", "dirname", "head", "tail", "sed", "grep", "ls", "make")
GOOD = 'exec {python} "$@"'
LINK = "import pathlib, pip, sys; [to] = pathlib.Path(sys.argv[-1]).glob('lib/*/site-packages'); (to / 'pip').symlink_to(pip.__path__[0])"
QUICK = f"""if [ "$1 $2" = "-m venv" ]; then {{python}} "$@" --without-pip && exec {{python}} -c "{LINK}" "$@"; fi
{GOOD}"""  # pip as it is here: to unpack and compile another takes five seconds, and is not ours to test more than once
SHIM = "echo 'this version is not installed' >&2; exit 127"
ALTERED = '[ "$1" = -c ] && shift && exec {python} -c \'{first}\n\'"$1"\nexec {python} "$@"'
OLD = ALTERED.replace("{first}", 'import sys; sys.version_info = (3, 9, 18, "final", 0)')
WITHOUT_VENV = ALTERED.replace("{first}", 'import sys; sys.modules["ensurepip"] = None')


class Machine:
    """A machine with a fresh copy of what `make` needs, and just the Pythons that a test puts on its PATH."""

    def __init__(self, root: Path) -> None:
        self.bin = root / "bin"
        self.project = root / "project"
        self.bin.mkdir()
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found, tool
            (self.bin / tool).symlink_to(found)
        shutil.copytree(ROOT / ".ci", self.project / ".ci")
        shutil.copy(ROOT / "Makefile", self.project)
        self.requires()

    def requires(self, text: str = "") -> None:
        """What requirements.txt names; nothing, as a rule: what pip does is not ours to test."""
        (self.project / "requirements.txt").write_text(text)

    def has(self, name: str, script: str = QUICK) -> Path:
        """Put a Python on PATH."""
        path = self.bin / name
        path.write_text("#!/bin/sh\n" + script.replace("{python}", sys.executable) + "\n")
        path.chmod(0o755)
        return path

    def setup(self, **variables: str) -> subprocess.CompletedProcess[str]:
        """What `make run` does before it runs."""
        return self.run("make", "setup", **variables)

    def pythons(self, *arguments: str) -> list[str]:
        """What .ci/pythons lists."""
        return self.run(".ci/pythons", *arguments).stdout.splitlines()

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environ = {"PATH": str(self.bin), "HOME": str(self.project), "PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", **variables}
        return subprocess.run(command, cwd=self.project, env=environ, capture_output=True, text=True, check=False)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A machine on which `make run` has been before: environments take seconds to make."""
    machine = Machine(tmp_path_factory.mktemp("used"))
    machine.has("python3", GOOD)
    assert machine.setup().returncode == 0
    return machine


def sentence(done: subprocess.CompletedProcess[str]) -> str:
    """The one sentence it gave up with; make adds a line of its own."""
    assert done.returncode != 0
    said = [line for line in done.stderr.splitlines() if not line.startswith("make: ")]
    assert len(said) == 1, done.stderr
    return said[0]


def test_the_newest_python_that_works_is_taken(machine):
    machine.has("python3.14", SHIM)
    machine.has("python3.13", OLD)
    machine.has("python3.12", WITHOUT_VENV)
    good = machine.has("python3.11")
    other = machine.has("python3")
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert machine.pythons() == [f"{version} {good}", f"{version} {other}"]
    done = machine.setup()
    assert done.returncode == 0, done.stderr
    assert f"({good})" in done.stdout


def test_the_same_name_further_down_the_path_is_found_behind_a_shim(machine, tmp_path):
    machine.has("python3.12", SHIM)
    more = tmp_path / "more with a space"
    more.mkdir()
    good = machine.has("python3.11").rename(more / "python3.12")
    assert machine.pythons(str(more))[0].endswith(f" {good}")


@pytest.mark.parametrize(
    ("pythons", "told"),
    [
        ({}, "IoTask needs Python 3.11 or newer and found none on PATH"),
        ({"python3": SHIM}, "IoTask needs Python 3.11 or newer and found none on PATH"),
        ({"python3": OLD}, "IoTask needs Python 3.11 or newer; the newest found here is Python 3.9 "),
        (
            {"python3.12": WITHOUT_VENV, "python3": OLD},
            "lacks venv and ensurepip: install them (on Debian and Ubuntu: apt install python3-venv).",
        ),
    ],
)
def test_without_a_python_that_will_do_one_sentence_says_what_is_missing(machine, pythons, told):
    for name, script in pythons.items():
        machine.has(name, script)
    assert told in sentence(machine.setup())
    assert not (machine.project / ".venv").exists()


@pytest.mark.parametrize(
    ("script", "told"),
    [(SHIM, "which does not run as a Python."), (OLD, "which is older than"), (WITHOUT_VENV, "which lacks venv and ensurepip")],
)
def test_a_python_that_was_named_and_will_not_do_is_told(machine, script, told):
    machine.has("python3")
    named = machine.has("mine", script)
    assert told in sentence(machine.setup(PYTHON=str(named)))
    assert "there is no such program" in sentence(machine.setup(PYTHON="no-such-python"))


def test_the_second_time_nothing_is_installed_until_the_requirements_change(used):
    used.requires("# one\n")
    assert "Installing" in used.setup().stdout
    assert used.setup().stdout == ""
    used.requires("# two\n")
    assert "Installing" in used.setup().stdout
    assert used.setup().stdout == ""


def test_a_named_python_and_folder_are_used(machine):
    machine.has("python3", SHIM)
    named = machine.has("mine")
    done = machine.setup(PYTHON="mine", VENV=".venv-other")
    assert f"Making .venv-other with Python {sys.version.split()[0]} ({named})." in done.stdout
    assert (machine.project / ".venv-other" / "bin" / "python").exists()
    assert machine.setup(PYTHON="mine", VENV=".venv-other").stdout == ""


def test_an_environment_whose_python_is_gone_is_made_anew(machine):
    machine.has("python3")
    half_made = machine.project / ".venv"  # and nothing is installed in it
    (half_made / "bin").mkdir(parents=True)
    (half_made / "pyvenv.cfg").touch()
    (half_made / "bin" / "python").symlink_to("/no/such/python")
    assert "Making .venv" in machine.setup().stdout
    assert machine.setup().stdout == ""


def test_a_folder_that_is_no_environment_is_left_alone(machine):
    machine.has("python3")
    kept = machine.project / ".venv" / "precious"
    kept.parent.mkdir()
    kept.touch()
    assert ".venv is in the way" in sentence(machine.setup())
    assert kept.exists()


def test_no_network_is_told_in_one_sentence(used):
    used.requires("no-such-package-anywhere\n")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound, not listening: whoever connects is refused
        done = used.setup(PIP_NO_INDEX="", PIP_INDEX_URL=f"http://127.0.0.1:{closed.getsockname()[1]}/simple", PIP_RETRIES="0")
    assert sentence(done).startswith("The packages could not be fetched: the package index did not answer (is there a network?)")


def test_a_package_that_cannot_be_had_is_told_in_pips_words(used):
    used.requires("no-such-package-anywhere\n")
    assert "pip could not install requirements.txt: ERROR: No matching distribution found" in sentence(used.setup())
