"""requirements.lock pins what requirements.txt names, with hashes, on the Python that runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tasks_app.tests.processes import ROOT


def requirements(name: str) -> list[Requirement]:
    """Those of the file that hold on this interpreter; options and hashes are left out."""
    text = (ROOT / name).read_text("utf-8").replace("\\\n", " ")
    lines = [line.partition(" --hash")[0].partition("#")[0].strip() for line in text.splitlines()]
    found = [Requirement(line) for line in lines if line and not line.startswith("-")]
    return [one for one in found if one.marker is None or one.marker.evaluate()]


PINS = {canonicalize_name(pin.name): pin for pin in requirements("requirements.lock")}


@pytest.mark.parametrize("wanted", requirements("requirements.txt"), ids=lambda one: one.name)
def test_what_is_wanted_is_pinned_to_a_version_that_will_do(wanted: Requirement) -> None:
    (pin,) = PINS[canonicalize_name(wanted.name)].specifier
    assert pin.operator == "=="
    assert wanted.specifier.contains(pin.version)


def test_every_pin_has_a_hash() -> None:
    text = (ROOT / "requirements.lock").read_text("utf-8").replace("\\\n", " ")
    pins = [line for line in text.splitlines() if re.match(r"[a-z0-9]", line)]
    assert len(pins) >= len(PINS) > 20
    assert [pin for pin in pins if "--hash=sha256:" not in pin] == []


@pytest.mark.parametrize(
    ("said", "code", "words"),
    [
        ('{"dependencies": [{"name": "a", "version": "1", "vulns": []}]}', 0, "1 packages of requirements.lock asked"),
        ('{"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "PYSEC-1"}]}]}', 1, "a 1 has PYSEC-1"),
        ('{"dependencies": [{"name": "a", "skip_reason": "not found"}]}', 0, "skipped, the index in use here has no advisories"),
        ("", 0, "skipped, the advisories could not be asked (no word)"),
    ],
)
def test_the_audit_fails_for_a_known_flaw_and_says_when_it_cannot_ask(tmp_path: Path, said: str, code: int, words: str) -> None:
    (tmp_path / "pip_audit.py").write_text(f"print({said!r})")  # stands in for the real one, which asks the network
    command = [sys.executable, str(ROOT / ".ci" / "audit")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(tmp_path)})
    assert (ran.returncode, words in ran.stdout + ran.stderr) == (code, True), ran
