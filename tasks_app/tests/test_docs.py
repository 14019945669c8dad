"""The documentation holds: its links lead somewhere, its commands and programs work as they stand there, its reference is the API's."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tasks_app.management.commands.reference import text as reference
from tasks_app.tests.processes import PATIENCE, ROOT, started

PAGES = sorted(
    path for folder in (ROOT, ROOT / "docs", ROOT / ".github") for path in (folder.glob("*.md") if folder == ROOT else folder.rglob("*.md"))
)
RUN = ["docs/terminal.md", "docs/howto/api.md", "docs/howto/schedules.md", "docs/howto/bulk.md", "docs/howto/search.md"]
SERVER = "http://localhost:8080"


@cache
def tokens(page: Path) -> tuple[Token, ...]:
    return tuple(MarkdownIt("commonmark").enable("table").parse(page.read_text("utf-8")))


@cache
def anchors(page: Path) -> frozenset[str]:
    """As GitHub makes them of headings."""
    found: list[str] = []
    for before, heading in zip(tokens(page), tokens(page)[1:], strict=False):
        if before.type == "heading_open":
            plain = "".join(child.content for child in heading.children or () if child.type in ("text", "code_inline"))
            anchor = "".join(c for c in plain.strip().lower().replace(" ", "-") if c.isalnum() or c in "-_")
            found.append(anchor if anchor not in found else f"{anchor}-{found.count(anchor)}")
    return frozenset(found)


def links(page: Path) -> Iterator[str]:
    """Addresses within the project that a page names."""
    for token in tokens(page):
        for child in token.children or ():
            address = str(child.attrGet("href") or child.attrGet("src") or "")
            if address and not re.match(r"[a-z][a-z0-9+.-]*:", address):
                yield address


def blocks(page: str, language: str) -> list[str]:
    return [token.content for token in tokens(ROOT / page) if token.type == "fence" and token.info == language]


def shell(script: str, url: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run what stands in a page, against another server; each of its lines has to end well."""
    typed = script.replace("localhost:8080", url.removeprefix("http://")).replace(
        "python manage.py", f"{sys.executable} {ROOT / 'manage.py'}"
    )
    environ = {**os.environ, "IOTASK_URL": url}
    words = ["bash", "-euo", "pipefail", "-c", typed]
    return subprocess.run(words, cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=2 * PATIENCE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path):
    for address in links(page):
        path, _, anchor = address.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), address
        assert there.is_relative_to(ROOT), address
        if anchor and there.suffix == ".md":
            assert anchor in anchors(there), address


def test_the_index_names_every_page():
    named = {(ROOT / "docs" / link.partition("#")[0]).resolve() for link in links(ROOT / "docs" / "README.md")}
    pages = {page.resolve() for page in (ROOT / "docs").rglob("*.md") if page.name != "README.md" and "examples" not in page.parts}
    assert pages - named == set()


def test_the_reference_is_the_apis():
    assert (ROOT / "docs" / "reference" / "api.md").read_text("utf-8") == reference(), "make reference"


@pytest.mark.parametrize("page", RUN)
def test_the_commands_of_a_page_work_as_they_stand_there(page: str, served: str, tmp_path: Path):
    found = blocks(page, "sh")
    assert found
    ran = shell("\n".join(found), served, tmp_path)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_program_of_the_page_on_the_api_works_as_it_stands_there(served: str):
    (program,) = blocks("docs/howto/api.md", "python")
    ran = subprocess.run(
        [sys.executable, "-c", program.replace(SERVER, served)], capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert (ran.returncode, ran.stdout.splitlines()[-1]) == (0, "completed {'counted': 3, 'interval': 0.1}"), ran.stderr


def test_the_tutorial_and_the_page_on_task_types_work_as_they_stand_there(tmp_path: Path):
    pages = {"my_tasks": "docs/tutorial.md", "howto_tasks": "docs/howto/task-types.md"}
    for module, page in pages.items():
        (code,) = blocks(page, "python")
        (tmp_path / f"{module}.py").write_text(code, "utf-8")
    with started(tmp_path / "output", "manage.py", "serve", "-p", "0", IOTASK_HANDLERS=",".join(pages), PYTHONPATH=str(tmp_path)) as server:
        said = {page: shell("\n".join(blocks(page, "sh")), server.url, tmp_path) for page in pages.values()}
        assert server.stop() == 0
    tutorial, types = (said[page] for page in pages.values())
    assert tutorial.returncode == 0, tutorial.stdout + tutorial.stderr
    for words in ("brew completed", "Brewing cup 3", '"beans": "Robusta"', "exit code 2", "exit code 1", "out_of_beans", "exit code 3"):
        assert words in tutorial.stdout, tutorial.stdout
    assert types.returncode == 0, types.stdout + types.stderr
    assert "superstition: Thirteen brings bad luck." in types.stdout
    assert "hush" not in types.stdout
