"""docs/lifecycle.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from tasks_app.engine.limits import Limits
from tasks_app.engine.runner import FORCE_GRACE, STUCK_CAP
from tasks_app.engine.task import TERMINAL, TRANSITIONS, Status

PAGE = (Path(__file__).parents[3] / "docs" / "lifecycle.md").read_text(encoding="utf-8")
IN_CODE = {(before.value, after.value) for before, afters in TRANSITIONS.items() for after in afters}


def test_the_table_has_every_transition_and_no_other() -> None:
    rows = re.findall(r"^\| (\w+) \| (\w+) \| .+ \|$", PAGE, re.MULTILINE)
    rows.remove(("from", "to"))
    assert set(rows) == IN_CODE
    assert len(rows) == len(set(rows))


def test_the_chart_has_every_transition_and_no_other() -> None:
    arrows = re.findall(r"^    (\w+) --> (\w+): .+$", PAGE, re.MULTILINE)
    assert set(arrows) == IN_CODE
    assert len(arrows) == len(set(arrows))


def test_the_chart_begins_and_ends_where_a_life_does() -> None:
    assert set(re.findall(r"^    \[\*\] --> (\w+)", PAGE, re.MULTILINE)) == {Status.PENDING, Status.SCHEDULED}
    assert re.findall(r"^    (\w+) --> \[\*\]", PAGE, re.MULTILINE) == [status for status in TERMINAL if not TRANSITIONS[status]]


def test_the_numbers_on_the_page_are_those_in_the_code() -> None:
    assert (Limits().cancel_grace, FORCE_GRACE, STUCK_CAP) == (5.0, 0.25, 16)
    assert "5 seconds" in PAGE
    assert "another quarter of a second" in PAGE
    assert "Sixteen" in PAGE
