"""Which operation answers which path."""

from __future__ import annotations

from tasks_app.api.v2.api import patterns


def test_a_path_with_a_name_of_its_own_is_found_before_one_that_takes_any() -> None:
    paths = [str(pattern.pattern) for pattern in patterns()]
    assert paths == sorted(paths, key=lambda path: "<" in path)
    assert paths.index("tasks/export") < paths.index("tasks/<task_id>")
