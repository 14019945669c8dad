"""The trials of `make soak`, in their quick forms: what does not depend on the machine's speed has to hold here as well."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from soak.__main__ import names, trial
from soak.figures import Figure, quantile
from soak.report import write

QUICK = names()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", QUICK)
async def test_a_trial_holds_in_its_quick_form(name: str, tmp_path: Path) -> None:
    sentence, figures = await asyncio.to_thread(trial, name, full=False, folder=tmp_path)
    assert sentence
    assert figures
    assert [figure for figure in figures if not figure.holds and not figure.timed] == []


def test_figures_take_the_place_of_those_before_and_leave_the_rest(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Head\n\n<!-- trial: a -->\nbefore\n<!-- end: a -->\n\nFoot\n")
    write(
        {"a": ("It is tried.", [Figure("lost", "0", "0", True)]), "b": ("Another.", [Figure("lost", "0", "1", False)])}, "2026-01-01", page
    )
    text = page.read_text()
    assert text.startswith("# Head\n\n<!-- trial: a -->\nIt is tried.\n")
    assert "before" not in text
    assert "\nFoot\n" in text
    assert "| lost | 0 | 0 | yes |" in text
    assert "| lost | 0 | 1 | **no** |\n" in text
    assert text.count("<!-- trial: b -->") == 1


def test_a_quantile_is_one_of_the_values() -> None:
    assert quantile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert quantile([1.0], 0.99) == 1.0
    assert quantile([], 0.99) == 0.0
