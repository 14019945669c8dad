"""What the package says of itself is what the requirement files say; nothing in a page stands at the root of a server."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))


def required(name: str) -> list[str]:
    """What a requirement file names itself."""
    lines = ((ROOT / name).read_text("utf-8")).splitlines()
    return [found for line in lines if (found := line.partition("#")[0].strip()) and not found.startswith("-")]


def test_the_package_needs_what_the_requirements_say() -> None:
    assert PROJECT["dependencies"] == required("requirements.txt")


@pytest.mark.parametrize("extra", sorted(PROJECT["optional-dependencies"]))
def test_an_extra_needs_what_its_requirements_say(extra: str) -> None:
    assert PROJECT["optional-dependencies"][extra] == required(f"requirements-{extra}.txt")


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_no_template_takes_itself_to_stand_at_the_root(template: Path) -> None:
    found = re.findall(r"(?:href|src|action|formaction|hx-(?:get|post|boost|push-url))=[\"']/[^\"']*", template.read_text("utf-8"))
    assert found == [], "name it with {% url %}, or {% root %} of the tag library addresses"
