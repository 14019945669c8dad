"""docs/reliability.md: what stands between a trial's marks is written by `make soak`."""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from soak.figures import Figure

PAGE = Path(__file__).parents[1] / "docs" / "reliability.md"


def write(found: Mapping[str, tuple[str, Sequence[Figure]]], today: str, page: Path = PAGE) -> None:
    """Put each trial's sentence and figures in its place."""
    put({name: _table(sentence, figures, today) for name, (sentence, figures) in found.items()}, page, "trial")


def put(texts: Mapping[str, str], page: Path, word: str) -> None:
    """Put each text, which ends with a line break, between its marks: `<!-- word: name -->` and `<!-- end: name -->`; one without is added
    at the end."""
    whole = page.read_text("utf-8")
    for name, text in texts.items():
        block = f"<!-- {word}: {name} -->\n{text}<!-- end: {name} -->\n"
        there = re.search(rf"<!-- {word}: {re.escape(name)} -->\n.*?<!-- end: {re.escape(name)} -->\n", whole, re.DOTALL)
        whole = whole[: there.start()] + block + whole[there.end() :] if there else f"{whole.rstrip()}\n\n{block}"
    page.write_text(whole, "utf-8")


def _table(sentence: str, figures: Sequence[Figure], today: str) -> str:
    rows = [f"| {one.what} | {one.wanted} | {one.found} | {'yes' if one.holds else '**no**'} |" for one in figures]
    return "\n".join(
        [sentence, "", "| what | wanted | found | holds |", "| --- | --- | --- | --- |", *rows, "", f"{today}, {_machine()}", ""]
    )


def _machine() -> str:
    memory = psutil.virtual_memory().total // 2**30
    return f"Python {platform.python_version()}, {psutil.cpu_count()} cores, {memory} GiB."
